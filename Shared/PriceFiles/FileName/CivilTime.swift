import Runtime

/// A calendar date without a zone; proleptic Gregorian.
package struct CivilDate: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let year: Int
  package let month: Int
  package let day: Int

  /// - Returns: nil for a day that does not exist (29 February 2025, a 13th month), or a year outside 1..9999.
  package init?(year: Int, month: Int, day: Int) {
    guard 1...9999 ~= year, 1...12 ~= month, 1...Self.days(in: month, of: year) ~= day else { return nil }
    (self.year, self.month, self.day) = (year, month, day)
  }

  package static func days(in month: Int, of year: Int) -> Int {
    switch month {
    case 4, 6, 9, 11: 30
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    default: 31
    }
  }

  /// Days since 1970-01-01.
  package var daysSinceEpoch: Int { Int(Runtime.daysSinceEpoch(year: year, month: month, day: day)) }

  package static func < (a: Self, b: Self) -> Bool {
    (a.year, a.month, a.day) < (b.year, b.month, b.day)
  }

  /// `2026-08-28`.
  package var description: String {
    "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }
}

/// A time of day on a wall clock, to the second.
package struct CivilTime: Hashable, Sendable, CustomStringConvertible {
  package let hour: Int
  package let minute: Int
  package let second: Int

  /// - Returns: nil outside 00:00:00...23:59:59.
  package init?(hour: Int, minute: Int, second: Int = 0) {
    guard 0...23 ~= hour, 0...59 ~= minute, 0...59 ~= second else { return nil }
    (self.hour, self.minute, self.second) = (hour, minute, second)
  }

  /// `03:00:00`.
  package var description: String { "\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))" }
}

func padded(_ value: Int, _ width: Int) -> String {
  let digits = String(value)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
