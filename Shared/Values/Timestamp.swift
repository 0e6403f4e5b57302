import Core

/// An instant in microseconds since 1970-01-01T00:00:00Z, with the UTC offset it was or will be written with.
///
/// The offset is kept, not normalised, so that a time read from a message is written back as it was. It takes no
/// part in comparison: equal instants are equal, whatever their offsets. Leap seconds do not exist here, as in
/// POSIX time.
package struct Timestamp: Sendable {
  package let microseconds: Int64
  /// Minutes east of UTC, -1439...1439.
  package let offsetMinutes: Int16

  /// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z: what four digits of a year can write.
  package static let range: ClosedRange<Int64> = -62_167_219_200_000_000...253_402_300_799_999_999

  /// - Returns: nil when the instant, or its local time at the offset, lies outside the years 0000...9999, or the
  ///   offset is a day or more.
  package init?(microseconds: Int64, offsetMinutes: Int = 0) {
    guard abs(offsetMinutes) < 24 * 60, Self.range.contains(microseconds),
      Self.range.contains(microseconds + Int64(offsetMinutes) * 60_000_000)
    else { return nil }
    self.init(unchecked: microseconds, offsetMinutes: Int16(offsetMinutes))
  }

  init(unchecked microseconds: Int64, offsetMinutes: Int16) {
    self.microseconds = microseconds
    self.offsetMinutes = offsetMinutes
  }

  /// 1970-01-01T00:00:00Z.
  package static let epoch = Timestamp(unchecked: 0, offsetMinutes: 0)

  /// A civil time at an offset from UTC.
  /// - Returns: nil for a date or time that does not exist (Gregorian calendar, extended backwards).
  package init?(
    year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0, microsecond: Int = 0,
    offsetMinutes: Int = 0
  ) {
    guard (0...9999).contains(year), (1...12).contains(month),
      day >= 1, day <= CivilDate.days(in: month, of: year),
      (0...23).contains(hour), (0...59).contains(minute), (0...59).contains(second),
      (0...999_999).contains(microsecond)
    else { return nil }
    let seconds = CivilDate.daysSinceEpoch(year: year, month: month, day: day) * 86_400
      + Int64(hour * 3600 + minute * 60 + second - offsetMinutes * 60)
    self.init(microseconds: seconds * 1_000_000 + Int64(microsecond), offsetMinutes: offsetMinutes)
  }

  package struct Civil: Hashable, Sendable {
    package var year, month, day, hour, minute, second, microsecond: Int
  }

  /// The civil time at `offsetMinutes`.
  package var civil: Civil {
    let local = microseconds + Int64(offsetMinutes) * 60_000_000
    let (days, rest) = local.flooredDivision(by: 86_400_000_000)
    let date = CivilDate(daysSinceEpoch: days)
    let seconds = Int(rest / 1_000_000)
    return Civil(
      year: date.year, month: date.month, day: date.day, hour: seconds / 3600, minute: seconds / 60 % 60,
      second: seconds % 60, microsecond: Int(rest % 1_000_000))
  }

  /// The same instant written at another offset; nil as for ``init(microseconds:offsetMinutes:)``.
  package func at(offsetMinutes: Int) -> Timestamp? {
    Timestamp(microseconds: microseconds, offsetMinutes: offsetMinutes)
  }
}

extension Timestamp {
  /// The machine's clock, in UTC.
  package static let now: @Sendable () -> Timestamp = {
    Timestamp(unchecked: WallClock.microseconds(), offsetMinutes: 0)
  }
}

extension Timestamp: Comparable, Hashable {
  package static func == (left: Timestamp, right: Timestamp) -> Bool { left.microseconds == right.microseconds }
  package static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }
  package func hash(into hasher: inout Hasher) { hasher.combine(microseconds) }
}
