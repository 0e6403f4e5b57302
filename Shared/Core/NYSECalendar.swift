/// When the stock exchanges of New York trade: Monday to Friday but for their holidays, half days until 13:00. Pure,
/// for the years 2000 on.
///
/// Sources: the rules of the New York Stock Exchange (Rule 7.2 on holidays: one that falls on a Saturday is kept on
/// Friday unless a month or year of accounts ends then, one on a Sunday on Monday), and its notices for the days of
/// mourning, the terror of September 2001 and the storm of October 2012.
package struct NYSECalendar: Sendable {
  /// Of the exchange's clocks.
  package static let zoneIdentifier = "America/New_York"
  package let zone: ZoneTable

  package enum Hours: String, CaseIterable, Sendable {
    /// 9:30 to 16:00, on half days to 13:00.
    case regular
    /// 4:00 to 20:00, on half days to 17:00.
    case extended
    /// At any time: for markets without hours, and for tests.
    case always
  }

  /// One day's trading, in seconds since 1970, UTC.
  package struct Session: Hashable, Sendable {
    package let preOpen, open, close, postClose: Int64
    package let isHalf: Bool

    package func range(_ hours: Hours) -> Range<Int64> { hours == .regular ? open..<close : preOpen..<postClose }
  }

  /// - Throws: `Failure(.configuration)` when the host has no zone database.
  package init() throws(Failure) { zone = try ZoneTable(identifier: Self.zoneIdentifier) }

  /// - Parameter day: days since 1970-01-01.
  /// - Returns: nil when there is no trading.
  package func session(on day: Int64) -> Session? {
    guard Self.isTradingDay(day) else { return nil }
    let (date, isHalf) = (CivilDate(daysSinceEpoch: day), Self.isHalfDay(day))
    func time(_ hour: Int, _ minute: Int = 0) -> Int64 {
      zone.instant(year: date.year, month: date.month, day: date.day, hour: hour, minute: minute).epochSeconds
    }
    return Session(
      preOpen: time(4), open: time(9, 30), close: time(isHalf ? 13 : 16), postClose: time(isHalf ? 17 : 20),
      isHalf: isHalf)
  }

  /// The date in New York, in days since 1970-01-01.
  package func day(of instant: Int64) -> Int64 {
    (instant + Int64(zone.offsetSeconds(at: instant))).flooredDivision(by: 86_400).quotient
  }

  package func isOpen(at instant: Int64, _ hours: Hours) -> Bool {
    hours == .always || session(on: day(of: instant))?.range(hours).contains(instant) == true
  }

  /// Whether the market is open at any moment of a range of at most a month; a longer one always holds some.
  package func isOpen(within range: Range<Int64>, _ hours: Hours) -> Bool {
    guard hours != .always, !range.isEmpty else { return !range.isEmpty }
    guard range.upperBound - range.lowerBound < 31 * 86_400 else { return true }
    return (day(of: range.lowerBound)...day(of: range.upperBound)).contains { day in
      session(on: day)?.range(hours).overlaps(range) == true
    }
  }

  // MARK: - days

  package static func isTradingDay(_ day: Int64) -> Bool {
    (1...5).contains(CivilDate.weekday(daysSinceEpoch: day)) && !isHoliday(day)
  }

  /// A weekday on which the exchange is closed.
  static func isHoliday(_ day: Int64) -> Bool {
    if closures.contains(day) { return true }
    let date = CivilDate(daysSinceEpoch: day)
    let weekday = CivilDate.weekday(daysSinceEpoch: day)
    let week = (date.day - 1) / 7 + 1
    switch (date.month, weekday) {
    case (1, 1) where week == 3: return true  // Martin Luther King Jr.
    case (2, 1) where week == 3: return true  // Washington's birthday
    case (5, 1) where date.day > 24: return true  // Memorial Day
    case (9, 1) where week == 1: return true  // Labor Day
    case (11, 4) where week == 4: return true  // Thanksgiving
    default: break
    }
    // New Year on a Saturday is not kept: the Friday ends a year of accounts.
    if isKept(day, 1, 1, beforeSaturday: false) || isKept(day, 7, 4) || isKept(day, 12, 25) { return true }
    if date.year >= 2022, isKept(day, 6, 19) { return true }  // Juneteenth
    return day == easter(date.year) - 2  // Good Friday
  }

  /// A trading day that ends at 13:00.
  static func isHalfDay(_ day: Int64) -> Bool {
    guard isTradingDay(day) else { return false }
    let date = CivilDate(daysSinceEpoch: day)
    let weekday = CivilDate.weekday(daysSinceEpoch: day)
    switch (date.month, date.day) {
    case (7, 3): return weekday != 5 && (weekday != 3 || date.year >= 2013)
    // Until 2012 the day after a Thursday was the half one.
    case (7, 5): return weekday == 5 && date.year < 2013
    case (11, 23...29): return weekday == 5
    case (12, 24): return true
    case (12, 26): return date.year == 2003
    default: return false
    }
  }

  /// Whether the holiday of this date is kept on `day`: on the date, on Friday before a Saturday, on Monday after a
  /// Sunday.
  private static func isKept(_ day: Int64, _ month: Int, _ dayOfMonth: Int, beforeSaturday: Bool = true) -> Bool {
    for (offset, weekday) in [(0, nil), (1, 6), (-1, 0)] as [(Int64, Int?)] {
      let date = CivilDate(daysSinceEpoch: day + offset)
      guard date.month == month, date.day == dayOfMonth, offset != 1 || beforeSaturday else { continue }
      if weekday.map({ CivilDate.weekday(daysSinceEpoch: day + offset) == $0 }) ?? true { return true }
    }
    return false
  }

  /// Easter Sunday of the Gregorian calendar. Source: J. Meeus, "Astronomical Algorithms", 2nd ed., ch. 8.
  private static func easter(_ year: Int) -> Int64 {
    let (a, b, c) = (year % 19, year / 100, year % 100)
    let g = (b - (b + 8) / 25 + 1) / 3
    let h = (19 * a + b - b / 4 - g + 15) % 30
    let l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7
    let m = (a + 11 * h + 22 * l) / 451
    let n = h + l - 7 * m + 114
    return CivilDate.daysSinceEpoch(year: year, month: n / 31, day: n % 31 + 1)
  }

  /// Days without trading that follow from no rule.
  private static let closures = Set([
    (2001, 9, 11), (2001, 9, 12), (2001, 9, 13), (2001, 9, 14), (2004, 6, 11), (2007, 1, 2), (2012, 10, 29),
    (2012, 10, 30), (2018, 12, 5), (2025, 1, 9),
  ].map { CivilDate.daysSinceEpoch(year: $0, month: $1, day: $2) })
}
