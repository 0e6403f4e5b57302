import Runtime
import Schemas

/// How many rows a file had.
package struct RowCount: Hashable, Sendable {
  package var fileID: String
  package var rows: Int

  package init(fileID: String, rows: Int) {
    self.fileID = fileID
    self.rows = rows
  }
}

/// Remembers how many rows the last full files of each store had, to notice when one shrinks.
///
/// A series is one kind of file of one store. It is advice, not truth: nothing is lost when it is lost, and a store
/// that cannot be reached holds up no file.
package protocol RowHistory: Sendable {
  /// The last counts of the series, the newest last; at most `RowSeries.length`.
  func counts(of series: String) async throws -> [RowCount]

  /// Replaces what is remembered of the series.
  func remember(_ counts: [RowCount], of series: String) async throws

  /// Answers when the store can be used.
  func ping() async throws

  func close() async
}

/// What is kept of one series, and what it says of a new file.
enum RowSeries {
  static let length = 7
  /// Smaller files fall and rise by chance.
  static let smallestExpectation = 50

  /// - Returns: the series with the new count in it; a file that is parsed again changes nothing.
  static func appending(_ count: RowCount, to earlier: [RowCount]) -> [RowCount] {
    Array((earlier.filter { $0.fileID != count.fileID } + [count]).suffix(length))
  }

  /// The rows expected (the median of the earlier files) if the new count lies below by more than `threshold`, a
  /// share of 1; nil when it is as usual or there is nothing to compare it with.
  static func fall(to count: RowCount, from earlier: [RowCount], threshold: Double) -> Int? {
    let rows = earlier.filter { $0.fileID != count.fileID }.map(\.rows).sorted()
    guard !rows.isEmpty else { return nil }
    let expected = rows[rows.count / 2]
    guard expected >= smallestExpectation, Double(count.rows) < Double(expected) * (1 - threshold) else { return nil }
    return expected
  }

  /// `id:rows` pairs, separated by blanks.
  static func text(_ counts: [RowCount]) -> String {
    counts.map { "\($0.fileID):\($0.rows)" }.joined(separator: " ")
  }

  /// Pairs that cannot be read are left out.
  static func counts(_ text: some StringProtocol) -> [RowCount] {
    text.split(separator: " ").compactMap { pair in
      let halves = pair.split(separator: ":")
      guard halves.count == 2, let rows = Int(halves[1]) else { return nil }
      return RowCount(fileID: String(halves[0]), rows: rows)
    }
  }
}
