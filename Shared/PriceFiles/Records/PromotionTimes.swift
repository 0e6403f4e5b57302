import Core
import Values

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
