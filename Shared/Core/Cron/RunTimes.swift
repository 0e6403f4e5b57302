/// When the runs of a schedule are due: by a cron expression or every so often, at any time or in sessions of New York
/// only. Pure, once the time zones are read.
///
/// Of a session those runs are due that look back on trading: the first comes after the opening, the last at the close.
package struct RunTimes: Sendable {
  package enum Pace: Sendable {
    case cron(CronExpression, ZoneTable)
    /// At multiples of so many seconds since 1970.
    case every(Int64)
  }
  package let pace: Pace
  package let hours: NYSECalendar.Hours
  private let calendar: NYSECalendar?

  /// At any time.
  package init(_ pace: Pace) {
    self.pace = pace
    hours = .always
    calendar = nil
  }

  package init(_ pace: Pace, _ hours: NYSECalendar.Hours, of calendar: NYSECalendar) {
    self.pace = pace
    self.hours = hours
    self.calendar = hours == .always ? nil : calendar
  }

  /// The runs in `range`, ascending.
  /// - Parameter limit: most results; the earliest are returned.
  package func times(in range: Range<Int64>, limit: Int = .max) -> [Int64] {
    guard let calendar, !range.isEmpty else { return all(in: range, limit) }
    var times: [Int64] = []
    for day in calendar.day(of: range.lowerBound - 1)...calendar.day(of: range.upperBound) {
      guard let session = session(on: day, calendar) else { continue }
      let part = session.clamped(to: range)
      if !part.isEmpty { times += all(in: part, limit - times.count) }
      if times.count >= limit { break }
    }
    return times
  }

  /// The first run after `instant`; nil when there is none within ten years, or, in sessions, within two.
  package func next(after instant: Int64) -> Int64? {
    guard let calendar else {
      switch pace {
      case .cron(let cron, let zone): return cron.next(after: instant, zone: zone)
      case .every(let step): return (instant.flooredDivision(by: step).quotient + 1) * step
      }
    }
    let today = calendar.day(of: instant)
    for day in today...(today + 730) {
      guard let session = session(on: day, calendar), session.upperBound > instant + 1 else { continue }
      if let first = all(in: max(session.lowerBound, instant + 1)..<session.upperBound, 1).first { return first }
    }
    return nil
  }

  /// From the first second after the opening to the close.
  private func session(on day: Int64, _ calendar: NYSECalendar) -> Range<Int64>? {
    calendar.session(on: day).map { session in
      let range = session.range(hours)
      return (range.lowerBound + 1)..<(range.upperBound + 1)
    }
  }

  private func all(in range: Range<Int64>, _ limit: Int) -> [Int64] {
    switch pace {
    case .cron(let cron, let zone): return cron.times(in: range, zone: zone, limit: limit)
    case .every(let step):
      guard !range.isEmpty, limit > 0 else { return [] }
      let first = ((range.lowerBound - 1).flooredDivision(by: step).quotient + 1) * step
      var times = Array(stride(from: first, to: range.upperBound, by: Int64.Stride(step)).prefix(limit))
      times.removeAll { !range.contains($0) }
      return times
    }
  }
}

/// What to do with runs that were missed because no scheduler ran.
package enum MissedRuns: String, CaseIterable, Hashable, Sendable {
  /// Run the latest of them, up to the schedule's limit, oldest first.
  case catchUp = "catch_up"
  /// Run the latest one.
  case latest
  /// Run none.
  case skip
}
