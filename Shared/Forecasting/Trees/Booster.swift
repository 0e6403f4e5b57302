import Core
import CXGBoost

/// Boosted trees of XGBoost (its C library 1.7), read from a model in JSON or UBJ.
///
/// Trees of the usual kinds are walked here, which takes less than half of the library's time, if their answers about
/// values at and beside all thresholds are the library's to the last bit. In-place prediction of the library takes no
/// lock and keeps its result per thread. So several threads may ask at once.
package final class Booster: @unchecked Sendable {
  private let handle: BoosterHandle
  package let features: Int
  /// nil when only the library walks the trees.
  private(set) var flat: FlatTrees?
  private static let probes = 256

  /// - Parameters:
  ///   - model: `model.json` or `model.ubj`, which XGBoost recognises by itself; its old binary form is refused.
  ///   - threads: XGBoost threads per call.
  /// - Throws: `ForecastError` of kind `.badWeights` with XGBoost's message.
  package init(_ model: [UInt8], threads: Int) throws(ForecastError) {
    guard TreeFile.isWhole(model) else {
      throw ForecastError(.badWeights, "the trees are neither JSON nor UBJ, or a part of the file is missing")
    }
    var handle: BoosterHandle?
    guard XGBoosterCreate(nil, 0, &handle) == 0, let handle else {
      throw ForecastError(.libraryFailed, "XGBoost makes no booster: \(Self.lastError)")
    }
    var features: bst_ulong = 0
    var rounds: Int32 = 0
    guard XGBoosterSetParam(handle, "nthread", "\(max(1, threads))") == 0,
      XGBoosterSetParam(handle, "verbosity", "0") == 0,
      XGBoosterLoadModelFromBuffer(handle, model, bst_ulong(model.count)) == 0,
      XGBoosterSetParam(handle, "nthread", "\(max(1, threads))") == 0,
      XGBoosterGetNumFeature(handle, &features) == 0, XGBoosterBoostedRounds(handle, &rounds) == 0
    else {
      let words = Self.lastError
      XGBoosterFree(handle)
      throw ForecastError(.badWeights, "XGBoost refuses the trees: \(words)")
    }
    guard rounds > 0, let count = Int(exactly: features), count > 0 else {
      XGBoosterFree(handle)
      throw ForecastError(.badWeights, "the model has no trees")
    }
    self.handle = handle
    self.features = count
    // The first prediction also configures the booster, which is not thread-safe.
    let row = [Float](repeating: 0, count: count)
    do {
      _ = try predictByLibrary(row, rows: 1)
    } catch {
      throw ForecastError(.badWeights, "the trees do not work: \(error.message)")
    }
    guard let flat = FlatTrees(handle) else { return }
    let probes = flat.probes(Self.probes)
    let answers = try predictByLibrary(probes, rows: Self.probes)
    let found = flat.predict(probes, rows: Self.probes)
    if answers.map(\.bitPattern) == found.map(\.bitPattern) { self.flat = flat }
  }

  deinit { XGBoosterFree(handle) }

  /// - Parameter matrix: `rows` times `features` numbers, row by row, all finite.
  /// - Returns: one number for each row.
  /// - Throws: `ForecastError` of kind `.libraryFailed`.
  package func predict(_ matrix: [Float], rows: Int) throws(ForecastError) -> [Float] {
    guard rows > 0 else { return [] }
    precondition(matrix.count == rows * features)
    if let flat { return flat.predict(matrix, rows: rows) }
    return try predictByLibrary(matrix, rows: rows)
  }

  func predictByLibrary(_ matrix: [Float], rows: Int) throws(ForecastError) -> [Float] {
    var shape: UnsafePointer<bst_ulong>?
    var dimensions: bst_ulong = 0
    var result: UnsafePointer<Float>?
    let status = matrix.withUnsafeBufferPointer { matrix in
      // NumPy's array interface: address and read-only flag, shape, little-endian floats.
      let array = "{\"data\":[\(UInt(bitPattern: matrix.baseAddress)),true],"
        + "\"shape\":[\(rows),\(features)],\"typestr\":\"<f4\",\"version\":3}"
      return XGBoosterPredictFromDense(handle, array, Self.configuration, nil, &shape, &dimensions, &result)
    }
    guard status == 0, let result, let shape else { throw ForecastError(.libraryFailed, "XGBoost: \(Self.lastError)") }
    let count = (0..<Int(dimensions)).reduce(1) { $0 * Int(shape[$1]) }
    guard count == rows else {
      throw ForecastError(.libraryFailed, "XGBoost gives \(count) numbers for \(rows) rows; one each was expected")
    }
    return Array(UnsafeBufferPointer(start: result, count: rows))
  }

  /// `type` 0: the value, not the margin. All trees.
  private static let configuration =
    "{\"type\":0,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"strict_shape\":false,"
    + "\"cache_id\":0,\"missing\":NaN}"

  /// The first line of XGBoost's message, without the stack that follows.
  private static var lastError: String {
    guard let message = XGBGetLastError() else { return "no reason given" }
    return String(cString: message).split(separator: "\n").first.map { String($0.prefix(300)) } ?? "no reason given"
  }
}
