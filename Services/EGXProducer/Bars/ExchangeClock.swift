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
    guard Self.range.contains(bar.time), !(interval.isIntraday && bar.isDate) else { return nil }
    let instant = interval.isIntraday ? bar.time : start(ofDay: day(of: bar))
    let offset = Int64(zone.offsetSeconds(at: instant))
    let local = interval.isIntraday ? instant + offset : day(of: bar) * 86_400
    guard let datetime = LocalDateTime(microseconds: local * 1_000_000),
      let observed = Timestamp(microseconds: instant * 1_000_000, offsetMinutes: Int(offset / 60))
    else { return nil }
    return Stamp(datetime: datetime, observedAt: observed)
  }

  /// The trading date of an instant, in days since 1970-01-01.
  package func day(of instant: Int64) -> Int64 {
    (instant + Int64(zone.offsetSeconds(at: instant))).flooredDivision(by: 86_400).quotient
  }

  /// The trading date of a bar, in days since 1970-01-01.
  package func day(of bar: SourceBar) -> Int64 {
    bar.isDate ? bar.time.flooredDivision(by: 86_400).quotient : day(of: bar.time)
  }

  /// Distinguishes and orders the bars of one series: the opening in seconds since 1970; for bars of whole days,
  /// midnight UTC of the trading date.
  package func position(_ bar: SourceBar, _ interval: BarInterval) -> Int64 {
    interval.isIntraday ? bar.time : day(of: bar) * 86_400
  }

  /// The instant at which a date begins, in seconds since 1970.
  package func start(ofDay day: Int64) -> Int64 {
    let date = CivilDate(daysSinceEpoch: day)
    return zone.instant(year: date.year, month: date.month, day: date.day).epochSeconds
  }

  /// Within which arithmetic cannot overflow: the years 0001 to 9998, roughly.
  private static let range: ClosedRange<Int64> = -62_100_000_000...253_300_000_000
}
