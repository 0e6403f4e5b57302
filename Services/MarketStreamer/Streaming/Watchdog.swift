import Core

/// When the silence of a feed is a fault: only the time in which its market is open counts.
struct Watchdog: Sendable {
  let calendar: NYSECalendar
  let hours: NYSECalendar.Hours
  /// How long the feed may say nothing.
  let limit: Duration

  /// From `now` until a feed that says nothing from then on is given up: it rests over nights, week-ends and holidays.
  /// - Parameter now: seconds since 1970.
  /// - Returns: nil when the next month has not as much trading.
  func patience(at now: Int64) -> Duration? {
    guard hours != .always else { return limit }
    var left = limit
    let today = calendar.day(of: now)
    for day in today...today + 31 {
      guard let session = calendar.session(on: day)?.range(hours), session.upperBound > now else { continue }
      let start = max(now, session.lowerBound)
      let open = Duration.seconds(session.upperBound - start)
      if left <= open { return .seconds(start - now) + left }
      left -= open
    }
    return nil
  }
}
