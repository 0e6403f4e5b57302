import Core
import Values

/// Reads the update times of rows by arithmetic. They have no zone and are Israel local.
///
/// Known forms: `yyyy-MM-dd` or `yyyy/MM/dd`, alone or followed by a blank or `T` and `HH:mm`, `HH:mm:ss` or
/// `HH:mm:ss.fff` (1 to 9 digits, truncated to microseconds).
struct UpdateTimeReader {
  private let zone: ZoneTable
  /// Offsets by local hour, direct mapped: the rows of a file share few hours, and an offset never changes within one.
  private var cache = [(hour: Int64, shift: Int64, offsetMinutes: Int)](
    repeating: (hour: .min, shift: 0, offsetMinutes: 0), count: 256)

  init(zone: ZoneTable) { self.zone = zone }

  /// - Returns: nil for an unknown form, or a time before 1990 (portals write the year 1 for "never").
  mutating func read(_ text: UnsafeBufferPointer<UInt8>) -> Timestamp? {
    guard text.count >= 10,
      let year = Self.number(text, 0, 4), let month = Self.number(text, 5, 2), let day = Self.number(text, 8, 2),
      text[4] == text[7], text[4] == UInt8(ascii: "-") || text[4] == UInt8(ascii: "/"),
      year >= 1990, 1...12 ~= month, day >= 1, day <= CivilDate.days(in: month, of: year)
    else { return nil }
    var (hour, minute, second, microsecond) = (0, 0, 0, 0)
    if text.count > 10 {
      guard text.count >= 16, text[10] == UInt8(ascii: " ") || text[10] | 0x20 == UInt8(ascii: "t"),
        text[13] == UInt8(ascii: ":"),
        let readHour = Self.number(text, 11, 2), let readMinute = Self.number(text, 14, 2),
        readHour < 24, readMinute < 60
      else { return nil }
      (hour, minute) = (readHour, readMinute)
      if text.count > 16 {
        guard text.count >= 19, text[16] == UInt8(ascii: ":"), let readSecond = Self.number(text, 17, 2),
          readSecond < 60, let fraction = Self.fraction(text)
        else { return nil }
        (second, microsecond) = (readSecond, fraction)
      }
    }
    let civilHour = CivilDate.daysSinceEpoch(year: year, month: month, day: day) * 24 + Int64(hour)
    let index = Int(truncatingIfNeeded: civilHour) & 255
    if cache[index].hour != civilHour {
      let (instant, offset) = zone.instant(year: year, month: month, day: day, hour: hour)
      cache[index] = (civilHour, civilHour * 3_600 - instant, Int(offset) / 60)
    }
    let seconds = civilHour * 3_600 - cache[index].shift + Int64(minute * 60 + second)
    return Timestamp(microseconds: seconds * 1_000_000 + Int64(microsecond), offsetMinutes: cache[index].offsetMinutes)
  }

  /// Microseconds from `.fff` at the 20th byte; 0 when the text ends before.
  private static func fraction(_ text: UnsafeBufferPointer<UInt8>) -> Int? {
    guard text.count > 19 else { return 0 }
    guard text[19] == UInt8(ascii: "."), 21...29 ~= text.count else { return nil }
    var value = 0
    for index in 20..<26 {
      guard index < text.count else {
        value *= 10
        continue
      }
      guard let digit = number(text, index, 1) else { return nil }
      value = value * 10 + digit
    }
    for index in 26..<max(26, text.count) where number(text, index, 1) == nil { return nil }
    return value
  }

  @inline(__always)
  private static func number(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ count: Int) -> Int? {
    var value = 0
    for index in start..<(start + count) {
      let digit = text[index] &- UInt8(ascii: "0")
      guard digit <= 9 else { return nil }
      value = value &* 10 &+ Int(digit)
    }
    return value
  }
}
