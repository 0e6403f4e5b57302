import Feeds
import Messages
import Values

/// The state as bytes: JSON objects, one for what prints change and one for each expiry. Equal states give equal bytes.
extension FlowBook {
  /// - Parameter part: nil for what prints change, else an expiry.
  /// - Returns: nil for an expiry without contracts.
  package func encoded(_ part: String?) -> [UInt8]? {
    var writer = JSONWriter()
    guard let part else {
      var live = LiveState()
      (live.knownNs, live.agedNs, live.day) = (knownNs, agedNs, day)
      (live.seen, live.seenAt) = (seen.map(\.id), seen.map(\.knownNs))
      live.orders = orders.sorted { $0.key < $1.key }.flatMap(\.value)
      live.events = events.values.sorted { $0.eventID < $1.eventID }
      live.write(to: &writer)
      return writer.array()
    }
    guard let list = contracts[part] else { return nil }
    var expiry = ExpiryState()
    expiry.contracts = list.values.sorted { $0.contract < $1.contract }
    expiry.write(to: &writer)
    return writer.array()
  }

  /// Reads a part back.
  /// - Throws: `DecodingFailure` for what is damaged, or written by a later version.
  package mutating func restore(_ part: String?, _ bytes: [UInt8]) throws(DecodingFailure) {
    var coder = try FieldCoder(reading: bytes.span.bytes, limits: JSONReader.Limits(maxBytes: 64 << 20))
    guard part == nil else {
      let expiry = try ExpiryState.read(from: &coder)
      try Self.require(expiry.version, &coder)
      for state in expiry.contracts {
        contracts[Self.expiry(of: state.contract), default: [:]][state.contract] = state
      }
      return
    }
    let live = try LiveState.read(from: &coder)
    try Self.require(live.version, &coder)
    (knownNs, agedNs, day) = (live.knownNs, live.agedNs, live.day)
    seen = zip(live.seen, live.seenAt).map { ($0, $1) }
    ids = Set(live.seen)
    for order in live.orders {
      let place = order.kind == .legs ? Self.legs : order.fills.first?.contract ?? Self.legs
      orders[place, default: []].append(order)
    }
    for event in live.events { events[event.eventID] = event }
    let fills = live.orders.filter { $0.kind == .plain }.flatMap(\.fills)
    recent = fills.sorted { ($0.eventNs, $0.id) < ($1.eventNs, $1.id) }.suffix(Self.mostRecent)
  }

  private static func require(_ version: Int64, _ coder: inout FieldCoder) throws(DecodingFailure) {
    guard version == LiveState.current else {
      throw DecodingFailure(.badValue, at: 0, "a version that is not known here", field: "version")
    }
    try coder.reader.finish()
  }
}

extension OptionTrade {
  /// What tells a print from all others of its feed, also one that an answer about the past repeats.
  var identity: Int64 {
    var hash = FeedHash()
    for text in [contract, exchange ?? ""] { Array(text.utf8).withUnsafeBytes { hash.add($0.bytes) } }
    hash.add(UInt64(bitPattern: sequence ?? -1))
    // Polygon's stream has milliseconds, its answers about the past nanoseconds.
    let time = publishedNs ?? eventNs
    hash.add(UInt64(bitPattern: feed.hasPrefix("polygon") ? time / 1_000_000 : time))
    hash.add(price)
    hash.add(size)
    // A cancel says the same as what it cancels, but for its conditions.
    for condition in conditions { Array(condition.utf8).withUnsafeBytes { hash.add($0.bytes) } }
    return Int64(bitPattern: hash.value)
  }
}

extension ExactDecimal {
  /// The nearest number, of up to 15 digits.
  var double: Double { Double(mantissa) / Self.powers[Int(scale)] }
  private static let powers: [Double] = (0...18).map { (0..<$0).reduce(1) { power, _ in power * 10 } }
}
