import Catalogue
import Core
import Values

/// `split_from` shares became `split_to` before the session of `execution_date`.
///
/// `market-splits`, compacted, key `symbol/execution_date`; a tombstone takes it back. Bars are stored as they were
/// traded: readers adjust the earlier ones.
package struct StockSplit: FieldwiseMessage {
  package var symbol: String
  package var executionDate: String
  package var splitFrom: ExactDecimal
  package var splitTo: ExactDecimal
  package var source: String
  package var knownNs: Int64

  package static let topic = Topics.marketSplits

  package init(
    symbol: String, executionDate: String, splitFrom: ExactDecimal, splitTo: ExactDecimal, source: String,
    knownNs: Int64
  ) {
    self.symbol = symbol
    self.executionDate = executionDate
    self.splitFrom = splitFrom
    self.splitTo = splitTo
    self.source = source
    self.knownNs = knownNs
  }

  package var key: [UInt8] { Array("\(symbol)/\(executionDate)".utf8) }

  package static let blank = Self(
    symbol: "", executionDate: "", splitFrom: .zero, splitTo: .zero, source: "", knownNs: 0)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("symbol", &symbol, "The canonical symbol")
    try coder.required("execution_date", &executionDate, "Day of the split in New York: `2026-06-10`")
    try coder.required("split_from", &splitFrom, "Shares before the split")
    try coder.required("split_to", &splitTo, "Shares that they became")
    try coder.required("source", &source, "The feed or the file that says so")
    try coder.required("known_ns", &knownNs, "When it was learnt [ns since 1970]")
  }

  package mutating func complete(_ reader: borrowing JSONReader) throws(DecodingFailure) {
    guard let reason = problem else { return }
    throw DecodingFailure(.badValue, at: reader.position, reason.words, field: reason.field)
  }

  /// What is wrong with it; nil for a split.
  package var problem: (words: StaticString, field: String)? {
    if symbol.isEmpty { return ("no symbol", "symbol") }
    if CivilDate(executionDate) == nil { return ("not a date like 2026-06-10", "execution_date") }
    if splitFrom <= .zero || splitFrom.normalized.mantissa > 1_000_000_000 { return ("not above 0", "split_from") }
    if splitTo <= .zero || splitTo.normalized.mantissa > 1_000_000_000 { return ("not above 0", "split_to") }
    return nil
  }
}
