import Tensors

/// Layers of LSTM cells with the weights of PyTorch's `nn.LSTM`, whose equations these are:
///
///     i = sigmoid(W_ii x + b_ii + W_hi h + b_hi)      f, o alike      g = tanh(W_ig x + b_ig + W_hg h + b_hg)
///     c' = f * c + i * g                              h' = o * tanh(c')
///
/// PyTorch's matrices stack the gates i, f, g, o by rows. Here the two matrices of a layer are one, transposed, so that
/// a step is one product `[x h] W`; its columns are in groups of eight cells: eight of i, of f, of g, of o, then the
/// next cells. The cells are padded to a multiple of eight with cells that stay at zero.
struct LSTMStack: Sendable {
  let inputs: Int
  let hidden: Int
  /// `hidden`, padded.
  let padded: Int
  private let layers: [Layer]

  private struct Layer: Sendable {
    /// Size of `x`.
    var width: Int
    /// `(width + padded)` x `4 padded`
    var weights: [Float]
    /// `4 padded`: the sum of PyTorch's two.
    var bias: [Float]
  }

  /// - Parameter prefix: prefix of the tensor names: `lstm`.
  /// - Throws: `ForecastError` of kind `.badWeights`.
  init(_ file: NetworkWeights, prefix: String, inputs: Int, hidden: Int, layers count: Int) throws(ForecastError) {
    self.inputs = inputs
    self.hidden = hidden
    padded = (hidden + 7) / 8 * 8
    var layers: [Layer] = []
    for layer in 0..<count {
      layers.append(try Self.layer(
        file, prefix: prefix, number: layer, given: layer == 0 ? inputs : hidden,
        width: layer == 0 ? inputs : padded, hidden: hidden, padded: padded))
    }
    self.layers = layers
  }

  private static func layer(
    _ file: NetworkWeights, prefix: String, number: Int, given: Int, width: Int, hidden: Int, padded: Int
  ) throws(ForecastError) -> Layer {
    let ofInput = try file.tensor("\(prefix).weight_ih_l\(number)", [4 * hidden, given])
    let ofHidden = try file.tensor("\(prefix).weight_hh_l\(number)", [4 * hidden, hidden])
    let inputBias = try file.tensor("\(prefix).bias_ih_l\(number)", [4 * hidden])
    let hiddenBias = try file.tensor("\(prefix).bias_hh_l\(number)", [4 * hidden])
    let columns = 4 * padded
    var weights = [Float](repeating: 0, count: (width + padded) * columns)
    var bias = [Float](repeating: 0, count: columns)
    for gate in 0..<4 {
      for cell in 0..<hidden {
        let row = gate * hidden + cell
        let column = cell / 8 * 32 + gate * 8 + cell % 8
        bias[column] = inputBias[row] + hiddenBias[row]
        for input in 0..<given { weights[input * columns + column] = ofInput[row, input] }
        for other in 0..<hidden { weights[(width + other) * columns + column] = ofHidden[row, other] }
      }
    }
    return Layer(width: width, weights: weights, bias: bias)
  }

  /// The state of several sequences, with working memory. For one thread at a time.
  final class State {
    let rows: Int
    fileprivate let stack: LSTMStack
    /// By layer: rows of `[x h]`.
    fileprivate let places: [FloatBuffer]
    /// By layer: `rows` x `padded`.
    fileprivate let cells: [FloatBuffer]
    fileprivate let gates: FloatBuffer

    /// All zero.
    init(_ stack: LSTMStack, rows: Int) {
      self.rows = rows
      self.stack = stack
      places = stack.layers.map { FloatBuffer(rows * ($0.width + stack.padded)) }
      cells = stack.layers.map { _ in FloatBuffer(rows * stack.padded) }
      gates = FloatBuffer(rows * 4 * stack.padded)
    }

    /// Where to write the inputs of a row before a step: `inputs` numbers.
    func input(_ row: Int) -> UnsafeMutablePointer<Float> {
      places[0].start + row * (stack.layers[0].width + stack.padded)
    }

    /// `h` of the last layer after a step: `hidden` numbers.
    func output(_ row: Int) -> UnsafePointer<Float> { UnsafePointer(top + row * outputStride) }
    var outputStride: Int { stack.layers[stack.layers.count - 1].width + stack.padded }
    private var top: UnsafeMutablePointer<Float> {
      let last = stack.layers.count - 1
      return places[last].start + stack.layers[last].width
    }

    /// Fills every row with one row of another state.
    func fill(from other: State, row: Int) {
      for (index, layer) in stack.layers.enumerated() {
        let width = layer.width + stack.padded
        for copy in 0..<rows {
          (places[index].start + copy * width).update(from: other.places[index].start + row * width, count: width)
          (cells[index].start + copy * stack.padded)
            .update(from: other.cells[index].start + row * stack.padded, count: stack.padded)
        }
      }
    }

    func reset() {
      for buffer in places + cells { buffer.start.update(repeating: 0, count: buffer.count) }
    }
  }

  /// Runs one period for all rows: inputs are in `state.input`, `h` is in `state.output` afterwards.
  func step(_ state: State) {
    for (index, layer) in layers.enumerated() {
      let place = state.places[index].start
      let width = layer.width + padded
      layer.weights.withUnsafeBufferPointer { weights in
        guard let weights = weights.baseAddress else { return }
        MatrixProduct.multiply(
          place, leftStride: width, weights, into: state.gates.start, rows: state.rows, inner: width,
          columns: 4 * padded)
      }
      let isLast = index == layers.count - 1
      let above = isLast ? nil : state.places[index + 1].start
      let aboveWidth = isLast ? 0 : layers[index + 1].width + padded
      layer.bias.withUnsafeBufferPointer { bias in
        guard let bias = bias.baseAddress else { return }
        for row in 0..<state.rows {
          Self.activate(
            gates: state.gates.start + row * 4 * padded, bias: bias, cells: state.cells[index].start + row * padded,
            output: place + row * width + layer.width, above: above.map { $0 + row * aboveWidth }, count: padded)
        }
      }
    }
  }

  /// Computes new cells and outputs from the gates, for one row.
  @inline(__always)
  private static func activate(
    gates: UnsafeMutablePointer<Float>, bias: UnsafePointer<Float>, cells: UnsafeMutablePointer<Float>,
    output: UnsafeMutablePointer<Float>, above: UnsafeMutablePointer<Float>?, count: Int
  ) {
    let gates = UnsafeRawPointer(gates), bias = UnsafeRawPointer(bias)
    let cells = UnsafeMutableRawPointer(cells), output = UnsafeMutableRawPointer(output)
    let above = above.map { UnsafeMutableRawPointer($0) }
    var cell = 0
    while cell < count {
      let place = cell * 16
      let input = Activation.sigmoid(load(gates, place) + load(bias, place))
      let forget = Activation.sigmoid(load(gates, place + 32) + load(bias, place + 32))
      let candidate = Activation.tanh(load(gates, place + 64) + load(bias, place + 64))
      let gate = Activation.sigmoid(load(gates, place + 96) + load(bias, place + 96))
      let content = forget * load(UnsafeRawPointer(cells), cell * 4) + input * candidate
      let result = gate * Activation.tanh(content)
      cells.storeBytes(of: content, toByteOffset: cell * 4, as: SIMD8<Float>.self)
      output.storeBytes(of: result, toByteOffset: cell * 4, as: SIMD8<Float>.self)
      above?.storeBytes(of: result, toByteOffset: cell * 4, as: SIMD8<Float>.self)
      cell += 8
    }
  }

  @inline(__always)
  private static func load(_ start: UnsafeRawPointer, _ offset: Int) -> SIMD8<Float> {
    start.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)
  }
}
