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

  package var eventID: String
  package var underlying: String
  package var feed: String
  package var revision: Int64
  package var status: Status
  package var rule: Rule
  package var condition: String
  package var numbers: SignalValues
  package var contracts: [String]
  package var side: Side
  package var confidence: Double
  package var premium: Double
  /// Those dollars by what they bet on: above zero of bought calls and sold puts, below of sold calls and bought puts,
  /// 0 without a side.
  package var netPremium: Double
  package var size: Int64
  package var prints: Int64
  package var exchanges: Int64
  package var price: Double
  /// The first and the last print; of a rule about the day when it first held, and when it was looked at last.
  package var firstNs, lastNs: Int64
  package var knownNs: Int64
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
    try coder.required(
      "event_id", &eventID, "32 hexadecimal digits, made from feed, rule, contracts and the first print or the day")
    try coder.required("underlying", &underlying, "The canonical symbol")
    try coder.required("feed", &feed, "The feed that the prints are of")
    try coder.required("revision", &revision, "Grows with every change of the event; the last one holds")
    try coder.required("status", &status, "Whether the event still grows, stands or was withdrawn")
    try coder.required("rule", &rule, "The rule that found it")
    try coder.required(
      "condition", &condition, "What made the rule fire: `prints>=2 exchanges>=2 within=250ms premium>=25000`")
    try coder.required("numbers", &numbers, "The numbers that the condition was compared with, by name")
    try coder.required("contracts", &contracts, "The contracts; of `multi_leg` all legs")
    try coder.required("side", &side, "Who took the price, by the quote of the time: a buyer or a seller")
    try coder.required("confidence", &confidence, "That the side is right [0 to 1]")
    try coder.required("premium", &premium, "Paid in all: price times size times shares of a contract [USD]")
    try coder.field(
      "net_premium", &netPremium, "`premium` above zero for a rise, below for a fall, 0 without a side [USD]")
    try coder.required("size", &size, "Size of all prints [contracts]")
    try coder.required("prints", &prints, "How many prints there were")
    try coder.required("exchanges", &exchanges, "How many exchanges they came from")
    try coder.required("price", &price, "Mean of the prints by size [USD per share]")
    try coder.required(
      "first_ns", &firstNs, "The first print; of a rule about the day when it first held [ns since 1970]")
    try coder.required(
      "last_ns", &lastNs, "The last print; of a rule about the day when it was looked at last [ns since 1970]")
    try coder.required("known_ns", &knownNs, "When the record was known that this is the effect of [ns since 1970]")
    try coder.required("day", &day, "The trading day in New York: `2025-12-19`")
    try coder.field(
      "open_interest_before", &openInterestBefore, "At the end of the day before; null until it is known [contracts]")
    try coder.field(
      "open_interest_after", &openInterestAfter, "At the end of the day; null until it is known [contracts]")
  }
}

extension OptionsFlow.Rule: JSONValue {}
extension OptionsFlow.Side: JSONValue {}
extension OptionsFlow.Status: JSONValue {}
