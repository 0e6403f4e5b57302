import Core
import Tensors

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
