import Messages
import Values

extension FeedTickView {
  /// What tells an event from all others of its feed, in 64 bits: equal of the live event and of the same one in an
  /// answer about the past, whose times are finer.
  package var identity: UInt64 {
    var hash = FeedHash()
    hash.add(UInt64(kindCode))
    hash.add(symbol)
    switch fields.kind {
    case .trade where fields.id.isPresent, .cancel where fields.id.isPresent:
      hash.add(text(fields.exchange))
      hash.add(UInt64(bitPattern: fields.trf ?? -1))
      hash.add(text(fields.id))
    case .trade, .cancel:
      hash.add(text(fields.exchange))
      hash.add(UInt64(bitPattern: fields.sequence ?? -1))
      addTime(&hash)
      hash.add(fields.price)
      hash.add(fields.size)
    case .quote where fields.sequence != nil:
      hash.add(UInt64(bitPattern: fields.sequence ?? -1))
      addTime(&hash)
    case .quote:
      addTime(&hash)
      hash.add(text(fields.bidExchange))
      hash.add(fields.bid)
      hash.add(fields.bidSize)
      hash.add(text(fields.askExchange))
      hash.add(fields.ask)
      hash.add(fields.askSize)
    case .correction:
      hash.add(text(fields.originalID))
      hash.add(text(fields.id))
    case .status:
      addTime(&hash)
      hash.add(text(fields.code))
      hash.add(text(fields.reasonCode))
    case .luld:
      addTime(&hash)
      hash.add(fields.limitUp)
      hash.add(fields.limitDown)
    }
    return hash.value
  }

  /// Polygon's stream has milliseconds, its answers about the past nanoseconds.
  private func addTime(_ hash: inout FeedHash) {
    let time = fields.publishedNs ?? fields.eventNs
    let isPolygon = feed.byteCount > 0 && feed.unsafeLoad(fromByteOffset: 0, as: UInt8.self) == UInt8(ascii: "p")
    hash.add(UInt64(bitPattern: isPolygon ? time / 1_000_000 : time))
  }

  private var kindCode: Int {
    switch fields.kind {
    case .trade: 1
    case .quote: 2
    case .status: 3
    case .luld: 4
    case .correction: 5
    case .cancel: 6
    }
  }
}

extension FeedBarView {
  /// The series that the bar belongs to.
  package var series: UInt64 {
    var hash = FeedHash()
    hash.add(symbol)
    hash.add(interval)
    return hash.value
  }
}

extension FeedBarValues {
  /// Equal of bars that ``saysTheSame(as:)``, whatever zeros their numbers end with.
  package var digest: UInt64 {
    var hash = FeedHash()
    for number in [open, high, low, close, volume] { hash.add(number) }
    hash.add(vwap)
    hash.add(UInt64(bitPattern: trades ?? -1))
    hash.add(isRunning ? 1 : 0)
    return hash.value
  }
}

/// FNV-1a over words, with the finalizer of MurmurHash3 behind each. Not for what others choose to collide.
package struct FeedHash {
  package private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  package init() {}

  @inline(__always)
  package mutating func add(_ word: UInt64) {
    var hash = (value ^ word) &* 0x0000_0100_0000_01b3
    hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
    value = hash ^ (hash >> 33)
  }

  package mutating func add(_ text: RawSpan?) {
    guard let text else { return add(.max) }
    add(UInt64(text.byteCount))
    var offset = 0
    while offset + 8 <= text.byteCount {
      add(text.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
      offset += 8
    }
    var last: UInt64 = 0
    while offset < text.byteCount {
      last = last << 8 | UInt64(text.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
      offset += 1
    }
    add(last)
  }

  package mutating func add(_ number: ExactDecimal?) {
    guard let number = number?.normalized else { return add(.max) }
    add(UInt64(bitPattern: number.mantissa))
    add(UInt64(number.scale))
  }
}
