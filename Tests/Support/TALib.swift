import LocalServers

/// Bars, and what TA-Lib says of them: `talib_truth.py` in the Python of `make deps`.
package struct TALib: Sendable {
  package static let kinds = ["walk", "flat", "up", "down", "gaps", "tiny", "still"]

  package struct Bar: Sendable {
    package var session: Int64
    package var high, low, close, volume: Double
    /// In the order of the names; NaN where there is no value yet.
    package var values: [Double]
  }

  package let names: [String]
  package let bars: [Bar]

  package struct Unavailable: Error, CustomStringConvertible {
    package let description: String
  }

  /// - Throws: `Unavailable` when Python or TA-Lib is missing: a test without its truth has failed.
  package init(_ kind: String, seed: Int, count: Int) async throws {
    let script = String(#filePath.dropLast("TALib.swift".count)) + "talib_truth.py"
    let outcome = try await ChildProcess.run(
      Launch(".souk/venv/bin/python", [script, kind, "\(seed)", "\(count)"]), atMost: .seconds(600))
    guard outcome.status == .exited(0) else {
      throw Unavailable(description: "no truth of TA-Lib (make deps installs it): \(outcome.errorOutput)")
    }
    let lines = outcome.output.split(separator: "\n")
    names = lines.first?.split(separator: " ").map(String.init) ?? []
    bars = lines.dropFirst().map { line in
      let numbers = line.split(separator: " ").map { Double($0) ?? .nan }
      return Bar(
        session: Int64(numbers[0]), high: numbers[1], low: numbers[2], close: numbers[3], volume: numbers[4],
        values: Array(numbers[5...]))
    }
    guard bars.count == count else { throw Unavailable(description: "TA-Lib answered \(bars.count) of \(count) bars") }
  }

  /// Equal to 1e-9 of the value or of the price, whichever is larger; or both without a value.
  package static func agree(_ ours: Double, _ truth: Double, price: Double) -> Bool {
    if ours.isNaN || truth.isNaN { return ours.isNaN && truth.isNaN }
    return abs(ours - truth) <= 1e-9 * max(abs(truth), price)
  }
}
