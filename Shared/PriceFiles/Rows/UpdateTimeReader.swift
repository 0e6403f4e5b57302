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

/// Dates and hours of promotions. They have no zone and are Israel local.
///
/// Accepts the forms of ``UpdateTimeReader``, `31/12/2025` as in store files, and `May 22 2015`, alone or with a
/// 12-hour time (`May 22 2015  3:04AM`). A time without AM or PM, as one chain truncates it, is ignored.
struct PromotionTimes {
  private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

  /// - Parameters:
  ///   - hour: `HH:mm` or `HH:mm:ss`; used when the date has no time, or midnight.
  ///   - endsDay: a date alone means the last second of its day instead of the first.
  /// - Returns: nil without a readable date.
  static func instant(
    _ date: UnsafeBufferPointer<UInt8>, hour: UnsafeBufferPointer<UInt8>, endsDay: Bool = false,
    times: inout UpdateTimeReader
  ) -> Timestamp? {
    guard !date.isEmpty else { return nil }
    var day: [UInt8]
    var time: [UInt8] = []
    if let named = namedMonth(date) {
      (day, time) = named
    } else {
      day = Array(date.prefix(10))
      if day.count == 10, day[2] == UInt8(ascii: "/"), day[5] == UInt8(ascii: "/") {
        day = day[6...] + [UInt8(ascii: "-")] + day[3..<5] + [UInt8(ascii: "-")] + day[..<2]
      }
      time = Array(date.dropFirst(11))
    }
    let isMidnight = time.allSatisfy { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
    if isMidnight, let hour = clock(hour) { time = hour }
    if time.isEmpty, endsDay { time = Array("23:59:59".utf8) }
    if !time.isEmpty {
      let joined = day + [UInt8(ascii: " ")] + time
      if let read = joined.withUnsafeBufferPointer({ times.read($0) }) { return read }
    }
    return day.withUnsafeBufferPointer { times.read($0) }
  }

  /// `3:04` as `03:04`; nil for anything else.
  private static func clock(_ hour: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    guard let colon = hour.firstIndex(of: UInt8(ascii: ":")), 1...2 ~= colon else { return nil }
    return colon == 1 ? [UInt8(ascii: "0")] + Array(hour) : Array(hour)
  }

  /// `May 22 2015  3:04AM` as `2015-05-22` and `03:04`; nil for any other form.
  private static func namedMonth(_ text: UnsafeBufferPointer<UInt8>) -> (day: [UInt8], time: [UInt8])? {
    let parts = text.split(separator: UInt8(ascii: " ")).map { Array($0) }
    guard parts.count >= 3, parts[0].count == 3, 1...2 ~= parts[1].count, parts[2].count == 4,
      let month = months.firstIndex(where: { $0.utf8.elementsEqual(parts[0].map { $0 | 0x20 }) })
    else { return nil }
    let day = parts[2] + Array("-\(zeroPadded(month + 1, 2))-".utf8) + (parts[1].count == 1 ? [0x30] : []) + parts[1]
    guard parts.count == 4, parts[3].count >= 6 else { return (day, []) }
    let suffix = String(decoding: parts[3].suffix(2), as: UTF8.self).lowercased()
    guard suffix == "am" || suffix == "pm",
      let colon = parts[3].firstIndex(of: UInt8(ascii: ":")),
      let hour = Int(String(decoding: parts[3][..<colon], as: UTF8.self)), 1...12 ~= hour
    else { return (day, []) }
    let full = hour % 12 + (suffix == "pm" ? 12 : 0)
    return (day, Array(zeroPadded(full, 2).utf8) + parts[3][colon...].dropLast(2))
  }
}
