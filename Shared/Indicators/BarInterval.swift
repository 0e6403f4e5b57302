import Core

/// How long a bar is: a multiple of a minute up to hours, or a session.
package struct BarInterval: Hashable, Sendable, CustomStringConvertible {
  /// `1m`, `15m`, `1h`, `1d`.
  package let description: String
  /// Seconds; nil for a session.
  let length: Int64?

  package static let minute: Int64 = 60

  /// - Throws: `Failure(.configuration)`.
  package init(_ text: some StringProtocol) throws(Failure) {
    let units: [Character: Int64] = ["m": 60, "h": 3_600]
    description = String(text)
    if text == "1d" {
      length = nil
      return
    }
    guard let unit = text.last.flatMap({ units[$0] }), let number = Int64(text.dropLast()), number > 0,
      number * unit <= 12 * 3_600, String(number) == text.dropLast()
    else {
      throw Failure(
        .configuration, code: "invalid_interval", "'\(text)' is no interval: write 1m, 5m, 1h (at most 12h) or 1d")
    }
    length = number * unit
  }

  /// Minutes of the longest bar.
  func minutes(_ hours: NYSECalendar.Hours) -> Int {
    if let length { return Int(length / 60) }
    return switch hours {
    case .regular: 390
    case .extended: 960
    // A day of 25 hours.
    case .always: 1_500
    }
  }

  /// The bar that a minute belongs to.
  ///
  /// Bars count from the begin of the session, so the first one is whole and the last one of a session may be short:
  /// hourly bars of regular hours begin at 9:30, 10:30 and so on, the last one, at 15:30, is half an hour long, and
  /// half days end earlier. The bar of a session is named by midnight in New York, as providers name daily bars.
  @inline(__always)
  func span(of minute: Int64, in session: SessionClock.Session) -> BarSpan {
    guard let length else { return BarSpan(name: session.midnight, start: session.open, end: session.close) }
    let start = minute - (minute - session.open) % length
    return BarSpan(name: start, start: start, end: min(start + length, session.close))
  }
}

/// From when to when a bar lasts, and by what it is named; seconds since 1970, UTC.
struct BarSpan: Hashable {
  let name, start, end: Int64
}

/// Looks sessions up; remembers the last one, since minutes come in order.
package struct SessionClock: Sendable {
  package struct Session: Hashable, Sendable {
    /// Days since 1970-01-01, in New York.
    package let day: Int64
    /// Seconds since 1970, UTC.
    package let midnight, open, close: Int64
  }

  private let calendar: NYSECalendar
  private let hours: NYSECalendar.Hours
  private var known: Session?

  package init(_ calendar: NYSECalendar, _ hours: NYSECalendar.Hours) {
    self.calendar = calendar
    self.hours = hours
  }

  /// - Returns: nil outside the hours.
  package mutating func session(of instant: Int64) -> Session? {
    if let known, instant >= known.open, instant < known.close { return known }
    let day = calendar.day(of: instant)
    let (midnight, next) = (self.midnight(day), self.midnight(day + 1))
    var range = midnight..<next
    if hours != .always {
      guard let session = calendar.session(on: day) else { return nil }
      range = session.range(hours)
    }
    guard range.contains(instant) else { return nil }
    let session = Session(day: day, midnight: midnight, open: range.lowerBound, close: range.upperBound)
    known = session
    return session
  }

  private func midnight(_ day: Int64) -> Int64 {
    let date = CivilDate(daysSinceEpoch: day)
    return calendar.zone.instant(year: date.year, month: date.month, day: date.day).epochSeconds
  }
}
