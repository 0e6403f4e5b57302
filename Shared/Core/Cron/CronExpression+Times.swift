/// Local times that occur never or twice on a clock change run once: a skipped time is due when the skipped hour ends,
/// together with what else is due then; a repeated one is due the first time.
extension CronExpression {
  /// The instants in `range` that match on the clock of `zone`, ascending and distinct.
  /// - Parameter range: seconds since 1970.
  /// - Parameter limit: most results; the earliest are returned.
  package func times(in range: Range<Int64>, zone: ZoneTable, limit: Int = .max) -> [Int64] {
    var times: [Int64] = []
    guard !range.isEmpty, limit > 0 else { return times }
    // Offsets are below a day, and skipped spans are shorter than that.
    var day = range.lowerBound.flooredDivision(by: 86_400).quotient - 1
    let last = range.upperBound.flooredDivision(by: 86_400).quotient + 1
    while day <= last {
      defer { day += 1 }
      guard fits(day: day) else { continue }
      for hour in 0..<24 where hours >> UInt64(hour) & 1 == 1 {
        for minute in 0..<60 where minutes >> UInt64(minute) & 1 == 1 {
          let instant = Self.instant(day * 86_400 + Int64(hour * 3_600 + minute * 60), day: day, zone: zone)
          // Several skipped times fall on one instant.
          guard range.contains(instant), times.last.map({ $0 < instant }) ?? true else { continue }
          times.append(instant)
          if times.count == limit { return times }
        }
      }
    }
    return times
  }

  /// The first match after `instant`; nil when there is none within ten years.
  package func next(after instant: Int64, zone: ZoneTable) -> Int64? {
    var start = instant + 1
    // Usually found within days; a leap day may be eight years away.
    for span in [2, 40, 400, 3_660] as [Int64] {
      let end = instant + span * 86_400
      if let next = times(in: start..<end, zone: zone, limit: 1).first { return next }
      start = end
    }
    return nil
  }

  /// - Parameter civil: the clock's time in seconds, as if it were UTC.
  private static func instant(_ civil: Int64, day: Int64, zone: ZoneTable) -> Int64 {
    let date = CivilDate(daysSinceEpoch: day)
    let (instant, offset) = zone.instant(
      year: date.year, month: date.month, day: date.day, second: Int(civil - day * 86_400))
    let skipped = instant + Int64(offset) - civil
    guard skipped != 0 else { return instant }
    // The clock skipped it: find the first instant with the new offset, at most the skipped span back.
    var low = instant - skipped, high = instant
    while low < high {
      let middle = low + (high - low) / 2
      if zone.offsetSeconds(at: middle) == offset { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
