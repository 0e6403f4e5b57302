@testable import Core
import Foundation
import Testing
import TestSupport
import Values

@Suite struct CronTests {
  private func seconds(_ text: String) throws -> Int64 {
    try #require(Timestamp(text), "not a time: \(text)").microseconds / 1_000_000
  }

  private func times(_ cron: String, _ from: String, _ to: String, zone: String = "UTC") throws -> [String] {
    let zone = try ZoneTable(identifier: zone)
    let range = try seconds(from)..<seconds(to)
    return try CronExpression(cron).times(in: range, zone: zone).map {
      let offset = Int(zone.offsetSeconds(at: $0)) / 60
      return try #require(Timestamp(microseconds: $0 * 1_000_000, offsetMinutes: offset)).description
    }
  }

  @Test func cronFieldsFollowTheirDefinition() throws {
    let day = ("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z")
    #expect(try times("30 8 * * *", day.0, day.1) == ["2026-03-02T08:30:00Z"])
    #expect(try times("*/20 6-7 * * *", day.0, day.1).count == 6)
    #expect(try times("50/4 6 * * *", day.0, day.1) == [
      "2026-03-02T06:50:00Z", "2026-03-02T06:54:00Z", "2026-03-02T06:58:00Z",
    ])
    #expect(try times("5,10-14/2 0 * * *", day.0, day.1).count == 4)
    // The second of March 2026 is a Monday.
    #expect(try times("0 0 * mar MON", day.0, day.1).count == 1)
    #expect(try times("0 0 * * tue-SAT", day.0, day.1).isEmpty)
    #expect(try times("0 0 * * 0", "2026-03-01T00:00:00Z", "2026-03-09T00:00:00Z") == [
      "2026-03-01T00:00:00Z", "2026-03-08T00:00:00Z",
    ])
    #expect(try times("0 0 * * 7", "2026-03-01T00:00:00Z", "2026-03-09T00:00:00Z").count == 2)
    #expect(try times("0 0 * * 5-7", "2026-03-01T00:00:00Z", "2026-03-08T00:00:00Z").count == 3)
    // Both day fields: either fits.
    #expect(try times("0 0 13 * fri", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z").map { $0.prefix(10) } == [
      "2026-03-06", "2026-03-13", "2026-03-20", "2026-03-27",
    ])
    #expect(try times("0 0 13 * fri", "2026-07-01T00:00:00Z", "2026-08-01T00:00:00Z").count == 6)
    // A step from '*' does not restrict.
    #expect(try times("0 0 */2 * fri", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z").map { $0.prefix(10) } == [
      "2026-03-13", "2026-03-27",
    ])
    #expect(try times("0 12 29 2 *", "2026-01-01T00:00:00Z", "2033-01-01T00:00:00Z") == [
      "2028-02-29T12:00:00Z", "2032-02-29T12:00:00Z",
    ])
    #expect(try times("@hourly", day.0, day.1).count == 24)
    #expect(try times("@monthly", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z").count == 12)
  }

  @Test func theRangeIsHalfOpen() throws {
    #expect(try times("* * * * *", "2026-03-02T10:00:00Z", "2026-03-02T10:02:00Z") == [
      "2026-03-02T10:00:00Z", "2026-03-02T10:01:00Z",
    ])
    #expect(try times("* * * * *", "2026-03-02T10:00:01Z", "2026-03-02T10:01:00Z").isEmpty)
    #expect(try times("* * * * *", "2026-03-02T10:00:00Z", "2026-03-02T10:00:00Z").isEmpty)
    #expect(try times("0 * * * *", "1969-12-31T22:30:00Z", "1970-01-01T00:30:00Z") == [
      "1969-12-31T23:00:00Z", "1970-01-01T00:00:00Z",
    ])
  }

  /// Egypt skipped 00:00 to 01:00 on 26 April 2024 and showed 23:00 to 24:00 of 31 October twice.
  @Test func skippedTimesRunAtTheNextInstantAndRepeatedOnesOnce() throws {
    let spring = ("2024-04-25T20:00:00Z", "2024-04-26T00:00:00Z")
    #expect(try times("30 0 * * *", spring.0, spring.1, zone: "Africa/Cairo") == ["2024-04-26T01:00:00+03:00"])
    #expect(try times("*/15 0-1 * * *", spring.0, spring.1, zone: "Africa/Cairo") == [
      "2024-04-26T01:00:00+03:00", "2024-04-26T01:15:00+03:00", "2024-04-26T01:30:00+03:00",
      "2024-04-26T01:45:00+03:00",
    ])
    // A range that begins within does not see it again.
    #expect(try times("30 0 26 4 *", "2024-04-25T22:00:01Z", "2024-04-27T00:00:00Z", zone: "Africa/Cairo").isEmpty)
    let autumn = ("2024-10-31T19:00:00Z", "2024-10-31T23:00:00Z")
    #expect(try times("30 * * * *", autumn.0, autumn.1, zone: "Africa/Cairo") == [
      "2024-10-31T22:30:00+03:00", "2024-10-31T23:30:00+03:00", "2024-11-01T00:30:00+02:00",
    ])
  }

  /// Walks minute by minute through real time with Foundation's zones: a clock that shows a wanted time for the first
  /// time makes it due, and so does a clock that has just jumped over one.
  private func naive(
    _ range: Range<Int64>, _ zone: TimeZone, _ wanted: (_ civil: Int64) -> Bool
  ) -> [Int64] {
    var seen: Set<Int64> = []
    var times: [Int64] = []
    // Two days earlier, so that what was shown before the range is known.
    var instant = (range.lowerBound - 172_800) / 60 * 60
    var last: Int64?
    while instant < range.upperBound {
      let civil = instant + Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(instant))))
      var isDue = false
      var shown = last.map { $0 + 60 } ?? civil
      while shown <= civil {
        if seen.insert(shown).inserted, wanted(shown) { isDue = true }
        shown += 60
      }
      if isDue, range.contains(instant) { times.append(instant) }
      last = civil
      instant += 60
    }
    return times
  }

  /// A field as text, and the values it means.
  private func field(
    _ range: ClosedRange<Int>, _ random: inout TestRandom, isSparse: Bool
  ) -> (text: String, values: Set<Int>, isStar: Bool) {
    func value() -> Int { Int.random(in: range, using: &random) }
    switch Int.random(in: 0..<(isSparse ? 3 : 5), using: &random) {
    case 0:
      let chosen = value()
      return ("\(chosen)", [chosen], false)
    case 1:
      let ends = [value(), value()].sorted()
      let step = Int.random(in: 1...4, using: &random)
      return ("\(ends[0])-\(ends[1])/\(step)", Set(stride(from: ends[0], through: ends[1], by: step)), false)
    case 2:
      let chosen = [value(), value(), value()]
      return (chosen.map(String.init).joined(separator: ","), Set(chosen), false)
    case 3:
      let step = Int.random(in: 2...min(9, range.upperBound), using: &random)
      return ("*/\(step)", Set(stride(from: range.lowerBound, through: range.upperBound, by: step)), true)
    default: return ("*", Set(range), true)
    }
  }

  /// Changes of clocks of an hour, of half an hour, at midnight, on other dates, and none.
  @Test(arguments: [
    "Africa/Cairo", "Asia/Jerusalem", "Europe/Berlin", "Australia/Lord_Howe", "America/Asuncion", "UTC",
  ])
  func timesAgreeWithAClockThatIsStepped(_ name: String) throws {
    var random = TestRandom("cron \(name)")
    let zone = try ZoneTable(identifier: name)
    let watched = try #require(TimeZone(identifier: name))
    // Every change of the years, and a day without one.
    var moments: [Int64] = [try seconds("2024-06-15T10:00:00Z")]
    var date = Date(timeIntervalSince1970: Double(try seconds("2023-01-01T00:00:00Z")))
    while let next = watched.nextDaylightSavingTimeTransition(after: date), next.timeIntervalSince1970 < 1.75e9 {
      moments.append(Int64(next.timeIntervalSince1970))
      date = next
    }
    for round in 0..<24 {
      let minute = field(0...59, &random, isSparse: false), hour = field(0...23, &random, isSparse: round % 2 == 0)
      let day = round % 3 == 0 ? field(1...31, &random, isSparse: false) : ("*", Set(1...31), true)
      let weekday = round % 4 == 0 ? field(0...6, &random, isSparse: false) : ("*", Set(0...6), true)
      let text = "\(minute.text) \(hour.text) \(day.0) * \(weekday.0)"
      let cron = try CronExpression(text)
      let moment = try #require(moments.randomElement(using: &random))
      let start = moment - Int64.random(in: 0..<200_000, using: &random)
      let range = start..<(start + 250_000)
      let expected = naive(range, watched) { civil in
        let days = civil / 86_400
        let clock = Int(civil % 86_400) / 60
        guard minute.values.contains(clock % 60), hour.values.contains(clock / 60) else { return false }
        let fitsDay = day.1.contains(CivilDate(daysSinceEpoch: days).day)
        let fitsWeekday = weekday.1.contains(CivilDate.weekday(daysSinceEpoch: days))
        return day.2 || weekday.2 ? fitsDay && fitsWeekday : fitsDay || fitsWeekday
      }
      #expect(cron.times(in: range, zone: zone) == expected, "\(text) from \(start) in \(name)")
      // The same, one by one.
      var stepped: [Int64] = []
      var last = range.lowerBound - 1
      while let next = cron.next(after: last, zone: zone), next < range.upperBound {
        stepped.append(next)
        last = next
      }
      #expect(stepped == expected, "\(text) from \(start) in \(name), step by step")
    }
  }

  @Test func theNextTimeMayBeYearsAway() throws {
    let zone = try ZoneTable(identifier: "UTC")
    let cron = try CronExpression("0 0 29 feb *")
    #expect(cron.next(after: try seconds("2096-03-01T00:00:00Z"), zone: zone) == (try seconds("2104-02-29T00:00:00Z")))
  }

  @Test(arguments: [
    ("* * * *", "4 fields"), ("", "0 fields"), ("* * * * * *", "6 fields"), ("@reboot", "none of @annually"),
    ("60 * * * *", "minute (field 1): '60': 0 to 59 is expected"), ("* 24 * * *", "hour (field 2): '24'"),
    ("* * 0 * *", "day of the month (field 3): '0': 1 to 31"), ("* * * 13 *", "month (field 4): '13'"),
    ("* * * * 8", "day of the week (field 5): '8': 0 to 7 or a name such as sun"), ("* * * janu *", "'janu'"),
    ("5-1 * * * *", "the range ends before it begins"), ("*/0 * * * *", "a step from 1 to 59"),
    ("1,,2 * * * *", "a value, a range or a step"), ("1/2/3 * * * *", "'1/2/3'"), ("- * * * *", "'-'"),
    ("-1 * * * *", "'-1'"), ("+1 * * * *", "'+1'"), ("0 0 31 2 *", "never matches"),
    ("0 0 31 4,6,9,11 *", "never matches"),
    ("* L * * *", "'L'"), ("*5 * * * *", "'*5'"),
  ])
  func aMistakeIsReportedWithItsField(_ text: String, _ expected: String) throws {
    let error = #expect(throws: CronError.self) { try CronExpression(text) }
    #expect(try #require(error).description.contains(expected), "\(String(describing: error))")
  }
}
