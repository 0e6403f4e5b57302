import Core
import Values

/// Local time at the exchange, by the rules of its zone; the host's own zone has no influence.
package struct ExchangeClock: Sendable {
  package static let zoneIdentifier = "Africa/Cairo"
  package let zone: ZoneTable

  package init(zone: ZoneTable) { self.zone = zone }

  /// - Throws: `Failure(.configuration)` when the host has no zone database.
  package init(identifier: String = ExchangeClock.zoneIdentifier) throws(Failure) {
    zone = try ZoneTable(identifier: identifier)
  }

  package struct Stamp: Hashable, Sendable {
    /// What the clocks showed; midnight of the trading date for bars of whole days.
    package var datetime: LocalDateTime
    package var observedAt: Timestamp
  }

  /// - Returns: nil for a time outside the years 0000...9999, and for a date where a time of day is needed.
  package func stamp(_ bar: SourceBar, _ interval: BarInterval) -> Stamp? {
    guard Self.range.contains(bar.time) else { return nil }
    if interval.isIntraday {
      return bar.isDate ? nil : stamp(instant: bar.time)
    }
    return stamp(date: bar.isDate ? bar.time.flooredDivision(by: 86_400).quotient : day(of: bar.time))
  }

  /// The trading date of an instant, in days since 1970-01-01.
  package func day(of instant: Int64) -> Int64 {
    (instant + Int64(zone.offsetSeconds(at: instant))).flooredDivision(by: 86_400).quotient
  }

  /// What tells the bars of one series apart and puts them in order: the opening in seconds since 1970, of bars of
  /// whole days midnight UTC of the trading date.
  package func position(_ bar: SourceBar, _ interval: BarInterval) -> Int64 {
    if interval.isIntraday { return bar.time }
    return (bar.isDate ? bar.time.flooredDivision(by: 86_400).quotient : day(of: bar.time)) * 86_400
  }

  /// The instant at which a date begins, in seconds since 1970.
  package func start(ofDay day: Int64) -> Int64 {
    let date = CivilDate(daysSinceEpoch: day)
    return zone.instant(year: date.year, month: date.month, day: date.day).epochSeconds
  }

  private func stamp(instant: Int64) -> Stamp? {
    let offset = Int64(zone.offsetSeconds(at: instant))
    guard let local = LocalDateTime(microseconds: (instant + offset) * 1_000_000),
      let observed = Timestamp(microseconds: instant * 1_000_000, offsetMinutes: Int(offset / 60))
    else { return nil }
    return Stamp(datetime: local, observedAt: observed)
  }

  private func stamp(date day: Int64) -> Stamp? {
    let instant = start(ofDay: day)
    guard let local = LocalDateTime(microseconds: day * 86_400_000_000),
      let observed = Timestamp(
        microseconds: instant * 1_000_000, offsetMinutes: Int(zone.offsetSeconds(at: instant)) / 60)
    else { return nil }
    return Stamp(datetime: local, observedAt: observed)
  }

  /// Within which arithmetic cannot overflow: the years 0001 to 9998, roughly.
  private static let range: ClosedRange<Int64> = -62_100_000_000...253_300_000_000
}
