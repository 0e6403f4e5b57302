import Catalogue
import Values

/// A print of an option with the quote that stood when it was received.
///
/// `option-trades`, key and order `underlying`. The same print is in `market-ticks` under its contract, as sent; its
/// name is the same there: contract, `exchange`, `sequence`, `event_ns`, `price` and `size`. Times are nanoseconds
/// since 1970, UTC. A print that cancels an earlier one is a print with such a condition: OPRA sends no other message
/// for it.
package struct OptionTrade: FieldwiseMessage {
  /// The OCC name without blanks: `SPY251219C00650000`.
  package var contract: String
  /// The canonical symbol that the contract is on.
  package var underlying: String
  /// `polygon-options`, `alpaca-options`.
  package var feed: String
  package var eventNs: Int64
  package var publishedNs: Int64?
  package var knownNs: Int64
  /// The provider's code: a number of Polygon's, a letter of Alpaca's.
  package var exchange: String?
  package var sequence: Int64?
  package var price: ExactDecimal
  /// Contracts.
  package var size: ExactDecimal
  /// The provider's codes: numbers of Polygon's, letters of OPRA of Alpaca's.
  package var conditions: [String]
  /// Of the last quote of the contract that was received before; nil without one.
  package var bid, ask: ExactDecimal?
  package var bidSize, askSize: ExactDecimal?
  /// When that quote was given.
  package var quoteNs: Int64?
  /// The id of the gap that the print fills; nil of live ones.
  package var refill: String?

  package static let topic = Topics.optionTrades

  package init(
    contract: String, underlying: String, feed: String, eventNs: Int64, publishedNs: Int64? = nil, knownNs: Int64,
    exchange: String? = nil, sequence: Int64? = nil, price: ExactDecimal, size: ExactDecimal,
    conditions: [String] = []
  ) {
    self.contract = contract
    self.underlying = underlying
    self.feed = feed
    self.eventNs = eventNs
    self.publishedNs = publishedNs
    self.knownNs = knownNs
    self.exchange = exchange
    self.sequence = sequence
    self.price = price
    self.size = size
    self.conditions = conditions
  }

  package var key: [UInt8] { Array(underlying.utf8) }

  package static let blank = Self(
    contract: "", underlying: "", feed: "", eventNs: 0, knownNs: 0, price: .zero, size: .zero)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("contract", &contract)
    try coder.required("underlying", &underlying)
    try coder.required("feed", &feed)
    try coder.required("event_ns", &eventNs)
    try coder.field("published_ns", &publishedNs)
    try coder.required("known_ns", &knownNs)
    try coder.field("exchange", &exchange)
    try coder.field("sequence", &sequence)
    try coder.number("price", &price, isRequired: true)
    try coder.number("size", &size, isRequired: true)
    try coder.field("conditions", &conditions)
    try coder.number("bid", &bid)
    try coder.number("bid_size", &bidSize)
    try coder.number("ask", &ask)
    try coder.number("ask_size", &askSize)
    try coder.field("quote_ns", &quoteNs)
    try coder.field("refill", &refill)
  }
}
