import Core

/// A date and time of day without a zone, as clocks on a wall show it: what `2025-01-20T09:35:00` says and no more.
///
/// Its reader has to know the zone: bar times are Africa/Cairo, `ingestion_timestamp` is UTC.
package struct LocalDateTime: Hashable, Comparable, Sendable {
  /// Microseconds since 1970-01-01T00:00:00, counted as if the clock were UTC.
  package let microseconds: Int64

  /// - Returns: nil outside the years 0000...9999.
  package init?(microseconds: Int64) {
    guard Timestamp.range.contains(microseconds) else { return nil }
    self.microseconds = microseconds
  }

  private init(unchecked microseconds: Int64) { self.microseconds = microseconds }

  /// - Returns: nil for a date or time that does not exist.
  package init?(
    year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0, microsecond: Int = 0
  ) {
    guard let time = Timestamp(
      year: year, month: month, day: day, hour: hour, minute: minute, second: second, microsecond: microsecond)
    else { return nil }
    self.init(unchecked: time.microseconds)
  }

  /// What clocks at the timestamp's own offset show at its instant.
  package init(_ time: Timestamp) {
    self.init(unchecked: time.microseconds + Int64(time.offsetMinutes) * 60_000_000)
  }

  package static let epoch = LocalDateTime(unchecked: 0)

  /// What a clock in UTC shows.
  package static let now: @Sendable () -> LocalDateTime = { LocalDateTime(unchecked: WallClock.microseconds()) }

  package var civil: Timestamp.Civil { Timestamp(unchecked: microseconds, offsetMinutes: 0).civil }

  package static func < (left: Self, right: Self) -> Bool { left.microseconds < right.microseconds }
}

extension LocalDateTime: TextForm {
  /// Parses `YYYY-MM-DD`, `YYYY-MM-DDTHH:MM` or `YYYY-MM-DDTHH:MM:SS` with at most nine digits of a fraction (those
  /// beyond microseconds are cut off), the whole of `bytes`. A blank may stand for the `T`. With an offset it is
  /// not local and not read here.
  package init?(parsing bytes: RawSpan) {
    let count = bytes.byteCount
    guard count == 10 || count == 16 || count == 19 || (21...29).contains(count),
      bytes.byte(4) == UInt8(ascii: "-"), bytes.byte(7) == UInt8(ascii: "-")
    else { return nil }
    var areDigits = true
    let year = bytes.twoDigits(at: 0, &areDigits) * 100 + bytes.twoDigits(at: 2, &areDigits)
    let month = bytes.twoDigits(at: 5, &areDigits)
    let day = bytes.twoDigits(at: 8, &areDigits)
    var (hour, minute, second, microsecond) = (0, 0, 0, 0)
    if count > 10 {
      guard bytes.byte(10) | 0x20 == UInt8(ascii: "t") || bytes.byte(10) == UInt8(ascii: " "),
        bytes.byte(13) == UInt8(ascii: ":")
      else { return nil }
      hour = bytes.twoDigits(at: 11, &areDigits)
      minute = bytes.twoDigits(at: 14, &areDigits)
    }
    if count > 16 {
      guard bytes.byte(16) == UInt8(ascii: ":") else { return nil }
      second = bytes.twoDigits(at: 17, &areDigits)
    }
    if count > 19 {
      guard bytes.byte(19) == UInt8(ascii: ".") else { return nil }
      var unit = 100_000
      for position in 20..<count {
        let digit = bytes.byte(position) &- 0x30
        areDigits = areDigits && digit <= 9
        microsecond += Int(digit) * unit
        unit /= 10
      }
    }
    guard areDigits else { return nil }
    self.init(year: year, month: month, day: day, hour: hour, minute: minute, second: second, microsecond: microsecond)
  }

  package static let maxTextLength = Timestamp.maxTextLength

  /// Writes `YYYY-MM-DDTHH:MM:SS`, and the fraction with six digits when there is one, as Python's `isoformat()`.
  package func write(to target: UnsafeMutablePointer<UInt8>) -> Int {
    let (seconds, rest) = microseconds.flooredDivision(by: 1_000_000)
    // Without the `Z`.
    return RFC3339.write(seconds: seconds, nanoseconds: rest * 1_000, digits: rest == 0 ? 0 : 6, to: target) - 1
  }
}

extension LocalDateTime {
  /// A date of the calendar; prints as `2025-01-20`.
  package struct Day: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Days since 1970-01-01.
    package let number: Int32

    package static func < (left: Self, right: Self) -> Bool { left.number < right.number }

    package var description: String { CivilDate(daysSinceEpoch: Int64(number)).description }
  }

  package var day: Day { Day(number: Int32(microseconds.flooredDivision(by: 86_400_000_000).quotient)) }

  /// 0 to 86,399,999,999.
  package var microsecondsOfDay: Int64 { microseconds.flooredDivision(by: 86_400_000_000).remainder }
}
