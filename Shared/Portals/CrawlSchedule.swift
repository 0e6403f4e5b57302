import Core

/// When and how fast a chain's portal is crawled. Nil means the program's default.
package struct CrawlSchedule: Hashable, Sendable {
  /// Time between two passes.
  package var interval: Duration?
  /// Shortest time between two requests to the portal's host.
  package var requestGap: Duration?
  /// Outside these hours the crawler sends no requests, and an empty listing is normal.
  package var activeHours: ActiveHours?

  package init(interval: Duration? = nil, requestGap: Duration? = nil, activeHours: ActiveHours? = nil) {
    self.interval = interval
    self.requestGap = requestGap
    self.activeHours = activeHours
  }
}

/// The hours of the day, Israel time, in which a portal shows its files.
package struct ActiveHours: Hashable, Sendable {
  /// Minutes since midnight; `end` is exclusive and may be 1,440. An end before the start is on the next day.
  package var start: Int
  package var end: Int
  /// Days of the week without files, 0 = Sunday.
  package var closedDays: Set<Int>

  package init(start: Int = 0, end: Int = 1_440, closedDays: Set<Int> = []) {
    self.start = start
    self.end = end
    self.closedDays = closedDays
  }

  /// - Parameter text: `08:00-24:00`; nil when it is not of that form.
  package init?(_ text: String, closedDays: Set<Int> = []) {
    guard let parts = text.wholeMatch(of: /(\d\d):([0-5]\d)-(\d\d):([0-5]\d)/)?.output,
      let startHour = Int(parts.1), let startMinute = Int(parts.2), let endHour = Int(parts.3),
      let endMinute = Int(parts.4)
    else { return nil }
    let (start, end) = (startHour * 60 + startMinute, endHour * 60 + endMinute)
    guard start != end, start < 1_440, end <= 1_440 else { return nil }
    self.init(start: start, end: end, closedDays: closedDays)
  }

  /// - Parameter localSeconds: Israel time as seconds since 1970, as if it were UTC.
  package func contains(localSeconds: Int64) -> Bool {
    let (day, second) = localSeconds.flooredDivision(by: 86_400)
    let minute = Int(second / 60)
    // 1 January 1970 was a Thursday.
    guard !closedDays.contains(Int((day + 4).flooredDivision(by: 7).remainder)) else { return false }
    return start < end ? (start..<end).contains(minute) : minute >= start || minute < end
  }

  static let dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
}
