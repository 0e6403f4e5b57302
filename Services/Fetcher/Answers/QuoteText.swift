import Core
import Values

/// Parses times as providers write them.
enum QuoteText {
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
