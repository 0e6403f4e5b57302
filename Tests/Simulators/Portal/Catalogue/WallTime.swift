import Core
import Foundation

/// A date and time of day in Israel, as price files and listings write them; no zone, no instant.
package struct WallTime: Hashable, Sendable, Comparable {
  /// Seconds since 1970-01-01 00:00:00 on the wall.
  package var seconds: Int

  package init(seconds: Int) { self.seconds = seconds }

  /// - Parameter day: `yyyy-mm-dd`.
  /// - Returns: nil unless it is a day that exists.
  package init?(day: String) {
    guard let date = CivilDate(day) else { return nil }
    seconds = Int(date.daysSinceEpoch) * 86_400
  }

  package init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
    let days = Int(CivilDate.daysSinceEpoch(year: year, month: month, day: day))
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
  }

  package var date: CivilDate { CivilDate(daysSinceEpoch: Int64(seconds).flooredDivision(by: 86_400).quotient) }

  package var time: (hour: Int, minute: Int, second: Int) {
    let rest = Int(Int64(seconds).flooredDivision(by: 86_400).remainder)
    return (rest / 3_600, rest / 60 % 60, rest % 60)
  }

  package static func < (left: Self, right: Self) -> Bool { left.seconds < right.seconds }
  package static func + (time: Self, seconds: Int) -> Self { Self(seconds: time.seconds + seconds) }

  /// Renders a pattern: `Y` four digits of the year, `M` month, `D` day, `h` hour, `m` minute, `s` second (two
  /// digits each); anything else stands for itself.
  package func text(_ pattern: String) -> String {
    let (date, time) = (date, time)
    var out = ""
    for character in pattern {
      switch character {
      case "Y": out += zeroPadded(date.year, 4)
      case "M": out += zeroPadded(date.month, 2)
      case "D": out += zeroPadded(date.day, 2)
      case "h": out += zeroPadded(time.hour, 2)
      case "m": out += zeroPadded(time.minute, 2)
      case "s": out += zeroPadded(time.second, 2)
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
}
