import Core

/// A time of day on a wall clock, to the second.
package struct TimeOfDay: Hashable, Sendable, CustomStringConvertible {
  package let hour: Int
  package let minute: Int
  package let second: Int

  /// - Returns: nil outside 00:00:00...23:59:59.
  package init?(hour: Int, minute: Int, second: Int = 0) {
    guard 0...23 ~= hour, 0...59 ~= minute, 0...59 ~= second else { return nil }
    (self.hour, self.minute, self.second) = (hour, minute, second)
  }

  package var secondsSinceMidnight: Int { hour * 3600 + minute * 60 + second }

  /// `03:00:00`.
  package var description: String { "\(zeroPadded(hour, 2)):\(zeroPadded(minute, 2)):\(zeroPadded(second, 2))" }
}
