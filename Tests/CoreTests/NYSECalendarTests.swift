import Core
import Testing

@Suite struct NYSECalendarTests {
  private func days(_ year: Int) -> ClosedRange<Int64> {
    CivilDate.daysSinceEpoch(year: year, month: 1, day: 1)...CivilDate.daysSinceEpoch(year: year, month: 12, day: 31)
  }

  private func closed(_ year: Int) -> [String] {
    dates(days(year).filter { day in
      (1...5).contains(CivilDate.weekday(daysSinceEpoch: day)) && !NYSECalendar.isTradingDay(day)
    })
  }

  private func dates(_ days: [Int64]) -> [String] {
    days.map { day in String(CivilDate(daysSinceEpoch: day).description.dropFirst(5)) }
  }

  /// The exchange's published holidays and early closings.
  @Test func publishedDays() throws {
    let calendar = try NYSECalendar()
    func half(_ year: Int) -> [String] { dates(days(year).filter { calendar.session(on: $0)?.isHalf == true }) }
    #expect(closed(2024) == [
      "01-01", "01-15", "02-19", "03-29", "05-27", "06-19", "07-04", "09-02", "11-28", "12-25",
    ])
    #expect(half(2024) == ["07-03", "11-29", "12-24"])
    #expect(closed(2025) == [
      "01-01", "01-09", "01-20", "02-17", "04-18", "05-26", "06-19", "07-04", "09-01", "11-27", "12-25",
    ])
    #expect(half(2025) == ["07-03", "11-28", "12-24"])
    #expect(closed(2026) == [
      "01-01", "01-19", "02-16", "04-03", "05-25", "06-19", "07-03", "09-07", "11-26", "12-25",
    ])
    #expect(half(2026) == ["11-27", "12-24"])
    #expect(closed(2027) == [
      "01-01", "01-18", "02-15", "03-26", "05-31", "06-18", "07-05", "09-06", "11-25", "12-24",
    ])
    #expect(half(2027) == ["11-26"])
    // New Year's Day of 2022 was a Saturday: not kept. Juneteenth of 2021 was not yet one.
    #expect(closed(2021) == ["01-01", "01-18", "02-15", "04-02", "05-31", "07-05", "09-06", "11-25", "12-24"])
    #expect(closed(2022).first == "01-17")
  }

  /// Sessions and early closings of each year from 2000 to 2030, as `exchange_calendars` 4 for Python counts them.
  @Test func countsOfThirtyYears() throws {
    let calendar = try NYSECalendar()
    for (year, expected) in Self.counts {
      let sessions = days(year).compactMap { calendar.session(on: $0) }
      #expect(sessions.count == expected.sessions && sessions.filter(\.isHalf).count == expected.half, "\(year)")
    }
  }

  @Test func clocksChange() throws {
    let calendar = try NYSECalendar()
    func utc(_ year: Int, _ month: Int, _ day: Int) -> [Int64] {
      let midnight = CivilDate.daysSinceEpoch(year: year, month: month, day: day)
      guard let session = calendar.session(on: midnight) else { return [] }
      let times: [Int64] = [session.preOpen, session.open, session.close, session.postClose]
      return times.map { time in (time - midnight * 86_400) / 60 }
    }
    // In minutes of the day in UTC. Daylight saving time began on Sunday 9 March 2025 and ended on 2 November.
    #expect(utc(2025, 3, 7) == [540, 870, 1260, 1500])
    #expect(utc(2025, 3, 10) == [480, 810, 1200, 1440])
    #expect(utc(2025, 10, 31) == [480, 810, 1200, 1440])
    #expect(utc(2025, 11, 3) == [540, 870, 1260, 1500])
    // The day after Thanksgiving ends at 13:00.
    #expect(utc(2025, 11, 28) == [540, 870, 1080, 1320])
  }

  @Test func moments() throws {
    let calendar = try NYSECalendar()
    let friday = try #require(calendar.session(on: CivilDate.daysSinceEpoch(year: 2025, month: 11, day: 28)))
    #expect(calendar.isOpen(at: friday.open, .regular) && !calendar.isOpen(at: friday.open - 1, .regular))
    #expect(!calendar.isOpen(at: friday.close, .regular) && calendar.isOpen(at: friday.close, .extended))
    #expect(calendar.isOpen(at: friday.postClose + 1, .always))
    let weekend = friday.postClose..<friday.postClose + 2 * 86_400
    #expect(!calendar.isOpen(within: weekend, .extended))
    #expect(calendar.isOpen(within: friday.postClose - 1..<friday.postClose + 1, .extended))
    #expect(!calendar.isOpen(within: friday.postClose - 1..<friday.postClose + 1, .regular))
  }

  private static let counts: [Int: (sessions: Int, half: Int)] = [
    2000: (252, 2), 2001: (248, 3), 2002: (252, 3), 2003: (252, 4),
    2004: (252, 1), 2005: (252, 1), 2006: (251, 2), 2007: (251, 3),
    2008: (253, 3), 2009: (252, 2), 2010: (252, 1), 2011: (252, 1),
    2012: (250, 3), 2013: (252, 3), 2014: (252, 3), 2015: (252, 2),
    2016: (252, 1), 2017: (251, 2), 2018: (251, 3), 2019: (252, 3),
    2020: (253, 2), 2021: (252, 1), 2022: (251, 1), 2023: (250,
    2), 2024: (252, 3), 2025: (250, 3), 2026: (251, 2),
    2027: (251, 1), 2028: (251, 2), 2029: (251, 3), 2030: (251, 3),
  ]
}
