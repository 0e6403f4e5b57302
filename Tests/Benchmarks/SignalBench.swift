import ArgumentParser
import Core
import Foundation
import Indicators
import LocalServers
import TestSupport

/// `souk-bench signals`: bars per second and core through the indicators of signal-worker.
struct SignalBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "signals", abstract: "Compute the default indicators and rules, beside TA-Lib.",
    discussion: """
      One series takes bars with all default indicators and rules; then the minutes of 100 symbols are taken into \
      series of 1m, 5m, 15m, 1h and 1d; then a minute is revised again and again; then states are written and read. \
      TA-Lib does the same bars in one pass over arrays, and as a live program does: the last 250 bars of a pandas \
      frame anew for each bar. All rates are of CPU time, of one core.
      """)

  @Option(help: "Bars of the series.")
  var bars = 400_000

  func validate() throws {
    guard (10_000...10_000_000).contains(bars) else { throw ValidationError("--bars must be 10,000 to 10,000,000") }
  }

  func run() async throws {
    let set = try IndicatorSet(IndicatorSet.standard, rules: IndicatorSet.standardRules)
    let series = Self.walk(bars)
    print("\(set.outputs.count) values and \(set.rules.count) rules of each bar")
    report("one series", best {
      var (state, fired) = (IndicatorSeries(set, revisable: 120), 0)
      for bar in series { state.take(bar, session: bar.start / 86_400) { fired += $0.fired.nonzeroBitCount } }
      return (state.count, fired)
    }, "bars/s")
    let plan = try SignalPlan(
      set, intervals: ["1m", "5m", "15m", "1h", "1d"].map { try BarInterval($0) }, hours: .regular,
      calendar: NYSECalendar(), revisable: 120)
    let minutes = Self.session(plan.calendar, Self.walk(390 * 5))
    var symbols: [SymbolSeries] = []
    report("100 symbols, five intervals", best {
      symbols = (0..<100).map { _ in SymbolSeries(plan) }
      var (clock, reports) = (plan.clock, 0)
      for minute in minutes {
        for symbol in symbols.indices {
          _ = symbols[symbol].take(minute, knownNs: 1, &clock) { _, _ in reports += 1 }
        }
      }
      return (minutes.count * symbols.count, reports)
    }, "minutes/s")
    // Beyond the rounds of this measurement: what was known earlier changes nothing.
    var known: Int64 = 1
    report("a minute revised, ten behind the last", best {
      var (clock, reports, minute) = (plan.clock, 0, minutes[minutes.count - 11])
      for round in 0..<20_000 {
        minute.close = minute.low + (minute.high - minute.low) * Double(round % 2)
        known += 1
        _ = symbols[0].take(minute, knownNs: known, &clock) { _, _ in reports += 1 }
      }
      return (20_000, reports)
    }, "revisions/s")
    let state = symbols[1].encoded()
    report("states of \(state.count) bytes written", best {
      (1_000, (0..<1_000).reduce(0) { $0 + symbols[1 + $1 % 9].encoded().count })
    }, "states/s")
    report("states read", best {
      (1_000, (0..<1_000).reduce(0) { sum, _ in sum + ((try? SymbolSeries(plan, decoding: state))?.series.count ?? 0) })
    }, "states/s")
    try await withTemporaryDirectory { folder in
      let file = "\(folder)/bars.txt"
      try series.map { "\($0.high) \($0.low) \($0.close) \($0.volume)" }.joined(separator: "\n")
        .write(toFile: file, atomically: false, encoding: .utf8)
      let python = try Program.require(
        "python3", in: Program.environmentFolders, package: "python3-venv, and ta-lib from PyPI")
      let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "signals_talib.py").path
      let output = try await ChildProcess.runOrThrow(Launch(python, [script, file]), atMost: .seconds(600))
      let rates = output.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
      guard rates.count == 3 else { throw Failure(.fatal, code: "unreadable", "signals_talib.py printed \(output)") }
      report("TA-Lib, one pass over arrays, without rules", rates[0], "bars/s")
      report("TA-Lib and pandas, the last 250 bars for each bar", rates[1], "bars/s")
    }
  }

  private func report(_ what: String, _ rate: Double, _ unit: String) { print("\(what): \(Int(rate)) \(unit)") }

  /// The best of three rounds, things per second of CPU time.
  /// - Parameter body: returns how many things it did, and a number that depends on all of them.
  private func best(_ body: () -> (count: Int, check: Int)) -> Double {
    var best = 0.0
    for _ in 0..<3 {
      let clock = CPUClock()
      let (count, check) = body()
      precondition(check >= 0)
      best = max(best, Double(count) / clock.seconds)
    }
    return best
  }

  /// Bars whose prices have two decimals, minute by minute.
  private static func walk(_ count: Int) -> [IndicatorBar] {
    var random = TestRandom("signals")
    var cents = 10_000
    return (0..<count).map { index in
      cents = max(1_000, cents + Int.random(in: -10...10, using: &random))
      return IndicatorBar(
        start: Int64(index) * 60, high: Double(cents + Int.random(in: 0...8, using: &random)) / 100,
        low: Double(cents - Int.random(in: 0...8, using: &random)) / 100, close: Double(cents) / 100,
        volume: Double(Int.random(in: 0...9_999, using: &random)))
    }
  }

  /// The bars at the minutes of sessions from 1 December 2025 on.
  private static func session(_ calendar: NYSECalendar, _ bars: [IndicatorBar]) -> [IndicatorBar] {
    var (placed, day): ([IndicatorBar], Int64) = ([], 20_423)
    while placed.count < bars.count {
      if let session = calendar.session(on: day) {
        for start in stride(from: session.open, to: session.close, by: 60) where placed.count < bars.count {
          var bar = bars[placed.count]
          bar.start = start
          placed.append(bar)
        }
      }
      day += 1
    }
    return placed
  }
}
