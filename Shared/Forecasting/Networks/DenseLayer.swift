/// `y = W x + b` with the weights of PyTorch's `nn.Linear`.
struct DenseLayer: Sendable {
  let inputs: Int
  let outputs: Int
  /// `inputs` x `outputs`: PyTorch's matrix, transposed.
  private let weights: [Float]
  private let bias: [Float]

  /// - Throws: `ForecastError` of kind `.badWeights`.
  init(_ file: SafeTensors, prefix: String, inputs: Int, outputs: Int) throws(ForecastError) {
    let matrix = try file.tensor("\(prefix).weight", [outputs, inputs])
    let bias = try file.tensor("\(prefix).bias", [outputs])
    var weights = [Float](repeating: 0, count: inputs * outputs)
    for output in 0..<outputs {
      for input in 0..<inputs { weights[input * outputs + output] = matrix[output, input] }
    }
    self.inputs = inputs
    self.outputs = outputs
    self.weights = weights
    self.bias = (0..<outputs).map { bias[$0] }
  }

  /// - Parameters:
  ///   - input: rows of `inputs` numbers, `stride` apart.
  ///   - result: room for `rows` x `outputs`.
  func apply(_ input: UnsafePointer<Float>, stride: Int, rows: Int, into result: FloatBuffer) {
    precondition(result.count >= rows * outputs)
    weights.withUnsafeBufferPointer { weights in
      guard let weights = weights.baseAddress else { return }
      MatrixProduct.multiply(
        input, leftStride: stride, weights, into: result.start, rows: rows, inner: inputs, columns: outputs)
    }
    for row in 0..<rows {
      for output in 0..<outputs { result.start[row * outputs + output] += bias[output] }
    }
  }
}
