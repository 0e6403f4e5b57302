import Catalogue
import Values

/// A print of an option with the quote that stood when it was received.
///
/// `option-trades`, key and order `underlying`. The same print is in `market-ticks` under its contract, as sent; its
/// name is the same there: contract, `exchange`, `sequence`, `event_ns`, `price` and `size`. Times are nanoseconds
/// since 1970, UTC. A print that cancels an earlier one is a print with such a condition: OPRA sends no other message
/// for it.
package struct OptionTrade: FieldwiseMessage {
  package var contract: String
  package var underlying: String
  package var feed: String
  package var eventNs: Int64
  package var publishedNs: Int64?
  package var knownNs: Int64
  package var exchange: String?
  package var sequence: Int64?
  package var price: ExactDecimal
  package var size: ExactDecimal
  package var conditions: [String]
  /// Of the last quote of the contract that was received before; nil without one.
  package var bid, ask: ExactDecimal?
  package var bidSize, askSize: ExactDecimal?
  package var quoteNs: Int64?
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
    try coder.required("contract", &contract, "The OCC name without blanks: `SPY251219C00650000`")
    try coder.required("underlying", &underlying, "The canonical symbol that the contract is on")
    try coder.required("feed", &feed, "`polygon-options`, `alpaca-options`")
    try coder.required("event_ns", &eventNs, "When it happened [ns since 1970]")
    try coder.field(
      "published_ns", &publishedNs,
      "When the consolidated feed published it, where that is another time [ns since 1970]")
    try coder.required("known_ns", &knownNs, "When the streamer received it [ns since 1970]")
    try coder.field(
      "exchange", &exchange, "The provider's code of the exchange: a number of Polygon, a letter of Alpaca")
    try coder.field("sequence", &sequence, "The provider's number of the print")
    try coder.number("price", &price, "Price [USD per share]", isRequired: true)
    try coder.number("size", &size, "Size [contracts]", isRequired: true)
    try coder.field("conditions", &conditions, "The provider's codes: numbers of Polygon, letters of OPRA of Alpaca")
    try coder.number("bid", &bid, "Bid of the last quote received before; null without one [USD per share]")
    try coder.number("bid_size", &bidSize, "Size of that bid [contracts]")
    try coder.number("ask", &ask, "Ask of the last quote received before; null without one [USD per share]")
    try coder.number("ask_size", &askSize, "Size of that ask [contracts]")
    try coder.field("quote_ns", &quoteNs, "When that quote was given [ns since 1970]")
    try coder.field("refill", &refill, "Id of the gap that the print fills; null of live ones")
  }
}
