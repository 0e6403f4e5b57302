import Catalogue
import Values

/// A page of a snapshot of the options on one underlying.
///
/// `option-chains`, key and order `underlying`. The pages of a snapshot share its id and follow each other; with all of
/// them (`page` from 0 to `of` - 1) of a `complete` one, a contract that is on none is gone.
package struct OptionChain: FieldwiseMessage {
  package var underlying: String
  package var feed: String
  package var snapshot: String
  package var page, of: Int64
  package var complete: Bool
  package var knownNs: Int64
  package var day: String
  package var contracts: [Contract]
  package var jobID: String?

  /// One contract. What the provider does not say is nil.
  package struct Contract: Hashable, Sendable {
    package var contract: String
    package var expiry: String
    package var strike: ExactDecimal
    package var right: String
    package var multiplier: Int64
    package var bid, ask: ExactDecimal?
    package var bidSize, askSize: ExactDecimal?
    package var quoteNs: Int64?
    package var last, lastSize: ExactDecimal?
    package var lastNs: Int64?
    package var volume: ExactDecimal?
    package var openInterest: ExactDecimal?
    package var openInterestDay: String?
    package var impliedVolatility: Double?
    package var delta, gamma, theta, vega: Double?

    package init(contract: String, expiry: String, strike: ExactDecimal, right: String, multiplier: Int64 = 100) {
      self.contract = contract
      self.expiry = expiry
      self.strike = strike
      self.right = right
      self.multiplier = multiplier
    }
  }

  package static let topic = Topics.optionChains

  package init(
    underlying: String, feed: String, page: Int64, of: Int64, complete: Bool = true, knownNs: Int64, day: String,
    contracts: [Contract], jobID: String? = nil
  ) {
    self.underlying = underlying
    self.feed = feed
    snapshot = "\(underlying)/\(feed)/\(knownNs)"
    self.page = page
    self.of = of
    self.complete = complete
    self.knownNs = knownNs
    self.day = day
    self.contracts = contracts
    self.jobID = jobID
  }

  package var key: [UInt8] { Array(underlying.utf8) }

  package static let blank = Self(underlying: "", feed: "", page: 0, of: 0, knownNs: 0, day: "", contracts: [])
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("underlying", &underlying, "The canonical symbol")
    try coder.required("feed", &feed, "`polygon-options`, `alpaca-options`")
    try coder.required(
      "snapshot", &snapshot,
      "Underlying, feed and the time of the first request: `AAPL/polygon-options/1764599940000000000`")
    try coder.required("page", &page, "Number of this page within the snapshot, from 0")
    try coder.required("of", &of, "How many pages the snapshot has")
    try coder.required("complete", &complete, "The provider gave the snapshot to its end, without a filter")
    try coder.required("known_ns", &knownNs, "When the first page was asked for [ns since 1970]")
    try coder.required("day", &day, "The day in New York that `volume` is of: that of `known_ns`")
    try coder.field("contracts", &contracts, "The contracts of this page")
    try coder.field("job_id", &jobID, "The task that it came from")
  }
}

extension OptionChain.Contract: FieldwiseObject {
  package static let blank = Self(contract: "", expiry: "", strike: .zero, right: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("contract", &contract, "The OCC name without blanks: `SPY251219C00650000`")
    try coder.required("expiry", &expiry, "Last day of the contract: `2025-12-19`")
    try coder.number("strike", &strike, "Price at which it may be exercised [USD per share]", isRequired: true)
    try coder.required("right", &right, "`call` or `put`")
    try coder.field("multiplier", &multiplier, "Shares of a contract: 100 unless it was adjusted")
    try coder.number("bid", &bid, "Best bid [USD per share]")
    try coder.number("bid_size", &bidSize, "Size of the bid [contracts]")
    try coder.number("ask", &ask, "Best ask [USD per share]")
    try coder.number("ask_size", &askSize, "Size of the ask [contracts]")
    try coder.field("quote_ns", &quoteNs, "When the quote was given [ns since 1970]")
    try coder.number("last", &last, "Price of the last trade [USD per share]")
    try coder.number("last_size", &lastSize, "Size of the last trade [contracts]")
    try coder.field("last_ns", &lastNs, "When the last trade was made [ns since 1970]")
    try coder.number("volume", &volume, "Traded on `day` [contracts]")
    try coder.number(
      "open_interest", &openInterest, "Open at the end of `open_interest_day`, an earlier trading day [contracts]")
    try coder.field("open_interest_day", &openInterestDay, "The day that `open_interest` is of: `2025-12-18`")
    try coder.field("implied_volatility", &impliedVolatility, "By the provider [1 is 100 % a year]")
    try coder.field("delta", &delta, "By the provider [USD per USD of the underlying]")
    try coder.field("gamma", &gamma, "By the provider [change of delta per USD]")
    try coder.field("theta", &theta, "By the provider [USD per day]")
    try coder.field("vega", &vega, "By the provider [USD per point of volatility]")
  }
}
