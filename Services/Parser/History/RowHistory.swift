import Catalogue
import Core
import Logging
import Messages
import Metrics
import PriceFiles
import ServiceState
import Values

/// The number of rows of a file.
package struct RowCount: Hashable, Sendable {
  package var fileID: String
  package var rows: Int
}

/// Remembers how many rows the last full files of each store had, to detect when one shrinks.
///
/// A series is one type of file of one store. The history is optional: losing it loses no data, and while it is
/// unreachable no file waits. Several parsers may share it: one of them at a time reads the files of one store.
package struct RowHistory: Sendable {
  let state: any StateStore

  package init(_ state: any StateStore = MemoryState()) { self.state = state }

  /// The last counts of the series, the newest last; at most `RowSeries.length`.
  func counts(of series: String) async throws -> [RowCount] {
    RowSeries.counts(try await state.value(of: "rows:\(series)") ?? "")
  }

  /// Replaces what is remembered of the series.
  func remember(_ counts: [RowCount], of series: String) async throws {
    try await state.set([("rows:\(series)", RowSeries.text(counts))])
  }

  /// Of every key in Redis.
  static let prefix = "souk:parser:"
  /// After the last file of a series.
  static let retention = Duration.seconds(60 * 86_400)

  /// `<series><TAB><id>:<rows> <id>:<rows>`.
  package static let format = StateFormat(
    owner: "parser", loss: "no file is then compared with earlier ones"
  ) { entry in
    [String(entry.key.dropFirst(5)), entry.value ?? ""]
  } entry: { fields in
    guard fields.count == 2 else { return nil }
    return StateFormat.Entry(key: "rows:\(fields[0])", value: String(fields[1]), time: WallClock.seconds())
  }
}

/// The counts of one series: how they are kept, and how a new count compares with them.
enum RowSeries {
  static let length = 7
  /// Smaller files vary by chance.
  static let smallestExpectation = 50

  /// - Returns: the series with the new count; a file that is parsed again keeps its one count.
  static func appending(_ count: RowCount, to earlier: [RowCount]) -> [RowCount] {
    Array((earlier.filter { $0.fileID != count.fileID } + [count]).suffix(length))
  }

  /// The expected rows (the median of the earlier files) when the new count is lower by more than `threshold`, a share
  /// of 1; nil otherwise, and without earlier files.
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

  /// Skips unreadable pairs.
  static func counts(_ text: some StringProtocol) -> [RowCount] {
    text.split(separator: " ").compactMap { pair in
      let halves = pair.split(separator: ":")
      guard halves.count == 2, let rows = Int(halves[1]) else { return nil }
      return RowCount(fileID: String(halves[0]), rows: rows)
    }
  }
}

/// Compares the rows of each full file with those of the store's earlier files.
struct RowCountCheck: Sendable {
  let history: RowHistory
  /// A share of 1; at 1 there are no alerts.
  let threshold: Double
  let logger: Logger

  /// - Parameter rows: of the whole file.
  /// - Returns: the alert to raise, the same each time the file is parsed; nil when the file is long enough, or while
  ///   the history is unreachable.
  func alert(for file: FileToParse, storeID: String?, rows: Int, at time: Timestamp) async -> Alert? {
    guard threshold < 1, let type = file.fileType, type.isComplete else { return nil }
    let subject = "\(file.chain)/\(storeID ?? "")"
    let series = "\(subject)/\(type.rawValue)"
    let count = RowCount(fileID: file.fileID, rows: rows)
    do {
      let earlier = try await history.counts(of: series)
      try await history.remember(RowSeries.appending(count, to: earlier), of: series)
      guard let expected = RowSeries.fall(to: count, from: earlier, threshold: threshold) else { return nil }
      return Alert(
        kind: .rowsFell, severity: rows == 0 ? .critical : .warning, service: ServiceCatalogue.parser.name,
        chain: file.chain, subject: subject, occasion: file.fileID,
        message: "\(file.fileName) has \(rows) rows; earlier files of this store had \(expected)",
        value: ExactDecimal(mantissa: Int64(rows), scale: 0),
        expected: ExactDecimal(mantissa: Int64(expected), scale: 0),
        observedAt: time)
    } catch {
      Counter(label: "souk_row_history_failures_total").increment()
      logger.warning("the row history is unreachable", metadata: ["series": "\(series)", "reason": "\(error)"])
      return nil
    }
  }
}

extension FileType {
  /// A full list, whose length can be compared.
  var isComplete: Bool { self == .priceFull || self == .promoFull || self == .stores }
}
