import ArgumentParser
import Core
import Options

/// The flags about when to ask and what to repeat.
package struct PollOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Latest bars asked for at every poll.", valueName: "count"))
  package var nBars = 10

  @Option(help: ArgumentHelp(
    "Time from one poll to the next, such as 5m; a bare number is seconds.", valueName: "duration"))
  package var pollInterval = PollInterval(.seconds(300))

  @Flag(help: "Poll once and exit.")
  package var once = false

  @Flag(help: "Keep the connection to TradingView open and publish bars as they change.")
  package var live = false

  @Flag(help: "Do not exit at the end of a recording or a --once poll; wait for the signal to stop.")
  package var stay = false

  @Flag(help: "Publish bars again that have not changed.")
  package var republish = false

  @Flag(help: "Poll also when the exchange is closed.")
  package var always = false

  @Option(help: ArgumentHelp("Days without trading.", valueName: "2026-01-07,..."))
  package var holidays: String?

  @Option(help: ArgumentHelp("File of such days, one per line.", valueName: "path"))
  package var holidaysFile: String?

  @Option(help: ArgumentHelp("How long polling goes on after the close, in minutes.", valueName: "minutes"))
  package var afterClose = 20

  @Option(help: ArgumentHelp(
    "File that remembers what was published, so that a restart repeats nothing. (default: memory)",
    valueName: "path"))
  package var state: String?

  @Option(help: ArgumentHelp("Bars of a symbol that are remembered; at least --n-bars.", valueName: "count"))
  package var rememberBars = 1_024

  package init() {}

  /// Of the memory of one symbol: a bar that is asked for and not remembered would never be published as changed.
  package var memory: Int { max(rememberBars, nBars) }

  package func validate() throws {
    for (flag, value) in [("--n-bars", nBars), ("--remember-bars", rememberBars)] where value < 1 {
      throw ValidationError("\(flag) must be 1 or more")
    }
    if afterClose < 0 { throw ValidationError("--after-close must be 0 or more") }
    if pollInterval.duration < .seconds(1) { throw ValidationError("--poll-interval must be 1s or more") }
  }

  package func barState(_ source: SourceOptions) -> BarState? {
    state.map { path in
      BarState(
        path: path.hasPrefix("file://") ? String(path.dropFirst(7)) : path, interval: source.interval,
        closeOnly: !source.intradayCandles)
    }
  }

  /// Nil: at all hours.
  /// - Throws: `Failure(.configuration)` for a day that is none.
  package func calendar(_ clock: ExchangeClock) throws(Failure) -> TradingCalendar? {
    var days: Set<Int64> = []
    for text in (holidays ?? "").split(separator: ",") {
      guard let day = CivilDate(text.filter { $0 != " " })?.daysSinceEpoch else {
        throw Failure(.configuration, code: "bad_holiday", "--holidays: '\(text)' is not a date such as 2026-01-07")
      }
      days.insert(day)
    }
    if let holidaysFile {
      days.formUnion(try TradingCalendar.holidays(
        String(decoding: try readFile(holidaysFile), as: UTF8.self), path: holidaysFile))
    }
    return always ? nil : TradingCalendar(clock: clock, holidays: days, afterClose: afterClose)
  }
}

/// A length of time with its unit, or a bare number of seconds, as users of the older producer write it.
package struct PollInterval: ExpressibleByArgument, Hashable, Sendable {
  package var duration: Duration

  package init(_ duration: Duration) { self.duration = duration }

  package init?(argument: String) {
    if let setting = DurationSetting(text: argument) {
      duration = setting.duration
    } else if let seconds = Int64(argument), (0...1_000_000_000).contains(seconds) {
      duration = .seconds(seconds)
    } else {
      return nil
    }
  }

  package var defaultValueDescription: String { "\(DurationSetting(duration))" }
}
