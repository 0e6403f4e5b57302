import Runtime

/// Civil times that are not exactly one instant happen once: one that clocks skip is due at the instant the skipped
/// time ends, together with whatever else is due then; one that clocks show twice is due the first time.
extension CronExpression {
  /// The instants in `range` at which the clock of `zone` shows one of the times, ascending, each once.
  /// - Parameter range: seconds since 1970.
  /// - Parameter limit: at most as many, the first ones.
  package func times(in range: Range<Int64>, zone: ZoneTable, limit: Int = .max) -> [Int64] {
    var times: [Int64] = []
    guard !range.isEmpty, limit > 0 else { return times }
    // Zones are less than a day from UTC, and skipped time shorter than that.
    var day = Self.day(range.lowerBound) - 1
    let last = Self.day(range.upperBound) + 1
    while day <= last {
      defer { day += 1 }
      guard fits(day: day) else { continue }
      for hour in 0..<24 where hours >> UInt64(hour) & 1 == 1 {
        for minute in 0..<60 where minutes >> UInt64(minute) & 1 == 1 {
          let instant = Self.instant(day * 86_400 + Int64(hour * 3_600 + minute * 60), day: day, zone: zone)
          // What was skipped falls on one instant, whichever civil time it was.
          guard range.contains(instant), times.last.map({ $0 < instant }) ?? true else { continue }
          times.append(instant)
          if times.count == limit { return times }
        }
      }
    }
    return times
  }

  /// The first instant after `instant`; nil when there is none in the ten years behind it.
  package func next(after instant: Int64, zone: ZoneTable) -> Int64? {
    var start = instant + 1
    // Nearly always found within days; a leap day may take eight years.
    for span in [2, 40, 400, 3_660] as [Int64] {
      let end = instant + span * 86_400
      if let next = times(in: start..<end, zone: zone, limit: 1).first { return next }
      start = end
    }
    return nil
  }

  private static func day(_ instant: Int64) -> Int64 {
    (instant >= 0 ? instant : instant - 86_399) / 86_400
  }

  /// - Parameter civil: what the clock shows, in seconds as if it were UTC.
  private static func instant(_ civil: Int64, day: Int64, zone: ZoneTable) -> Int64 {
    let date = CivilDate(daysSinceEpoch: day)
    let (instant, offset) = zone.instant(
      year: date.year, month: date.month, day: date.day, second: Int(civil - day * 86_400))
    let skipped = instant + Int64(offset) - civil
    guard skipped != 0 else { return instant }
    // The clock jumped over it: the jump is the first instant with the new offset, no further back than its length.
    var low = instant - skipped, high = instant
    while low < high {
      let middle = low + (high - low) / 2
      if zone.offsetSeconds(at: middle) == offset { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
