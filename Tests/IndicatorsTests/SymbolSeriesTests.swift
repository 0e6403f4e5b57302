import Core
@testable import Indicators
import Testing
import TestSupport

/// What comes out depends on the minutes alone: not on where the series was interrupted, nor on the order they came in.
@Suite(.timeLimit(.minutes(15))) struct SymbolSeriesTests {
  /// The last report of each bar, bit for bit.
  struct Bar: Hashable {
    var interval: Int
    var start: Int64
  }
  struct Values: Hashable {
    var ordinal: Int
    var bits: [UInt64]
    var fired: UInt64
  }
  typealias Reports = [Bar: Values]

  static func plan(
    _ intervals: [String] = ["1m", "5m", "1h", "1d"], _ hours: NYSECalendar.Hours = .regular, revisable: Int = 40,
    indicators: [String] = IndicatorSet.standard, rules: [String] = IndicatorSet.standardRules
  ) throws -> SignalPlan {
    try SignalPlan(
      IndicatorSet(indicators, rules: rules), intervals: intervals.map { try BarInterval($0) }, hours: hours,
      calendar: NYSECalendar(), revisable: revisable)
  }

  static func take(
    _ minutes: some Sequence<IndicatorBar>, _ series: inout SymbolSeries, _ reports: inout Reports, knownNs: Int64 = 0
  ) -> [SymbolSeries.Outcome] {
    var clock = series.plan.clock
    return minutes.map { minute in
      series.take(minute, knownNs: knownNs, &clock) { interval, row in
        reports[Bar(interval: interval, start: row.start)] = Values(
          ordinal: row.ordinal, bits: row.values.map(\.bitPattern), fired: row.fired)
      }
    }
  }

  /// Minutes of some sessions around a half day, the change of clocks and a holiday; not every minute has a bar.
  static func minutes(
    _ random: inout TestRandom, from day: String = "2025-10-30", days: Int = 6, _ calendar: NYSECalendar
  ) throws -> [IndicatorBar] {
    let first = try #require(CivilDate(day)).daysSinceEpoch
    var minutes: [IndicatorBar] = []
    var price = 100.0
    for day in first..<(first + Int64(days)) {
      guard let session = calendar.session(on: day) else { continue }
      for start in stride(from: session.open, to: session.close, by: 60) {
        if Int.random(in: 0..<12, using: &random) == 0 { continue }
        price = max(1, price + Double(Int.random(in: -40...40, using: &random)) / 100)
        minutes.append(Self.minute(start, price, &random))
      }
    }
    return minutes
  }

  static func minute(_ start: Int64, _ price: Double, _ random: inout TestRandom) -> IndicatorBar {
    let cents = (price * 100).rounded()
    func away() -> Double { Double(Int.random(in: 0...20, using: &random)) }
    return IndicatorBar(
      start: start, high: (cents + away()) / 100, low: (cents - away()) / 100, close: cents / 100,
      volume: Double(Int.random(in: 0...9_000, using: &random)))
  }

  @Test(arguments: 0..<4) func aSplitAnywhereIsNoSplit(_ seed: Int) throws {
    var random = TestRandom("split \(seed)")
    let plan = try Self.plan()
    let minutes = try Self.minutes(&random, plan.calendar)
    var (whole, reports) = (SymbolSeries(plan), Reports())
    _ = Self.take(minutes, &whole, &reports)
    // At each of many points, several in one run, the state goes through its bytes.
    var cuts = Set((0..<40).map { _ in Int.random(in: 0...minutes.count, using: &random) })
    cuts.formUnion(0..<4)
    var (split, parts, from) = (SymbolSeries(plan), Reports(), 0)
    for cut in cuts.sorted() + [minutes.count] {
      _ = Self.take(minutes[from..<cut], &split, &parts)
      let bytes = split.encoded()
      split = try SymbolSeries(plan, decoding: bytes)
      #expect(split.isContinued && split.encoded() == bytes, "a state is not what it was made from")
      from = cut
    }
    #expect(parts == reports)
    #expect(split.encoded() == whole.encoded())
    #expect(reports.keys.count { $0.interval == 0 } == minutes.count)
  }

  @Test(arguments: 0..<6) func lateAndRevisedMinutesGiveWhatOnePassGives(_ seed: Int) throws {
    var random = TestRandom("revisions \(seed)")
    let plan = try Self.plan(revisable: 40)
    let final = try Self.minutes(&random, plan.calendar)
    var (once, truth) = (SymbolSeries(plan), Reports())
    _ = Self.take(final, &once, &truth)
    // Some come later, some come wrong first; every so often the state goes through its bytes.
    var late: [(after: Int, IndicatorBar)] = []
    var (series, reports) = (SymbolSeries(plan), Reports())
    for (index, minute) in final.enumerated() {
      let kind = Int.random(in: 0..<10, using: &random)
      if kind == 0 {
        late.append((index + Int.random(in: 1..<35, using: &random), minute))
      } else if kind == 1 {
        let wrong = Self.minute(minute.start, minute.close + 3, &random)
        #expect(Self.take([wrong], &series, &reports) == [.appended])
        late.append((index + Int.random(in: 0..<35, using: &random), minute))
      } else {
        #expect(Self.take([minute], &series, &reports) == [.appended])
      }
      for entry in late where entry.after <= index || index == final.count - 1 {
        let outcome = Self.take([entry.1], &series, &reports, knownNs: 5)[0]
        #expect(outcome != .tooOld && outcome != .outsideHours)
      }
      late.removeAll { $0.after <= index }
      if kind == 2 { series = try SymbolSeries(plan, decoding: series.encoded()) }
    }
    #expect(reports == truth)
  }

  @Test func whatIsTooOldChangesNothingAndRepeatsAreKnown() throws {
    var random = TestRandom("too old")
    let plan = try Self.plan(revisable: 20)
    let minutes = try Self.minutes(&random, days: 1, plan.calendar)
    var (series, reports) = (SymbolSeries(plan), Reports())
    _ = Self.take(minutes, &series, &reports, knownNs: 10)
    let before = series.encoded()
    var old = minutes[minutes.count - 21]
    old.close += 0.01
    old.high += 0.02
    #expect(Self.take([old], &series, &reports, knownNs: 11) == [.tooOld])
    var young = minutes[minutes.count - 20]
    young.volume += 1
    // A version that was known before what is there, and what is there.
    #expect(Self.take([young], &series, &reports, knownNs: 9) == [.unchanged])
    #expect(Self.take(minutes.suffix(30), &series, &reports, knownNs: 10).allSatisfy { $0 == .unchanged })
    #expect(series.encoded() == before)
    #expect(Self.take([young], &series, &reports, knownNs: 10) == [.revised])
    #expect(series.encoded() != before)
    var night = young
    night.start -= 20 * 3_600
    #expect(Self.take([night], &series, &reports) == [.outsideHours])
  }

  /// By hand: what each bar is made of, and by what it is named.
  @Test func barsCountFromTheBeginOfTheSession() throws {
    // 28 November 2025 is a half day, and its clocks are five hours behind UTC; 31 October is a whole one with four.
    for (day, open, close, hours) in [("2025-11-28", 14.5, 18.0, 4), ("2025-10-31", 13.5, 20.0, 7)] {
      let plan = try Self.plan(["5m", "1h", "1d"], indicators: ["obv"], rules: [])
      let midnight = try #require(CivilDate(day)).daysSinceEpoch * 86_400
      let first = midnight + Int64(open * 3_600)
      var (series, reports) = (SymbolSeries(plan), Reports())
      let minutes = stride(from: first, to: midnight + Int64(close * 3_600), by: 60).map {
        IndicatorBar(start: $0, high: 2, low: 1, close: 2, volume: 1)
      }
      _ = Self.take(minutes, &series, &reports)
      // All are complete with the last minute.
      #expect(reports.keys.count { $0.interval == 0 } == minutes.count / 5)
      let hourly = (0..<hours).map { first + Int64($0) * 3_600 }
      #expect(reports.keys.filter { $0.interval == 1 }.map(\.start).sorted() == hourly)
      let zone = plan.calendar.zone.offsetSeconds(at: first)
      #expect(reports.keys.filter { $0.interval == 2 }.map(\.start) == [midnight - Int64(zone)])
      // The volume of the day, all of it.
      let last = reports[Bar(interval: 2, start: midnight - Int64(zone))]
      #expect(last?.bits == [Double(minutes.count).bitPattern])
    }
  }

  @Test func aBarWithoutItsLastMinuteIsCompleteWithTheNextOne() throws {
    let plan = try Self.plan(["5m"], .always, indicators: ["obv"], rules: [])
    var (series, reports) = (SymbolSeries(plan), Reports())
    func bar(_ minute: Int64) -> IndicatorBar {
      IndicatorBar(start: 1_764_547_200 + minute * 60, high: 2, low: 1, close: 2, volume: 1)
    }
    _ = Self.take([bar(0), bar(1), bar(3)], &series, &reports)
    #expect(reports.isEmpty)
    _ = Self.take([bar(7)], &series, &reports)
    #expect(reports.values.map(\.bits) == [[Double(3).bitPattern]])
    // Late, in a complete bar and in an open one.
    _ = Self.take([bar(2), bar(6)], &series, &reports)
    #expect(reports.values.map(\.bits) == [[Double(4).bitPattern]])
  }

  @Test func otherIndicatorsBeginAnewWithTheBarsThatThereAre() throws {
    var random = TestRandom("other indicators")
    let plan = try Self.plan()
    let minutes = try Self.minutes(&random, days: 1, plan.calendar)
    var (series, reports) = (SymbolSeries(plan), Reports())
    _ = Self.take(minutes, &series, &reports)
    let other = try Self.plan(["1m", "15m"], indicators: ["sma5", "obv"], rules: [])
    let changed = try SymbolSeries(other, decoding: series.encoded())
    #expect(!changed.isContinued)
    #expect(changed.series[0].count > 100 && changed.series[1].count == 0)
    let mean = minutes.suffix(5).reduce(0) { $0 + $1.close } / 5
    #expect(abs((changed.series[0].values.first ?? .nan) - mean) < 1e-9)
    let hours = try SymbolSeries(try Self.plan(.init(["1m"]), .extended), decoding: series.encoded())
    #expect(!hours.isContinued && hours.series[0].count == 0)
  }

  /// Cut off anywhere or with a byte changed it is refused or read: it takes no process down.
  @Test func damagedStatesAreRefused() throws {
    var random = TestRandom("damage")
    let plan = try Self.plan(["1m", "5m"], revisable: 16, indicators: ["sma20", "mfi14", "stoch"], rules: [])
    var (series, reports) = (SymbolSeries(plan), Reports())
    _ = Self.take(try Self.minutes(&random, days: 1, plan.calendar).prefix(150), &series, &reports)
    let bytes = series.encoded()
    for end in 0..<bytes.count {
      #expect(throws: StateError.self) { try SymbolSeries(plan, decoding: Array(bytes[..<end])) }
    }
    for _ in 0..<3_000 {
      var damaged = bytes
      damaged[Int.random(in: 0..<bytes.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
      if let read = try? SymbolSeries(plan, decoding: damaged) { _ = read.encoded() }
    }
    var later = bytes
    later[0] = 4
    #expect(throws: StateError.self) { try SymbolSeries(plan, decoding: later) }
  }
}
