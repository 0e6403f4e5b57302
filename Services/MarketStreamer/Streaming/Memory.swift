import Feeds
import Messages

/// The identities of recent events, so that none is published twice. Pure.
///
/// Two generations: when the newer one is old or full it becomes the older one. While a gap is being refilled nothing
/// is forgotten.
struct IdentityMemory {
  private var older: Set<UInt64> = []
  private var newer: Set<UInt64> = []
  private var began: Int64 = 0
  /// Of each generation.
  let lifeNs: Int64
  let capacity: Int
  var isHeld = false

  init(lifeNs: Int64, capacity: Int = 1 << 20) {
    self.lifeNs = lifeNs
    self.capacity = capacity
  }

  var count: Int { older.count + newer.count }

  /// - Returns: false when the event was known.
  mutating func note(_ identity: UInt64, at now: Int64) -> Bool {
    if began == 0 { began = now }
    if newer.count >= capacity || (now - began >= lifeNs && !isHeld) {
      (older, newer, began) = (newer, [], now)
    }
    return !older.contains(identity) && newer.insert(identity).inserted
  }
}

/// The last states of recent bars of all series. Pure.
struct BarMemory {
  private var series: [UInt64: BarHistory] = [:]
  /// Bars of one series that are remembered: late trades change bars for a quarter of an hour.
  let depth: Int

  init(depth: Int = 900) { self.depth = depth }

  /// - Returns: which change of the bar this is, 0 for a new one; nil when it says what is known.
  mutating func note(_ id: UInt64, _ values: FeedBarValues) -> Int64? {
    series[id, default: BarHistory()].note(values, depth: depth)
  }

  /// When the last state of a bar was received; nil for one that is not known.
  func known(_ id: UInt64, startNs: Int64) -> Int64? { series[id]?.known(startNs: startNs) }
}

/// The symbols that a feed has given lately, which is all that is known of them where all are subscribed to by `*`.
/// Pure. Two generations, as of identities.
struct SymbolMemory {
  private var older: [UInt64: String] = [:]
  private var newer: [UInt64: String] = [:]
  private var began: Int64 = 0
  private static let lifeNs: Int64 = 900_000_000_000
  private static let capacity = 100_000

  mutating func note(_ symbol: RawSpan, at now: Int64) {
    var hash = FeedHash()
    hash.add(symbol)
    if newer[hash.value] != nil { return }
    if began == 0 { began = now }
    if newer.count >= Self.capacity || now - began >= Self.lifeNs {
      (older, newer, began) = (newer, [:], now)
    }
    newer[hash.value] = symbol.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }

  var symbols: [String] { older.merging(newer) { first, _ in first }.values.sorted() }
}
