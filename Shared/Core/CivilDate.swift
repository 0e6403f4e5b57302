/// A date of the Gregorian calendar, extended backwards; without a zone.
package struct CivilDate: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let year: Int
  package let month: Int
  package let day: Int

  /// - Returns: nil when there is no such day (29 February 2025, a 13th month), or the year is outside 1...9999.
  package init?(year: Int, month: Int, day: Int) {
    guard 1...9999 ~= year, 1...12 ~= month, 1...Self.days(in: month, of: year) ~= day else { return nil }
    (self.year, self.month, self.day) = (year, month, day)
  }

  /// Reads `2026-01-07`.
  package init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    func number(_ range: Range<Int>) -> Int? {
      bytes[range].allSatisfy { 0x30...0x39 ~= $0 } ? bytes[range].reduce(0) { $0 * 10 + Int($1 - 0x30) } : nil
    }
    guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
      let year = number(0..<4), let month = number(5..<7), let day = number(8..<10)
    else { return nil }
    self.init(year: year, month: month, day: day)
  }

  package static func days(in month: Int, of year: Int) -> Int {
    switch month {
    case 4, 6, 9, 11: 30
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    default: 31
    }
  }

  // Both conversions count years from 1 March, so that the leap day is the last of its year: 400 years have 146,097
  // days, and the months from March on start at day (153 m + 2) / 5. Source: E. G. Richards, "Calendars", in
  // Explanatory Supplement to the Astronomical Almanac, 3rd ed., ch. 15.

  /// Days from 1970-01-01 to a date. `month` is 1...12; `day` may lie outside its month and carries over.
  @inlinable
  package static func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int64 {
    let (era, yearOfEra) = Int64(month <= 2 ? year - 1 : year).flooredDivision(by: 400)
    let monthFromMarch = Int64(month > 2 ? month - 3 : month + 9)
    let dayOfYear = (153 * monthFromMarch + 2) / 5 + Int64(day) - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// The date so many days after 1970-01-01.
  @inlinable
  package init(daysSinceEpoch days: Int64) {
    let (era, dayOfEra) = (days + 719_468).flooredDivision(by: 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    day = Int(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    month = Int(monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9)
    year = Int(yearOfEra + era * 400) + (monthFromMarch < 10 ? 0 : 1)
  }

  package var daysSinceEpoch: Int64 { Self.daysSinceEpoch(year: year, month: month, day: day) }

  /// 0 = Sunday ... 6 = Saturday. 1970-01-01 was a Thursday.
  package static func weekday(daysSinceEpoch days: Int64) -> Int { Int((days + 4).flooredDivision(by: 7).remainder) }

  package static func < (a: Self, b: Self) -> Bool { (a.year, a.month, a.day) < (b.year, b.month, b.day) }

  /// `2026-08-28`.
  package var description: String { "\(zeroPadded(year, 4))-\(zeroPadded(month, 2))-\(zeroPadded(day, 2))" }
}

extension Int64 {
  /// Quotient rounded down and the remainder in 0..<divisor, for a positive divisor.
  @inlinable @inline(__always)
  package func flooredDivision(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}

/// A non-negative number with zeros in front, in at least `width` digits.
package func zeroPadded(_ number: some BinaryInteger, _ width: Int) -> String {
  let digits = String(number)
  return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}

extension CivilDate {
  /// The time as HTTP writes it, by RFC 9110, section 5.6.7: `Mon, 30 Nov 2026 08:00:00 GMT`.
  /// - Parameter seconds: since 1970.
  package static func httpText(_ seconds: Int64) -> String {
    let (days, rest) = seconds.flooredDivision(by: 86_400)
    let date = CivilDate(daysSinceEpoch: days)
    let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let weekday = weekdays[Int(days.flooredDivision(by: 7).remainder)]
    return "\(weekday), \(zeroPadded(date.day, 2)) \(months[Int(date.month) - 1]) \(zeroPadded(date.year, 4)) "
      + [rest / 3600, rest / 60 % 60, rest % 60].map { zeroPadded($0, 2) }.joined(separator: ":") + " GMT"
  }
}
