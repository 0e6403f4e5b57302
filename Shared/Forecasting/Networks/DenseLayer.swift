import Core
import Tensors

/// `y = W x + b` with the weights of PyTorch's `nn.Linear`.
struct DenseLayer: Sendable {
  let inputs: Int
  let outputs: Int
  /// `inputs` x `outputs`: PyTorch's matrix, transposed.
  private let weights: [Float]
  private let bias: [Float]

  /// - Throws: `ForecastError` of kind `.badWeights`.
  init(_ file: NetworkWeights, prefix: String, inputs: Int, outputs: Int) throws(ForecastError) {
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

/// Activation functions of eight numbers at once, in arithmetic that every x86-64 and arm64 has.
enum Activation {
  /// e^x, relative error below 2e-7; constant outside -87...88.
  @inline(__always)
  static func exponential(_ x: SIMD8<Float>) -> SIMD8<Float> {
    var clamped = x
    clamped.replace(with: -87, where: x .< -87)
    clamped.replace(with: 88, where: x .> 88)
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the lowest bits of the sum.
    let shifter = SIMD8<Float>(repeating: 12_582_912)
    let shifted = clamped * 1.442_695_04 + shifter
    let whole = shifted - shifter
    // ln 2 in two parts; the first has so few digits that its product is exact.
    let rest = (clamped - whole * 0.693_359_375) - whole * -2.121_944_4e-4
    // Taylor series: for |rest| <= ln 2 / 2 the first omitted term is below 6e-9.
    var sum = rest * (1.0 / 5_040) + (1.0 / 720)
    sum = sum * rest + (1.0 / 120)
    sum = sum * rest + (1.0 / 24)
    sum = sum * rest + (1.0 / 6)
    sum = sum * rest + 0.5
    sum = sum * rest + 1
    sum = sum * rest + 1
    let bits = unsafeBitCast(shifted, to: SIMD8<Int32>.self) &- SIMD8<Int32>(repeating: 0x4b40_0000 - 127)
    return sum * unsafeBitCast(bits &<< SIMD8<Int32>(repeating: 23), to: SIMD8<Float>.self)
  }

  @inline(__always)
  static func sigmoid(_ x: SIMD8<Float>) -> SIMD8<Float> { 1 / (1 + exponential(-x)) }

  /// Absolute error below 2e-7.
  @inline(__always)
  static func tanh(_ x: SIMD8<Float>) -> SIMD8<Float> { 1 - 2 / (1 + exponential(x + x)) }
}

/// The weights of a network, with the errors of this module.
struct NetworkWeights {
  private let file: SafeTensors

  /// - Throws: `ForecastError` of kind `.badWeights` that says what is wrong.
  init(_ bytes: [UInt8]) throws(ForecastError) {
    do { file = try SafeTensors(bytes) } catch { throw ForecastError(.badWeights, error.message) }
  }

  /// - Throws: the same when the tensor is missing, has another shape, or holds a number that is not finite.
  func tensor(_ name: String, _ shape: [Int]) throws(ForecastError) -> Tensor {
    do { return try file.tensor(name, shape) } catch { throw ForecastError(.badWeights, error.message) }
  }
}
