import Core
import Foundation
import Testing
import Values

@Suite struct TimestampTests {
  @Test(arguments: [
    "1970-01-01T00:00:00Z", "2025-01-20T03:00:00+02:00", "2025-01-20T14:30:52.123456Z", "2024-02-29T23:59:59.999Z",
    "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z", "2000-02-29T00:00:00-11:30",
    "2025-07-01T00:00:00+23:59",
  ])
  func isWrittenAsRead(_ text: String) throws {
    #expect(try #require(Timestamp(text)).description == text)
  }

  @Test(arguments: [
    ("2025-01-20t03:00:00z", "2025-01-20T03:00:00Z"), ("2025-01-20T03:00:00-00:00", "2025-01-20T03:00:00Z"),
    ("2025-01-20T03:00:00.5Z", "2025-01-20T03:00:00.500Z"), ("2025-01-20T03:00:00.000Z", "2025-01-20T03:00:00Z"),
    ("2025-01-20T03:00:00.123456789Z", "2025-01-20T03:00:00.123456Z"),
    ("2025-01-20T03:00:00.0000009Z", "2025-01-20T03:00:00Z"),
  ])
  func writesOtherSpellingsPlainly(_ text: String, _ plain: String) throws {
    #expect(try #require(Timestamp(text)).description == plain)
  }

  @Test(arguments: [
    "", "2025-01-20", "2025-01-20T03:00:00", "2025-01-20 03:00:00Z", "2025-1-20T03:00:00Z", "2025-01-20T3:00:00Z",
    "2025-13-01T00:00:00Z", "2025-00-01T00:00:00Z", "2025-02-29T00:00:00Z", "2025-04-31T00:00:00Z",
    "1900-02-29T00:00:00Z", "2025-01-00T00:00:00Z", "2025-01-20T24:00:00Z", "2025-01-20T03:60:00Z",
    "2016-12-31T23:59:60Z", "2025-01-20T03:00:00.Z", "2025-01-20T03:00:00.1234567890Z", "2025-01-20T03:00:00+2:00",
    "2025-01-20T03:00:00+02", "2025-01-20T03:00:00+0200", "2025-01-20T03:00:00+24:00", "2025-01-20T03:00:00+02:60",
    "2025-01-20T03:00:00Zx", "2025-01-20T03:00:00+02:00 ", " 2025-01-20T03:00:00Z", "２025-01-20T03:00:00Z",
    "2025-01-20T03:00:00,5Z", "0000-01-01T00:00:00+02:00", "9999-12-31T23:59:59-02:00", "+2025-01-20T03:00:00Z",
  ])
  func refuses(_ text: String) {
    #expect(Timestamp(text) == nil)
  }

  @Test func equalInstantsAreEqualWhateverTheirOffsets() throws {
    let (local, utc) = (time("2025-01-20T03:00:00+02:00"), time("2025-01-20T01:00:00Z"))
    #expect(local == utc && local.hashValue == utc.hashValue)
    #expect(local.offsetMinutes == 120)
    #expect(local.at(offsetMinutes: 0)?.description == utc.description)
    #expect(local < time("2025-01-20T03:00:00.000001+02:00"))
  }

  @Test func rangeIsThatOfFourDigitYears() {
    #expect(Timestamp(microseconds: Timestamp.range.upperBound + 1) == nil)
    #expect(Timestamp(microseconds: Timestamp.range.lowerBound - 1) == nil)
    #expect(Timestamp(microseconds: Timestamp.range.upperBound, offsetMinutes: 1) == nil)
    #expect(Timestamp(microseconds: 0, offsetMinutes: 1440) == nil)
    #expect(Timestamp(microseconds: .max) == nil && Timestamp(microseconds: .min) == nil)
  }

  /// Against Foundation's formatter, in whole seconds, over the Gregorian centuries (it turns Julian before).
  @Test func agreesWithFoundation() throws {
    let seed = freshSeed()
    var random = Seeded(seed)
    let style = Date.ISO8601FormatStyle()
    for _ in 0..<2000 {
      let seconds = Int64.random(in: -11_000_000_000...253_402_300_799, using: &random)
      let date = Date(timeIntervalSince1970: Double(seconds))
      let ours = try #require(Timestamp(microseconds: seconds * 1_000_000))
      #expect(ours.description == style.format(date), "seed \(seed): \(seconds)")
      let offset = random.below(2 * 840) - 840  // Foundation reads offsets of up to 14 hours
      if let shifted = ours.at(offsetMinutes: offset) {
        #expect(try style.parse(shifted.description) == date, "seed \(seed): \(shifted)")
        let again = try #require(Timestamp(shifted.description))
        #expect(again == ours && Int(again.offsetMinutes) == offset, "seed \(seed): \(shifted)")
      }
    }
  }

  /// Every day of the Gregorian cycle and of the range's ends follows the one before.
  @Test func daysFollowEachOther() throws {
    for firstYear in [0, 1600, 9999] {
      var days = try #require(Timestamp(year: firstYear, month: 1, day: 1)).microseconds / 86_400_000_000
      for year in firstYear..<min(firstYear + 400, 10_000) {
        for month in 1...12 {
          for day in [1, CivilDate.days(in: month, of: year)] {
            let length = day == 1 ? 0 : Int64(day - 1)
            let there = try #require(Timestamp(microseconds: (days + length) * 86_400_000_000)).civil
            guard there.year == year, there.month == month, there.day == day else {
              Issue.record("\(year)-\(month)-\(day) is \(there)")
              return
            }
          }
          days += Int64(CivilDate.days(in: month, of: year))
        }
      }
    }
  }

  @Test func microsecondsRoundTrip() throws {
    let seed = freshSeed()
    var random = Seeded(seed)
    for _ in 0..<3000 {
      let instant = try #require(Timestamp(microseconds: Int64.random(in: Timestamp.range, using: &random)))
      #expect(Timestamp(instant.description)?.microseconds == instant.microseconds, "seed \(seed): \(instant)")
      let civil = instant.civil
      let again = Timestamp(
        year: civil.year, month: civil.month, day: civil.day, hour: civil.hour, minute: civil.minute,
        second: civil.second, microsecond: civil.microsecond)
      #expect(again == instant, "seed \(seed): \(instant)")
    }
  }
}
