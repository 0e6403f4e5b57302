import Core
import Foundation
import Testing

/// Foundation's ICU carries its own copy of the zone rules and its own arithmetic: an independent truth.
@Suite struct ZoneTableTests {
  static let zones = ["Asia/Jerusalem", "Africa/Cairo", "America/New_York", "UTC", "Asia/Kolkata"]

  static func truth(_ identifier: String) throws -> (TimeZone, Calendar) {
    let zone = try #require(TimeZone(identifier: identifier))
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = zone
    return (zone, calendar)
  }

  @Test(arguments: zones) func offsetsAgreeWithFoundation(_ identifier: String) throws {
    let table = try ZoneTable(identifier: identifier)
    let (zone, _) = try Self.truth(identifier)
    // A prime step of about 2.6 days walks through all hours of the day from 1990 to 2060.
    for seconds in stride(from: Int64(631_152_000), to: 2_871_763_200, by: 224_737) {
      let expected = zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds)))
      let got = Int(table.offsetSeconds(at: seconds))
      #expect(got == expected, "\(identifier) at \(seconds)")
      if got != expected { return }
    }
  }

  @Test(arguments: zones) func civilTimesAroundEveryChangeComeBackToTheirInstant(_ identifier: String) throws {
    let table = try ZoneTable(identifier: identifier)
    let (zone, calendar) = try Self.truth(identifier)
    var change = zone.nextDaylightSavingTimeTransition(after: Date(timeIntervalSince1970: 631_152_000))
    var checked = 0
    while let at = change, at.timeIntervalSince1970 < 2_840_140_800 {
      for minutes in stride(from: -240, through: 240, by: 15) {
        let date = at.addingTimeInterval(Double(minutes) * 60)
        let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date)
        let got = table.instant(
          year: parts.year!, month: parts.month!, day: parts.day!, hour: parts.hour!, minute: parts.minute!,
          second: parts.second!)
        // In an overlap the second occurrence means the first: exactly the length of the overlap earlier.
        let overlap = zone.secondsFromGMT(for: at.addingTimeInterval(-1)) - zone.secondsFromGMT(for: at)
        let repeated = overlap > 0 && minutes * 60 >= 0 && minutes * 60 < overlap
        let expected = Int64(date.timeIntervalSince1970) - (repeated ? Int64(overlap) : 0)
        #expect(got.epochSeconds == expected, "\(identifier) \(parts)")
        #expect(
          Int(got.offsetSeconds) == zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(expected))))
        checked += 1
      }
      change = zone.nextDaylightSavingTimeTransition(after: at)
    }
    #expect(checked > 0 || ["UTC", "Asia/Kolkata"].contains(identifier))
  }

  @Test func skippedHourIsShiftedForward() throws {
    // Israel, Friday 2025-03-28: 02:00 became 03:00.
    let table = try ZoneTable(identifier: "Asia/Jerusalem")
    let skipped = table.instant(year: 2025, month: 3, day: 28, hour: 2, minute: 30)
    let shifted = table.instant(year: 2025, month: 3, day: 28, hour: 3, minute: 30)
    #expect(skipped == shifted)
    #expect(skipped.offsetSeconds == 10_800)
    #expect(skipped.epochSeconds == 1_743_121_800)
  }

  @Test func repeatedHourIsItsFirstOccurrence() throws {
    // Israel, Sunday 2025-10-26: 02:00 daylight time became 01:00 standard time.
    let table = try ZoneTable(identifier: "Asia/Jerusalem")
    let repeated = table.instant(year: 2025, month: 10, day: 26, hour: 1, minute: 30)
    #expect(repeated == (1_761_431_400, 10_800))
    #expect(table.instant(year: 2025, month: 10, day: 26, hour: 2) == (1_761_436_800, 7_200))
  }

  @Test(arguments: ["Asia/Atlantis", "", "../passwd", "/etc/passwd"])
  func unknownZoneIsAConfigurationError(_ identifier: String) throws {
    let error = try #require(throws: Failure.self) { try ZoneTable(identifier: identifier) }
    #expect(error.errorClass == .configuration)
    #expect(error.code == "zone_unknown")
  }

  @Test func missingDatabaseNamesThePackage() throws {
    let error = try #require(throws: Failure.self) {
      try ZoneTable(identifier: "Asia/Jerusalem", directory: "/nonexistent")
    }
    #expect(error.description.contains("tzdata"))
    #expect(error.description.contains("/nonexistent"))
  }

  @Test func everyShortenedFileIsRefused() throws {
    let whole = try readFile("/usr/share/zoneinfo/Asia/Jerusalem")
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("zones-\(getpid())-\(#line)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let path = directory.appendingPathComponent("Broken")
    for length in stride(from: 0, to: whole.count - 1, by: 7) {
      try Data(whole[..<length]).write(to: path)
      let error = try #require(throws: Failure.self) {
        try ZoneTable(identifier: "Broken", directory: directory.path)
      }
      #expect(error.code == "zone_unreadable", "\(length) of \(whole.count) bytes")
    }
  }

  @Test func datesAgreeWithFoundation() throws {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    for days in stride(from: Int64(-40_000), to: 60_000, by: 13) {
      let parts = calendar.dateComponents(
        [.year, .month, .day, .weekday], from: Date(timeIntervalSince1970: Double(days) * 86_400))
      let date = CivilDate(daysSinceEpoch: days)
      #expect((date.year, date.month, date.day) == (parts.year!, parts.month!, parts.day!))
      #expect(CivilDate.daysSinceEpoch(year: date.year, month: date.month, day: date.day) == days)
      #expect(CivilDate.weekday(daysSinceEpoch: days) == parts.weekday! - 1)
    }
  }
}
