import Catalogue
import Values

/// A page of a snapshot of the options on one underlying.
///
/// `option-chains`, key and order `underlying`. The pages of a snapshot share its id and follow each other; with all of
/// them (`page` from 0 to `of` - 1) of a `complete` one, a contract that is on none is gone.
package struct OptionChain: FieldwiseMessage {
  /// The canonical symbol.
  package var underlying: String
  /// `polygon-options`, `alpaca-options`.
  package var feed: String
  /// `AAPL/polygon-options/1764599940000000000`: underlying, feed, and when the first page was asked for.
  package var snapshot: String
  package var page, of: Int64
  /// The provider gave the snapshot to its end, without a filter.
  package var complete: Bool
  /// When the first page was asked for, nanoseconds since 1970, UTC.
  package var knownNs: Int64
  /// The day in New York whose volume `volume` is: that of `known_ns`.
  package var day: String
  package var contracts: [Contract]
  /// The task that it came from.
  package var jobID: String?

  /// One contract. What the provider does not say is nil.
  package struct Contract: Hashable, Sendable {
    /// The OCC name without blanks.
    package var contract: String
    /// `2025-12-19`.
    package var expiry: String
    package var strike: ExactDecimal
    /// `call` or `put`.
    package var right: String
    /// Shares of a contract: 100 unless it was adjusted.
    package var multiplier: Int64
    package var bid, ask: ExactDecimal?
    package var bidSize, askSize: ExactDecimal?
    package var quoteNs: Int64?
    package var last, lastSize: ExactDecimal?
    package var lastNs: Int64?
    /// Contracts that were traded on `day`.
    package var volume: ExactDecimal?
    /// Contracts that were open at the end of `openInterestDay`, an earlier trading day.
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
    try coder.required("underlying", &underlying)
    try coder.required("feed", &feed)
    try coder.required("snapshot", &snapshot)
    try coder.required("page", &page)
    try coder.required("of", &of)
    try coder.required("complete", &complete)
    try coder.required("known_ns", &knownNs)
    try coder.required("day", &day)
    try coder.field("contracts", &contracts)
    try coder.field("job_id", &jobID)
  }
}

extension OptionChain.Contract: FieldwiseObject {
  package static let blank = Self(contract: "", expiry: "", strike: .zero, right: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("contract", &contract)
    try coder.required("expiry", &expiry)
    try coder.number("strike", &strike, isRequired: true)
    try coder.required("right", &right)
    try coder.field("multiplier", &multiplier)
    try coder.number("bid", &bid)
    try coder.number("bid_size", &bidSize)
    try coder.number("ask", &ask)
    try coder.number("ask_size", &askSize)
    try coder.field("quote_ns", &quoteNs)
    try coder.number("last", &last)
    try coder.number("last_size", &lastSize)
    try coder.field("last_ns", &lastNs)
    try coder.number("volume", &volume)
    try coder.number("open_interest", &openInterest)
    try coder.field("open_interest_day", &openInterestDay)
    try coder.field("implied_volatility", &impliedVolatility)
    try coder.field("delta", &delta)
    try coder.field("gamma", &gamma)
    try coder.field("theta", &theta)
    try coder.field("vega", &vega)
  }
}
