@testable import Core
import Testing
import Values

@Suite struct RunTimesTests {
  private func seconds(_ text: String) throws -> Int64 {
    try #require(Timestamp(text), "not a time: \(text)").microseconds / 1_000_000
  }

  private func minutes(_ hours: NYSECalendar.Hours) throws -> RunTimes {
    RunTimes(.every(60), hours, of: try NYSECalendar())
  }

  private func times(_ times: RunTimes, _ from: String, _ to: String) throws -> [String] {
    try times.times(in: seconds(from)..<seconds(to)).map {
      try #require(Timestamp(microseconds: $0 * 1_000_000)).description
    }
  }

  /// Opening 9:30 and close 16:00 in New York: 390 minutes have ended, the first at 9:31, the last at 16:00.
  @Test(arguments: [
    // Winter, summer, and the Mondays behind the changes of clocks.
    ("2026-03-06", "14:31:00", "21:00:00", 390), ("2026-03-09", "13:31:00", "20:00:00", 390),
    ("2026-10-30", "13:31:00", "20:00:00", 390), ("2026-11-02", "14:31:00", "21:00:00", 390),
    // The day after Thanksgiving and Christmas Eve end at 13:00: 210 minutes.
    ("2026-11-27", "14:31:00", "18:00:00", 210), ("2026-12-24", "14:31:00", "18:00:00", 210),
  ])
  func aSessionHasItsMinutes(_ day: String, _ first: String, _ last: String, _ count: Int) throws {
    let found = try times(minutes(.regular), "\(day)T00:00:00Z", "\(day)T23:59:59Z")
    #expect(found.count == count)
    #expect(found.first == "\(day)T\(first)Z" && found.last == "\(day)T\(last)Z")
  }

  @Test func closedDaysHaveNone() throws {
    // A weekend, Thanksgiving.
    #expect(try times(minutes(.extended), "2026-11-28T00:00:00Z", "2026-11-30T00:00:00Z").isEmpty)
    #expect(try times(minutes(.regular), "2026-11-26T00:00:00Z", "2026-11-27T00:00:00Z").isEmpty)
    // Extended hours: 4:00 to 20:00, on half days to 17:00.
    #expect(try times(minutes(.extended), "2026-11-25T06:00:00Z", "2026-11-26T06:00:00Z").count == 16 * 60)
    #expect(try times(minutes(.extended), "2026-11-27T06:00:00Z", "2026-11-28T06:00:00Z").count == 13 * 60)
    #expect(try times(minutes(.always), "2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z").count == 1_440)
  }

  @Test func theNextRunSkipsWhatIsClosed() throws {
    let regular = try minutes(.regular)
    // From the close before Thanksgiving to the half day's first minute, from its close to Monday.
    #expect(try regular.next(after: seconds("2026-11-25T21:00:00Z")) == seconds("2026-11-27T14:31:00Z"))
    #expect(try regular.next(after: seconds("2026-11-27T17:59:59Z")) == seconds("2026-11-27T18:00:00Z"))
    #expect(try regular.next(after: seconds("2026-11-27T18:00:00Z")) == seconds("2026-11-30T14:31:00Z"))
    #expect(try minutes(.always).next(after: 119) == 120)
    let friday = RunTimes(
      .cron(try CronExpression("0 12 * * fri"), try ZoneTable(identifier: NYSECalendar.zoneIdentifier)), .regular,
      of: try NYSECalendar())
    // Christmas Day 2026 is a Friday, and so is New Year's Day.
    #expect(try friday.next(after: seconds("2026-12-18T17:00:00Z")) == seconds("2027-01-08T17:00:00Z"))
  }

  /// Step by step the same as all at once, over a change of clocks and a half day.
  @Test func stepsAndRangesAgree() throws {
    let range = try seconds("2026-10-28T06:00:00Z")..<seconds("2026-11-05T06:00:00Z")
    let quarter = RunTimes(.every(900), .extended, of: try NYSECalendar())
    let all = quarter.times(in: range)
    #expect(all.count == 6 * 64)
    var (steps, last) = ([Int64](), range.lowerBound - 1)
    while let next = quarter.next(after: last), next < range.upperBound {
      steps.append(next)
      last = next
    }
    #expect(steps == all)
    var cut: [Int64] = []
    for start in stride(from: range.lowerBound, to: range.upperBound, by: 7_919) {
      cut += quarter.times(in: start..<min(start + 7_919, range.upperBound))
    }
    #expect(cut == all)
  }
}
