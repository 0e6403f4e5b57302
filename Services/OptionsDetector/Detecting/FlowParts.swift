import Messages

/// A print, as it is remembered.
struct Fill: FieldwiseObject, Hashable {
  /// What tells it from all others of its feed.
  var id: Int64
  var contract: String
  var exchange: String
  var eventNs: Int64
  var price: Double
  var size: Int64
  var shares: Int64
  var confidence: Double
  var isSweep: Bool

  var premium: Double { price * Double(size) * Double(shares) }

  static let blank = Self(
    id: 0, contract: "", exchange: "", eventNs: 0, price: 0, size: 0, shares: 100, confidence: 0, isSweep: false)
  static let fields = ObjectFields(blank)

  mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("i", &id)
    try coder.required("c", &contract)
    try coder.field("x", &exchange)
    try coder.required("t", &eventNs)
    try coder.required("p", &price)
    try coder.required("s", &size)
    try coder.field("m", &shares)
    try coder.field("q", &confidence)
    try coder.field("w", &isSweep)
  }
}

/// Prints that are taken for one order.
struct FlowOrder: FieldwiseObject, Hashable {
  enum Kind: String, JSONValue { case plain, auction, legs }

  var kind: Kind
  var side: OptionsFlow.Side
  /// The date in New York of its first print.
  var day: String
  /// Of the earliest print.
  var firstNs: Int64
  /// When the last one was known.
  var touchedNs: Int64
  var fills: [Fill]
  /// The id of the event that it is; nil without one.
  var event: String?

  static let blank = Self(kind: .plain, side: .unknown, day: "", firstNs: 0, touchedNs: 0, fills: [])
  static let fields = ObjectFields(blank)

  mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("k", &kind)
    try coder.required("s", &side)
    try coder.required("d", &day)
    try coder.required("f", &firstNs)
    try coder.required("u", &touchedNs)
    try coder.field("p", &fills)
    try coder.field("e", &event)
  }
}

/// What is known of a contract from the snapshots of its chain.
struct ContractState: FieldwiseObject, Hashable {
  var contract: String
  var shares: Int64
  /// The day that `volume` is of.
  var day: String
  var volume: Int64
  /// Dollars of that volume, each part of it at the price of the snapshot that first had it.
  var premium: Double
  /// The same, with the sign and the confidence of the side of the last price.
  var lean: Double
  /// Mean volume of the days before.
  var average: Double
  var averageDays: Int64
  var openInterest: Int64?
  var openInterestDay: String?
  /// The open interest of an earlier day than that.
  var before: Int64?
  var beforeDay: String?

  static let blank = Self(
    contract: "", shares: 100, day: "", volume: 0, premium: 0, lean: 0, average: 0, averageDays: 0)
  static let fields = ObjectFields(blank)

  mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("c", &contract)
    try coder.field("m", &shares)
    try coder.required("d", &day)
    try coder.required("v", &volume)
    try coder.field("p", &premium)
    try coder.field("l", &lean)
    try coder.field("a", &average)
    try coder.field("n", &averageDays)
    try coder.field("o", &openInterest)
    try coder.field("od", &openInterestDay)
    try coder.field("b", &before)
    try coder.field("bd", &beforeDay)
  }

  /// Open contracts at the end of the last day before `day` that is known.
  func openInterest(before day: String) -> Int64? {
    if let openInterestDay, openInterestDay < day { return openInterest }
    if let beforeDay, beforeDay < day { return before }
    return nil
  }

  /// Open contracts at the end of `day`, or of the first day behind it that is known.
  func openInterest(after day: String) -> Int64? {
    if let beforeDay, beforeDay >= day { return before }
    if let openInterestDay, openInterestDay >= day { return openInterest }
    return nil
  }
}

/// The part of an underlying's state that changes with its prints.
struct LiveState: FieldwiseObject {
  static let current: Int64 = 1
  var version = Self.current
  var knownNs: Int64 = 0
  var agedNs: Int64 = 0
  var day = ""
  var seen: [Int64] = []
  var seenAt: [Int64] = []
  var orders: [FlowOrder] = []
  var events: [OptionsFlow] = []

  static let blank = Self()
  static let fields = ObjectFields(blank)

  mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("version", &version)
    try coder.required("known", &knownNs)
    try coder.required("aged", &agedNs)
    try coder.field("day", &day)
    try coder.field("seen", &seen)
    try coder.field("seen_at", &seenAt)
    try coder.field("orders", &orders)
    try coder.field("events", &events)
  }
}

/// The contracts of one expiry.
struct ExpiryState: FieldwiseObject {
  var version = LiveState.current
  var contracts: [ContractState] = []

  static let blank = Self()
  static let fields = ObjectFields(blank)

  mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("version", &version)
    try coder.field("contracts", &contracts)
  }
}
