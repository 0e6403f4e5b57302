import Core
import Messages
import Values

/// Instants as feeds write them, in nanoseconds since 1970.
package enum FeedStamp {
  /// A number of seconds, milliseconds, microseconds or nanoseconds, told by its magnitude: what a field's
  /// documentation calls it is wrong of some. The bounds are the years 1973 and 5138 of each unit.
  /// - Returns: nil for an instant beyond the years 1677 to 2262, which 64 bits of nanoseconds do not hold.
  package static func nanoseconds(_ stamp: Int64) -> Int64? {
    let unit: Int64 = switch stamp {
    case ..<100_000_000_000: 1_000_000_000
    case ..<100_000_000_000_000: 1_000_000
    case ..<100_000_000_000_000_000: 1_000
    default: 1
    }
    let (nanoseconds, isBeyond) = stamp.multipliedReportingOverflow(by: unit)
    return isBeyond ? nil : nanoseconds
  }

  /// RFC 3339 with up to nine digits of a second's fraction.
  package static func nanoseconds(rfc3339 text: RawSpan) -> Int64? {
    guard let time = Timestamp(parsing: text), range.contains(time.microseconds) else { return nil }
    var nanoseconds = time.microseconds * 1_000
    var unit: Int64 = 100
    // Digits seven to nine of the fraction; without one a zone follows, whose first byte is no digit.
    var offset = 20
    while offset < min(29, text.byteCount) {
      let digit = text.unsafeLoad(fromByteOffset: offset, as: UInt8.self) &- 0x30
      guard digit <= 9 else { break }
      if offset >= 26 {
        nanoseconds += Int64(digit) * unit
        unit /= 10
      }
      offset += 1
    }
    return nanoseconds
  }

  /// Microseconds whose nanoseconds an Int64 holds.
  private static let range: Range<Int64> = -9_000_000_000_000_000..<9_000_000_000_000_000
}

extension ExactDecimal {
  /// The shortest decimal that is read as this number.
  /// - Returns: nil for what is not finite, or too large or small for a decimal.
  package init?(shortest number: Double) {
    guard number.isFinite else { return nil }
    var unit = 1.0
    // A mantissa below 2^53 over a power of ten below 10^22 divides exactly rounded: the reading of that decimal.
    for scale in 0...9 {
      let mantissa = (number * unit).rounded()
      guard mantissa.magnitude < 9_007_199_254_740_992 else { break }
      if mantissa / unit == number {
        self.init(unchecked: Int64(mantissa), scale: UInt8(scale))
        return
      }
      unit *= 10
    }
    guard let decimal = ExactDecimal("\(number)") else { return nil }
    self = decimal
  }
}
