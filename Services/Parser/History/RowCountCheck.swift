import Catalogue
import Logging
import Messages
import Metrics
import PriceFiles
import Values

/// Compares the rows of each full file with those of the store's earlier files.
struct RowCountCheck: Sendable {
  let history: any RowHistory
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
