import Runtime
import Schemas

/// Parses values and times as providers write them.
enum QuoteText {
  /// Texts for a missing value.
  private static let absent: Set<String> = ["", ".", "-", "--", "n/a", "na", "null", "none", "nd"]

  static func isAbsent(_ text: String) -> Bool { absent.contains(text.lowercased()) }

  /// The value with its written digits. More digits than a decimal holds come from a binary fraction: the result then
  /// is the shortest text of the same fraction.
  /// - Returns: nil for text that is not a finite number, or is too large or small for a decimal.
  static func decimal(_ text: String) -> ExactDecimal? {
    if let exact = ExactDecimal(text) { return exact }
    // Double also parses "nan", "inf" and hexadecimal.
    guard text.utf8.allSatisfy({ isNumberByte($0) }), let number = Double(text), number.isFinite else { return nil }
    return ExactDecimal("\(number)")
  }

  private static func isNumberByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
      true
    default: false
    }
  }

  /// RFC 3339; a date, or date and time, without an offset, in `zone`; seconds or milliseconds since 1970.
  static func time(_ text: String, in zone: ZoneTable?) -> Timestamp? {
    if let time = Timestamp(text) { return time }
    if let local = LocalDateTime(text) {
      guard let zone else { return Timestamp(microseconds: local.microseconds) }
      let civil = local.civil
      let instant = zone.instant(
        year: civil.year, month: civil.month, day: civil.day, hour: civil.hour, minute: civil.minute,
        second: civil.second)
      return Timestamp(microseconds: instant.epochSeconds * 1_000_000 + Int64(civil.microsecond))
    }
    return ExactDecimal(text).flatMap { time(number: $0) }
  }

  /// Seconds since 1970; numbers beyond the year 5138 are milliseconds.
  static func time(number: ExactDecimal) -> Timestamp? {
    var microseconds = Int128(number.mantissa) * 1_000_000
    for _ in 0..<number.scale { microseconds /= 10 }
    if microseconds.magnitude >= 100_000_000_000 * 1_000_000 { microseconds /= 1_000 }
    return Int64(exactly: microseconds).flatMap { Timestamp(microseconds: $0) }
  }
}
