import Runtime
import Schemas

extension PriceFileName {
  /// The clock every portal writes its names and rows by.
  package static let zoneIdentifier = "Asia/Jerusalem"

  /// When the file was made, with the offset in force; nil when the name has no time of day, because a date alone
  /// would order the file before everything else of its day.
  /// - Parameter zone: the table of `zoneIdentifier`. An hour lived twice means its first occurrence.
  package func fileTime(zone: ZoneTable) -> Timestamp? {
    guard let time else { return nil }
    let (seconds, offset) = zone.instant(
      year: date.year, month: date.month, day: date.day, hour: time.hour, minute: time.minute, second: time.second)
    return Timestamp(microseconds: seconds * 1_000_000, offsetMinutes: Int(offset) / 60)
  }
}
