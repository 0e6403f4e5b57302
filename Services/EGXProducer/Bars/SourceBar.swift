import Messages
import Values

/// One bar of a source.
package struct SourceBar: Hashable, Sendable {
  /// The opening in seconds since 1970; for a source with dates, midnight UTC of the date.
  package var time: Int64
  /// `time` is a trading date, not an instant.
  package var isDate = false
  package var candle: MarketBar.Candle

  /// Detects a changed bar: FNV-1a over its numbers, by value rather than by digits.
  package func fingerprint(closeOnly: Bool = false) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func mix(_ value: ExactDecimal?) {
      guard let value = value?.normalized else {
        hash = (hash ^ 0xff) &* 0x100_0000_01b3
        return
      }
      var rest = UInt64(bitPattern: value.mantissa)
      for _ in 0..<8 {
        hash = (hash ^ (rest & 0xff)) &* 0x100_0000_01b3
        rest >>= 8
      }
      hash = (hash ^ UInt64(value.scale)) &* 0x100_0000_01b3
    }
    if closeOnly {
      mix(candle.close)
      return candle.isConsistent ? hash : ~hash
    }
    mix(candle.open)
    mix(candle.high)
    mix(candle.low)
    mix(candle.close)
    mix(candle.volume)
    return hash
  }
}
