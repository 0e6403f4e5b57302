import Foundation

/// A wall-clock time in Israel, as price files and listings write it; no zone, no instant.
package struct CivilTime: Hashable, Sendable, Comparable {
  /// Seconds since 1970-01-01 00:00:00 on the wall.
  package var seconds: Int

  package init(seconds: Int) { self.seconds = seconds }

  /// - Parameter day: `yyyy-mm-dd`.
  /// - Returns: nil unless it is a day that exists.
  package init?(day: String) {
    let parts = day.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].utf8.count == 4, parts[1].utf8.count == 2, parts[2].utf8.count == 2,
      let year = Int(parts[0]), let month = Int(parts[1]), let dayOfMonth = Int(parts[2])
    else { return nil }
    self.init(year: year, month: month, day: dayOfMonth)
    guard self.date == (year, month, dayOfMonth) else { return nil }
  }

  /// Days from a civil date: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
  package init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
  }

  /// The inverse of the above, from the same source.
  package var date: (year: Int, month: Int, day: Int) {
    let days = Int((Double(seconds) / 86_400).rounded(.down)) + 719_468
    let era = (days >= 0 ? days : days - 146_096) / 146_097
    let dayOfEra = days - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
  }

  package var time: (hour: Int, minute: Int, second: Int) {
    let rest = ((seconds % 86_400) + 86_400) % 86_400
    return (rest / 3_600, rest / 60 % 60, rest % 60)
  }

  package static func < (left: Self, right: Self) -> Bool { left.seconds < right.seconds }
  package static func + (time: Self, seconds: Int) -> Self { Self(seconds: time.seconds + seconds) }

  /// Renders a pattern: `Y` four digits of the year, `M` month, `D` day, `h` hour, `m` minute, `s` second (two
  /// digits each); anything else stands for itself.
  package func text(_ pattern: String) -> String {
    let (year, month, day) = date
    let (hour, minute, second) = time
    var out = ""
    for character in pattern {
      switch character {
      case "Y": out += Self.padded(year, 4)
      case "M": out += Self.padded(month, 2)
      case "D": out += Self.padded(day, 2)
      case "h": out += Self.padded(hour, 2)
      case "m": out += Self.padded(minute, 2)
      case "s": out += Self.padded(second, 2)
      default: out.append(character)
      }
    }
    return out
  }

  /// The instant in seconds since 1970 UTC, by the rules of Asia/Jerusalem. A time that occurs twice (the hour
  /// after summer time ends) is the earlier of the two.
  package var secondsSince1970: Int {
    guard let zone = TimeZone(identifier: "Asia/Jerusalem") else { return seconds - 7_200 }
    var guess = seconds - 10_800
    for _ in 0..<2 {
      guess = seconds - zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(guess)))
    }
    return guess
  }

  static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
