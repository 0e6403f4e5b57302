import Catalogue
import Core
import Values

/// What one group of workers has to know of one symbol to go on.
///
/// A compacted changelog with the partitioning of the workers' input: partition p holds the states of the symbols in
/// partition p, so that the consumer of the one can read the other. A state of several parts has a record for each, and
/// a tombstone for one that is not needed any more.
package struct SymbolState: FieldwiseMessage {
  package var group: String
  package var feed: String
  package var symbol: String
  package var part: String?
  package var state: String

  /// Of signal-worker; the topics of states are all alike.
  package static let topic = Topics.signalStates

  package init(group: String, feed: String, symbol: String, part: String? = nil, bytes: [UInt8]) {
    self.group = group
    self.feed = feed
    self.symbol = symbol
    self.part = part
    state = Base64.encode(bytes)
  }

  /// nil when `state` is no Base64.
  package var bytes: [UInt8]? { Base64.decode(state) }

  /// `group/feed/symbol`, and the part behind them.
  package var key: [UInt8] { Array("\(group)/\(feed)/\(symbol)\(part.map { "/\($0)" } ?? "")".utf8) }
  package var partitionKey: [UInt8] { Array(symbol.utf8) }

  package static let blank = Self(group: "", feed: "", symbol: "", bytes: [])
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("group", &group, "The consumer group whose state it is")
    try coder.required("feed", &feed, "The feed of the symbol")
    try coder.required("symbol", &symbol, "The canonical symbol")
    try coder.field(
      "part", &part,
      "The part of a state of several records; null where it is one record, or for its main part", when: part != nil)
    try coder.required("state", &state, "Bytes that only the worker reads, in Base64")
  }
}
