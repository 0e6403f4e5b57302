import Catalogue
import Values

/// Unusual activity in the options on one underlying: which rule saw it, with what numbers.
///
/// `options-flow`, key and order `underlying`. An event is named by `event_id`; of its records that with the highest
/// `revision` holds. A later one says that a print was cancelled or added, that nothing is left of the event
/// (`withdrawn`: it has to go wherever it was kept), or what the open interest of the next morning says of it
/// (`confirmed`, `refuted`). Times are nanoseconds since 1970, UTC.
package struct OptionsFlow: FieldwiseMessage {
  package enum Rule: String, CaseIterable, Sendable {
    /// The day's volume of a contract against the contracts that were open the day before.
    case volumeOI = "volume_oi"
    /// The day's volume of a contract against its own average of earlier days.
    case volumeAverage = "volume_average"
    /// One order over several exchanges at once.
    case sweep
    /// One large print.
    case block
    /// Large prints of several contracts at once: the legs of one order.
    case multiLeg = "multi_leg"
  }

  package enum Side: String, CaseIterable, Sendable { case buy, sell, unknown }

  package enum Status: String, CaseIterable, Sendable {
    case reported, withdrawn
    /// The open interest grew with it: the position was opened.
    case confirmed
    /// It did not: a position was closed, or the volume went to and fro.
    case refuted
  }

  /// 32 hexadecimal digits, made of feed, rule, contracts and the first print or the day.
  package var eventID: String
  package var underlying: String
  package var feed: String
  /// Grows with every change of the event.
  package var revision: Int64
  package var status: Status
  package var rule: Rule
  /// What made the rule fire: `prints>=2 exchanges>=2 within=250ms premium>=25000`.
  package var condition: String
  /// The numbers that it was compared with, by name.
  package var numbers: SignalValues
  /// Contracts; of `multi_leg` all legs.
  package var contracts: [String]
  /// Of the order that took the price: by the quote of the time.
  package var side: Side
  /// Of the side, from 0 to 1.
  package var confidence: Double
  /// Dollars that were paid: price times size times shares of a contract.
  package var premium: Double
  /// Those dollars by what they bet on: above zero of bought calls and sold puts, below of sold calls and bought puts,
  /// 0 without a side.
  package var netPremium: Double
  /// Contracts, and the prints that they came in.
  package var size: Int64
  package var prints: Int64
  /// Different exchanges.
  package var exchanges: Int64
  /// The mean of the prints by size.
  package var price: Double
  /// The first and the last print; of a rule about the day when it first held, and when it was looked at last.
  package var firstNs, lastNs: Int64
  /// When the record was known that this is the effect of.
  package var knownNs: Int64
  /// The trading day in New York, `2025-12-19`.
  package var day: String
  /// Of the contracts together, at the end of the day before and of the day; nil until it is known.
  package var openInterestBefore, openInterestAfter: Int64?

  package static let topic = Topics.optionsFlow

  package init(
    eventID: String, underlying: String, feed: String, revision: Int64 = 1, status: Status = .reported, rule: Rule,
    condition: String, numbers: SignalValues, contracts: [String], side: Side = .unknown, confidence: Double = 0,
    premium: Double, size: Int64, prints: Int64, exchanges: Int64, price: Double, firstNs: Int64, lastNs: Int64,
    knownNs: Int64, day: String, openInterestBefore: Int64? = nil, openInterestAfter: Int64? = nil
  ) {
    self.eventID = eventID
    self.underlying = underlying
    self.feed = feed
    self.revision = revision
    self.status = status
    self.rule = rule
    self.condition = condition
    self.numbers = numbers
    self.contracts = contracts
    self.side = side
    self.confidence = confidence
    self.premium = premium
    netPremium = Self.net(premium, side, contracts)
    self.size = size
    self.prints = prints
    self.exchanges = exchanges
    self.price = price
    self.firstNs = firstNs
    self.lastNs = lastNs
    self.knownNs = knownNs
    self.day = day
    self.openInterestBefore = openInterestBefore
    self.openInterestAfter = openInterestAfter
  }

  private static func net(_ premium: Double, _ side: Side, _ contracts: [String]) -> Double {
    // The letter before the eight digits of the strike.
    guard side != .unknown, contracts.count == 1, let letter = contracts[0].utf8.suffix(9).first else { return 0 }
    return (letter == UInt8(ascii: "C")) == (side == .buy) ? premium : -premium
  }

  package var key: [UInt8] { Array(underlying.utf8) }

  package static let blank = Self(
    eventID: "", underlying: "", feed: "", rule: .block, condition: "", numbers: SignalValues(names: [], numbers: []),
    contracts: [], premium: 0, size: 0, prints: 0, exchanges: 0, price: 0, firstNs: 0, lastNs: 0, knownNs: 0, day: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("event_id", &eventID)
    try coder.required("underlying", &underlying)
    try coder.required("feed", &feed)
    try coder.required("revision", &revision)
    try coder.required("status", &status)
    try coder.required("rule", &rule)
    try coder.required("condition", &condition)
    try coder.required("numbers", &numbers)
    try coder.required("contracts", &contracts)
    try coder.required("side", &side)
    try coder.required("confidence", &confidence)
    try coder.required("premium", &premium)
    try coder.field("net_premium", &netPremium)
    try coder.required("size", &size)
    try coder.required("prints", &prints)
    try coder.required("exchanges", &exchanges)
    try coder.required("price", &price)
    try coder.required("first_ns", &firstNs)
    try coder.required("last_ns", &lastNs)
    try coder.required("known_ns", &knownNs)
    try coder.required("day", &day)
    try coder.field("open_interest_before", &openInterestBefore)
    try coder.field("open_interest_after", &openInterestAfter)
  }
}

extension OptionsFlow.Rule: JSONValue {}
extension OptionsFlow.Side: JSONValue {}
extension OptionsFlow.Status: JSONValue {}
