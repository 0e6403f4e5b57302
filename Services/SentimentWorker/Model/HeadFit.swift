import Tensors

/// Fits a head: the least mean cross entropy plus `penalty / 2` times the squares of all weights, the bias among them.
/// The sum is strictly convex, so that there is one solution, wherever it is begun.
///
/// Nesterov's accelerated gradient with constant steps (Y. Nesterov, "Introductory Lectures on Convex Optimization",
/// 2004, section 2.2): for vectors of length 1 with a bias the gradient's Lipschitz constant is at most 1 plus the
/// penalty.
enum HeadFit {
  /// - Parameters:
  ///   - vectors: of one length, of Euclidean length 1 each.
  ///   - labels: indexes of classes.
  /// - Returns: a row for each class, with the bias behind the weights.
  static func fit(
    _ vectors: [[Float]], _ labels: [Int], classes: Int, penalty: Float, steps: Int = 3_000
  ) -> [[Float]] {
    let (rows, columns) = (vectors.count, vectors[0].count + 1)
    let (inputs, scores) = (FloatBuffer(rows * columns), FloatBuffer(rows * classes))
    let (rest, gradient) = (FloatBuffer(classes * rows), FloatBuffer(classes * columns))
    let (weights, ahead) = (FloatBuffer(classes * columns), FloatBuffer(classes * columns))
    for (row, vector) in vectors.enumerated() {
      for (column, value) in vector.enumerated() { inputs.start[row * columns + column] = value }
      inputs.start[row * columns + columns - 1] = 1
    }
    let (step, root) = (1 / (1 + penalty), (penalty / (1 + penalty)).squareRoot())
    let momentum = (1 - root) / (1 + root)
    for _ in 0..<steps {
      MatrixProduct.multiply(
        .init(inputs.start, stride: columns), .init(ahead.start, stride: columns), transposed: true,
        into: .init(scores.start, stride: classes), adding: false, rows: rows, inner: columns, columns: classes)
      for row in 0..<rows {
        let start = scores.start + row * classes
        Elementwise.softmax(start, classes)
        for place in 0..<classes {
          rest.start[place * rows + row] = (start[place] - (labels[row] == place ? 1 : 0)) / Float(rows)
        }
      }
      MatrixProduct.multiply(
        .init(rest.start, stride: rows), .init(inputs.start, stride: columns), transposed: false,
        into: .init(gradient.start, stride: columns), adding: false, rows: classes, inner: rows, columns: columns)
      var steepest: Float = 0
      for place in 0..<classes * columns {
        let slope = gradient.start[place] + penalty * ahead.start[place]
        steepest = max(steepest, abs(slope))
        let next = ahead.start[place] - step * slope
        ahead.start[place] = next + momentum * (next - weights.start[place])
        weights.start[place] = next
      }
      if steepest < 1e-6 { break }
    }
    return (0..<classes).map { place in (0..<columns).map { weights.start[place * columns + $0] } }
  }
}
