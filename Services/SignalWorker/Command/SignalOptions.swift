import ArgumentParser
import Core
import Indicators
import Options
import Pipeline

/// What is computed, of which bars.
struct SignalOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "Indicators with their periods, of \(IndicatorSpec.Kind.allCases.map(\.rawValue).joined(separator: ", ")).",
    valueName: "list"))
  var indicators = IndicatorSet.standard.joined(separator: ",")

  @Option(parsing: .singleValue, help: ArgumentHelp(
    "A condition that is told on the bar on which it becomes true, like golden_cross=sma50>sma200: values, high, "
      + "low, close, volume or numbers, with >, >=, < or <=; repeatable (default: the table of the README).",
    valueName: "name=left>right"))
  var rule: [String] = []

  @Option(help: ArgumentHelp(
    "Earlier days that an hour of options flow, or of stories, is compared with; half of them have to be known.",
    valueName: "count"))
  var eventDays = 20

  @Option(parsing: .singleValue, help: ArgumentHelp(
    "A condition on the values of an hour of options flow, or of stories, that is told on the hour in which it becomes "
      + "true (repeatable; default: the table of the README).", valueName: "name=left>right"))
  var eventRule: [String] = []

  @Option(help: ArgumentHelp(
    "Bars to compute them for, made of minutes: 1m, 5m, 1h (at most 12h), and 1d for a session.", valueName: "list"))
  var intervals = "1m,5m,15m,1h,1d"

  @Option(help: """
    The minutes that count: of regular hours (9:30 to 16:00 in New York), of extended hours (4:00 to 20:00), or all; \
    bars and the volume-weighted average price count from their begin.
    """)
  var hours = NYSECalendar.Hours.regular

  @Option(help: ArgumentHelp(
    "A minute can be revised, or come late, as long as fewer later ones are known.", valueName: "minutes"))
  var revisable = 120

  @Option(parsing: .singleValue, help: ArgumentHelp(
    "Use the bars, and the options flow, of this feed only (repeatable); default: each feed has series of its own.",
    valueName: "name"))
  var onlyFeed: [String] = []

  @Option(help: ArgumentHelp(
    "A bar that begins later than it was known, by more than this, is refused.", valueName: "time"))
  var maxAhead = DurationSetting(.seconds(60))

  @Option(help: "Symbols; the records of further ones are refused.")
  var maxSymbols = 20_000

  @Option(help: "Signals that make a flush.")
  var flushSignals = 5_000

  @Option(help: ArgumentHelp(
    "Longest time a bar waits for others: with each flush the state of every changed symbol is written once.",
    valueName: "time"))
  var linger = DurationSetting(.milliseconds(100))

  func validate() throws {
    guard (1...10_000).contains(revisable) else { throw ValidationError("--revisable must be 1 to 10000") }
    guard maxSymbols > 0, flushSignals > 0 else {
      throw ValidationError("--max-symbols and --flush-signals must be above zero")
    }
    guard (10...120).contains(eventDays) else { throw ValidationError("--event-days must be 10 to 120") }
    do {
      _ = try set()
      _ = try bars()
      _ = try windows()
    } catch { throw ValidationError(error.message) }
  }

  var policy: FlushPolicy { FlushPolicy(rows: flushSignals, bytes: 16 << 20, linger: linger.duration) }

  private func set() throws(Failure) -> IndicatorSet {
    try IndicatorSet(
      indicators.split(separator: ",").map(String.init), rules: rule.isEmpty ? IndicatorSet.standardRules : rule)
  }

  private func bars() throws(Failure) -> [BarInterval] {
    var found: [BarInterval] = []
    for word in intervals.split(separator: ",") { found.append(try BarInterval(word)) }
    return found
  }

  /// - Throws: `Failure` of class configuration.
  func plan() throws(Failure) -> SignalPlan {
    try SignalPlan(
      set(), intervals: bars(), hours: hours, calendar: NYSECalendar(), revisable: revisable)
  }

  /// - Throws: `Failure` of class configuration.
  func windows() throws(Failure) -> WindowPlan {
    try WindowPlan(
      days: eventDays, rules: eventRule.isEmpty ? WindowPlan.standardRules : eventRule, hours: hours,
      calendar: NYSECalendar())
  }

  func settings(group: String) -> SignalSink.Settings {
    var settings = SignalSink.Settings(group: group)
    settings.feeds = Set(onlyFeed)
    settings.maxAhead = maxAhead.duration
    settings.maxSymbols = maxSymbols
    return settings
  }
}
