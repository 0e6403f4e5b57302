import Core
import Markets
import Messages
import ServiceKit
import Values

/// What a plan of market data asks of its sources, against what their accounts allow. Pure.
///
/// A task is one request: answers with several pages are those of back-fills. Limits of a day are compared with the
/// requests of one day of the provider's; the others with a queue that is worked off at the limit's rate, in which a
/// request has to have its turn before its deadline, or else before the schedule's next run.
package struct PlanCost: Sendable {
  /// One schedule's share of one day.
  package struct Share: Hashable, Sendable {
    package var schedule: String
    package var subject: String
    package var symbols: Int
    /// Requests of one run.
    package var calls: Int
    package var runs: Int
    package var total: Int { calls * runs }
    /// Seconds from the first run of the day to the last.
    package var span: Int64
  }

  /// Why a source cannot pay, and what it could.
  package struct Refusal: Hashable, Sendable, CustomStringConvertible {
    package var source: String
    package var lines: [String]
    package var description: String { lines.joined(separator: "\n") }
  }

  /// By source, in the order of the catalogue: what it is asked for on the busiest day of the span.
  package let shares: [(source: DataSource, day: CivilDate, shares: [Share])]
  package let refusals: [Refusal]

  /// - Parameter range: days that begin in it are looked at, and the one that it begins in; seconds since 1970.
  /// - Throws: a configuration `Failure` for an unknown time zone.
  package init(_ catalogue: MarketCatalogue, in range: Range<Int64>) throws(Failure) {
    var shares: [(source: DataSource, day: CivilDate, shares: [Share])] = []
    var refusals: [Refusal] = []
    for source in catalogue.sources {
      let own = catalogue.schedules.filter { $0.source.name == source.name }
      guard !own.isEmpty else { continue }
      let zone = try ZoneTable(identifier: source.limits.zone)
      var busiest: (day: Int64, shares: [Share], range: Range<Int64>)?
      var day = Self.day(of: range.lowerBound, zone)
      while true {
        let whole = Self.start(of: day, zone)..<Self.start(of: day + 1, zone)
        guard whole.lowerBound < range.upperBound else { break }
        let some = own.map { Self.share(of: $0, in: whole) }
        if some.reduce(0, { $0 + $1.total }) > busiest?.shares.reduce(0, { $0 + $1.total }) ?? -1 {
          busiest = (day, some, whole)
        }
        day += 1
      }
      guard let busiest else { continue }
      let date = CivilDate(daysSinceEpoch: busiest.day)
      shares.append((source, date, busiest.shares))
      if let refusal = Self.daily(source, date, busiest.shares) { refusals.append(refusal) }
      for limit in source.limits.limits where !limit.isDaily {
        if let refusal = Self.paced(source, limit, own, busiest.range) { refusals.append(refusal) }
      }
    }
    (self.shares, self.refusals) = (shares, refusals)
  }

  private static func day(of instant: Int64, _ zone: ZoneTable) -> Int64 {
    (instant + Int64(zone.offsetSeconds(at: instant))).flooredDivision(by: 86_400).quotient
  }

  private static func start(of day: Int64, _ zone: ZoneTable) -> Int64 {
    let date = CivilDate(daysSinceEpoch: day)
    return zone.instant(year: date.year, month: date.month, day: date.day).epochSeconds
  }

  private static func share(of schedule: MarketSchedule, in day: Range<Int64>) -> Share {
    let runs = schedule.times.times(in: day)
    return Share(
      schedule: schedule.name, subject: schedule.subject, symbols: schedule.symbols.count,
      calls: schedule.tasks.count, runs: runs.count, span: (runs.last ?? 0) - (runs.first ?? 0))
  }

  // MARK: - the day

  private static func daily(_ source: DataSource, _ date: CivilDate, _ shares: [Share]) -> Refusal? {
    guard let limit = source.limits.daily else { return nil }
    let total = shares.reduce(0) { $0 + $1.total }
    guard total > limit.count else { return nil }
    var lines = ["\(source.name) cannot pay for \(date): \(grouped(total)) calls a day against \(grouped(limit.count))"]
    for share in shares where share.total > 0 {
      let what = share.symbols == 0 ? "" : "\(grouped(share.symbols)) \(share.symbols == 1 ? "ticker" : "tickers"), "
      lines.append(
        "  \(share.schedule): \(what)\(grouped(share.calls)) \(share.calls == 1 ? "call" : "calls") "
          + "x \(grouped(share.runs)) runs = \(grouped(share.total)) calls of \(share.subject)")
    }
    // What is left for the greatest of them when the others are paid.
    if let greatest = shares.max(by: { $0.total < $1.total }) {
      let left = max(0, limit.count - (total - greatest.total))
      lines.append("  what would fit: \(fits(greatest, left, total).joined(separator: "; or "))")
    }
    return Refusal(source: source.name, lines: lines)
  }

  private static func fits(_ share: Share, _ left: Int, _ total: Int) -> [String] {
    var fits: [String] = []
    let size = max(1, (share.symbols + share.calls - 1) / max(1, share.calls))
    let tickers = min(share.symbols, left / max(1, share.runs) * size)
    if tickers > 0 { fits.append("\(grouped(tickers)) of the tickers at this pace") }
    // All of them less often; else one of them.
    let isForAll = left >= share.calls
    let runs = isForAll ? left / max(1, share.calls) : left
    if runs > 0, share.runs > 1 {
      // From the first run to the last there is one gap fewer than runs.
      let gap = runs == 1 ? "once a day" : "every \(DurationSetting(.seconds(pace(share.span, runs))))"
      let isOne = !isForAll || share.symbols == 1
      let who = share.symbols == 0 ? "" : isOne ? "1 ticker " : "all \(grouped(share.symbols)) tickers "
      fits.append("\(who)\(gap)")
    }
    return fits + ["a plan of the provider's with \(grouped(total)) calls a day (rate: \(total)/d)"]
  }

  /// Seconds between so many runs over a span, in whole minutes.
  private static func pace(_ span: Int64, _ runs: Int) -> Int64 {
    let seconds = (span + Int64(runs) - 2) / max(1, Int64(runs) - 1)
    return max(60, (seconds + 59) / 60 * 60)
  }

  // MARK: - shorter periods

  private static func paced(
    _ source: DataSource, _ limit: RateLimit, _ schedules: [MarketSchedule], _ day: Range<Int64>
  ) -> Refusal? {
    var due: [(at: Int64, calls: Int, by: Int64, schedule: MarketSchedule)] = []
    for schedule in schedules {
      let runs = schedule.times.times(in: day)
      for (place, run) in runs.enumerated() {
        let next = place + 1 < runs.count ? runs[place + 1] - run : 86_400
        // Those of a run are due over its spread: the whole of it is a little later than the middle.
        let patience = (schedule.deadline?.components.seconds ?? next) + schedule.spread.components.seconds
        let at = run + schedule.delay.components.seconds
        due.append((at, schedule.tasks.count, at + patience, schedule))
      }
    }
    due.sort { $0.at < $1.at }
    let rate = Double(limit.count) / (limit.interval / .seconds(1))
    var backlog = 0.0, last = Int64.min
    for one in due {
      if last > .min { backlog = max(0, backlog - Double(one.at - last) * rate) }
      last = one.at
      backlog += Double(one.calls)
      let wait = max(0, backlog - Double(limit.burst)) / rate
      guard Double(one.at) + wait > Double(one.by) + 1e-3 else { continue }
      let share = Self.share(of: one.schedule, in: day)
      let tickers = one.schedule.symbols.count
      let allowed = Double(one.by - one.at)
      // The pace at which the greatest schedule alone is worked off.
      let seconds = Int64((Double(share.calls) / rate - 1e-6).rounded(.up))
      let size = max(1, (tickers + share.calls - 1) / max(1, share.calls))
      let runGap = share.runs > 1 ? Double(share.span) / Double(share.runs - 1) : 86_400
      let fitting = min(tickers, Int(min(allowed, runGap) * rate + 1e-6) * size)
      var fits: [String] = []
      if fitting > 0, fitting < tickers { fits.append("\(grouped(fitting)) of the tickers at this pace") }
      let pace = DurationSetting(.seconds(max(60, (seconds + 59) / 60 * 60)))
      if share.runs > 1 { fits.append("all of them every \(pace)") }
      let needed = Int((Double(share.calls) / min(allowed, runGap) * 60 - 1e-6).rounded(.up))
      fits.append("a plan of the provider's with \(grouped(needed)) calls a minute (rate: \(needed)/m)")
      return Refusal(source: source.name, lines: [
        "\(source.name) cannot keep up: \(limit.text) allows \(number(rate * 60)) calls a minute",
        "  \(one.schedule.name): \(grouped(share.calls)) calls a run (\(one.schedule.pace)); those of the run at "
          + "\(SchedulePlan.timestamp(one.at)) have their turn \(DurationSetting(.seconds(Int64(wait.rounded(.up))))) "
          + "later, and are of use for \(DurationSetting(.seconds(Int64(allowed))))",
        "  what would fit: \(fits.joined(separator: "; or "))",
      ])
    }
    return nil
  }

  // MARK: - text

  /// What it costs, one line for each schedule.
  package var lines: [String] {
    shares.flatMap { source, day, shares in
      let total = shares.reduce(0) { $0 + $1.total }
      let budget = source.limits.daily.map { " of \(grouped($0.count))" } ?? ""
      let limits = source.limits.limits.map(\.text).joined(separator: ", ")
      return [
        "\(source.name): \(grouped(total)) calls\(budget) on \(day), the busiest day "
          + "(\(limits.isEmpty ? "no limit" : limits))"
      ] + shares.map { share in
        let (calls, runs, total) = (grouped(share.calls), grouped(share.runs), grouped(share.total))
        return "  \(share.schedule): \(calls) x \(runs) runs = \(total) calls of \(share.subject)"
      }
    }
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() ? grouped(Int(value)) : "\((value * 10).rounded() / 10)"
  }
}
