import Core

/// When the exchange trades: Sunday to Thursday, 10:00 to 14:30 in Cairo, but for holidays. Pure.
package struct TradingCalendar: Sendable {
  package let clock: ExchangeClock
  /// Minutes of the day.
  package var opens = 10 * 60
  package var closes = 14 * 60 + 30
  /// Sunday is 0.
  package var weekdays: Set<Int> = [0, 1, 2, 3, 4]
  /// Days since 1970-01-01.
  package var holidays: Set<Int64>
  /// How long after the close polling goes on, in minutes: sources are up to a quarter of an hour late.
  package var afterClose: Int

  package init(clock: ExchangeClock, holidays: Set<Int64> = [], afterClose: Int = 20) {
    self.clock = clock
    self.holidays = holidays
    self.afterClose = max(0, afterClose)
  }

  package func isTradingDay(_ day: Int64) -> Bool {
    weekdays.contains(CivilDate.weekday(daysSinceEpoch: day)) && !holidays.contains(day)
  }

  /// Whether there is anything to poll for.
  package func isOpen(at instant: Int64) -> Bool {
    let day = clock.day(of: instant)
    guard isTradingDay(day) else { return false }
    return (time(opens, on: day)..<time(closes, on: day) + Int64(afterClose) * 60).contains(instant)
  }

  /// The next instant at which `isOpen` turns true; nil when there is none within a year.
  package func nextOpening(after instant: Int64) -> Int64? {
    let today = clock.day(of: instant)
    for day in today...today + 366 where isTradingDay(day) {
      let opening = time(opens, on: day)
      if opening > instant { return opening }
    }
    return nil
  }

  private func time(_ minutes: Int, on day: Int64) -> Int64 {
    let date = CivilDate(daysSinceEpoch: day)
    return clock.zone.instant(year: date.year, month: date.month, day: date.day, minute: minutes).epochSeconds
  }

  /// Dates, one per line; blank lines and what follows a `#` are passed over.
  /// - Throws: `Failure(.configuration)` with the line.
  package static func holidays(_ text: String, path: String) throws(Failure) -> Set<Int64> {
    var days: Set<Int64> = []
    var number = 0
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      number += 1
      let content = line.prefix { $0 != "#" }.filter { !$0.isWhitespace }
      if content.isEmpty { continue }
      guard let day = CivilDate(content)?.daysSinceEpoch else {
        throw Failure(.configuration, code: "bad_holiday", "\(path), line \(number): not a date such as 2026-01-07")
      }
      days.insert(day)
    }
    return days
  }
}
