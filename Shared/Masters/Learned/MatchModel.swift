import Core
import Forecasting
import Foundation

/// What decides whether a row is a master: boosted trees over pairs, and boosted trees over the best pairs of all rows
/// of a file, which know who else claims the master.
package final class MatchModel: Sendable {
  /// The file: `{"format": 1, "version": ..., "features": ..., "same": ..., "perhaps": ..., "pairs": "<base64>",
  /// "rows": "<base64>"}`; the trees as XGBoost writes them (UBJ or JSON).
  private struct File: Codable {
    var format: Int
    var version: String
    var features: Int
    var same: Float
    var perhaps: Float
    var pairs: Data
    var rows: Data
    /// Rows with what the trees have to say of them.
    var probes: Probes?
  }
  private struct Probes: Codable {
    var pairs: [[Float]]
    var pairAnswers: [Float]
    var rows: [[Float]]
    var rowAnswers: [Float]
  }

  package static let format = 1
  package let version: String
  /// Least probability that is taken for the same product.
  package let same: Float
  /// Least probability that is worth keeping as a candidate.
  package let perhaps: Float
  private let pairs: Booster
  private let rows: Booster

  /// - Throws: `ForecastError` that says what is wrong with the file.
  package init(_ json: [UInt8]) throws(ForecastError) {
    let file: File
    do { file = try JSONDecoder().decode(File.self, from: Data(json)) } catch {
      throw ForecastError(.badManifest, "the model of masters is not readable: \(error)")
    }
    guard file.format == Self.format, file.features == Candidates.features else {
      throw ForecastError(
        .unsupported,
        "the model of masters \(file.version) has format \(file.format) and \(file.features) features of a pair; this "
          + "program has \(Self.format) and \(Candidates.features): train it again")
    }
    guard 0..<1 ~= file.perhaps, file.perhaps...1 ~= file.same else {
      throw ForecastError(.badManifest, "the thresholds of the model of masters \(file.version) are not in order")
    }
    version = file.version
    (same, perhaps) = (file.same, file.perhaps)
    pairs = try Booster(Array(file.pairs), threads: 1)
    rows = try Booster(Array(file.rows), threads: 1)
    guard pairs.features == Candidates.features, rows.features == RowDecision.features else {
      throw ForecastError(
        .badWeights, "the trees of the model of masters \(version) look at \(pairs.features) and \(rows.features) "
          + "features, not \(Candidates.features) and \(RowDecision.features)")
    }
    if let probes = file.probes {
      try Self.check(pairs, probes.pairs, probes.pairAnswers, version)
      try Self.check(rows, probes.rows, probes.rowAnswers, version)
    }
  }

  private static func check(
    _ booster: Booster, _ rows: [[Float]], _ answers: [Float], _ version: String
  ) throws(ForecastError) {
    guard rows.count == answers.count, rows.allSatisfy({ $0.count == booster.features }) else {
      throw ForecastError(.badManifest, "the probes of the model of masters \(version) do not fit its trees")
    }
    let found = try booster.predict(rows.flatMap { $0 }, rows: rows.count)
    for (found, answer) in zip(found, answers) where abs(found - answer) > 1e-4 {
      throw ForecastError(
        .badWeights, "the model of masters \(version) says \(found) where its training program said \(answer)")
    }
  }

  /// Probability of each pair.
  func judge(pairs matrix: [Float], count: Int) throws(ForecastError) -> [Float] {
    try pairs.predict(matrix, rows: count)
  }

  func judge(rows matrix: [Float], count: Int) throws(ForecastError) -> [Float] {
    try rows.predict(matrix, rows: count)
  }
}
