import ArgumentParser
import Catalogue
import Commodities
import Core
import Markets
import Options
import Values

/// What a scheduler works for. Each has a lease of its own, and its tasks have topics of their own.
package enum SchedulerKind: String, CaseIterable, ExpressibleByArgument, Sendable {
  /// Prices and demands of materials.
  case commodities
  /// Market data.
  case markets

  package var lease: Topic { self == .commodities ? Topics.schedulerLease : Topics.marketSchedulerLease }
  package var outputs: [Topic] { self == .commodities ? [Topics.ingestionTasks] : Topics.fetchTasks }
  /// The consumer group, unless one is named.
  package var group: String { self == .commodities ? "scheduler" : "scheduler-markets" }
}

/// The flags of what is to be fetched when.
struct PlanOptions: ParsableArguments {
  @Option(help: "What is scheduled: prices and demands of materials by --catalogue, or market data by the other files.")
  var kind = SchedulerKind.commodities

  @OptionGroup var markets: CommodityOptions

  @Option(help: ArgumentHelp(
    "File of stock symbols, one a line, as any provider writes them; what follows # or the first blank is passed over.",
    valueName: "path"))
  var tickersFile: String?

  @Option(help: ArgumentHelp("The symbols without --tickers-file, separated by commas.", valueName: "list"))
  var tickers = "AAPL,MSFT,NVDA,SPY"

  @Option(help: ArgumentHelp(
    "YAML file of what is asked of which source when; without it minute bars of all tickers in regular hours, of the "
      + "first source that has them.", valueName: "path"))
  var schedules: String?

  @OptionGroup var sources: DataSourceOptions

  func validate() throws {
    let given = [
      ("--tickers-file", tickersFile), ("--schedules", schedules), ("--data-sources", sources.dataSources),
    ].filter { $0.1 != nil }.map(\.0)
    if kind == .commodities, let first = given.first {
      throw ValidationError("\(first) goes with --kind markets")
    }
    if kind == .markets, markets.catalogue != nil {
      throw ValidationError("--catalogue goes with --kind commodities")
    }
  }

  /// A plan, what it is about, and of market data what it costs.
  struct Loaded: Sendable {
    var plan: SchedulePlan
    /// `24 series`, `100 tickers`.
    var subjects: String
    var catalogue: MarketCatalogue?
  }

  /// - Throws: a configuration `Failure` naming file and line.
  func load() throws(Failure) -> Loaded {
    switch kind {
    case .commodities:
      let catalogue = try CommodityCatalogue.load(file: markets.catalogue)
      return Loaded(plan: try SchedulePlan(catalogue), subjects: "\(catalogue.series.count) series")
    case .markets:
      let symbols: [String]
      if let tickersFile {
        symbols = try Tickers.load(file: tickersFile)
      } else {
        symbols = try Tickers.list(tickers, flag: "--tickers")
      }
      let catalogue = try MarketCatalogue(tickers: symbols, sources: sources.dataSources, schedules: schedules)
      return Loaded(
        plan: SchedulePlan(catalogue), subjects: "\(symbols.count) tickers", catalogue: catalogue)
    }
  }

  /// The plan, when its sources can pay for every day of the week that follows.
  /// - Parameter now: seconds since 1970.
  /// - Throws: a configuration `Failure` with the arithmetic.
  func affordable(at now: Int64) throws(Failure) -> Loaded {
    let loaded = try load()
    if let catalogue = loaded.catalogue {
      try PlanCost(catalogue, in: now..<(now + 7 * 86_400)).require()
    }
    return loaded
  }
}

extension PlanCost {
  /// - Throws: a configuration `Failure` with the arithmetic when a source cannot pay.
  package func require() throws(Failure) {
    guard !refusals.isEmpty else { return }
    throw Failure(
      .configuration, code: "plan_unaffordable", refusals.map(\.description).joined(separator: "\n"))
  }
}

/// The flags that are the scheduler's own.
struct SchedulingOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "Jobs that are acknowledged and committed together; a crash repeats at most so many.", valueName: "count"))
  var jobBatch = 1_000

  @Option(help: "A run that is later than this was missed, and its schedule says what becomes of it.")
  var missedAfter = DurationSetting(.seconds(300))

  @Option(help: "First retry delay after an outage; doubles with full jitter.")
  var retryBase = DurationSetting(.milliseconds(100))

  @Option(help: "Longest retry delay. Retries never end.")
  var retryCap = DurationSetting(.seconds(30))

  func validate() throws {
    guard (1...100_000).contains(jobBatch) else { throw ValidationError("--job-batch has to be from 1 to 100000") }
    guard missedAfter.duration >= .seconds(1) else { throw ValidationError("--missed-after has to be 1s or more") }
    guard retryBase.duration > .zero, retryCap.duration >= retryBase.duration else {
      throw ValidationError("--retry-base has to be above zero and not above --retry-cap")
    }
  }

  var settings: Scheduler.Settings {
    var settings = Scheduler.Settings()
    settings.batch = jobBatch
    settings.grace = missedAfter.duration
    settings.backoff = Backoff(base: retryBase.duration, cap: retryCap.duration)
    return settings
  }
}

/// A point in time on the command line: RFC 3339, or a date, which is its midnight in UTC.
package struct TimeArgument: ExpressibleByArgument, Hashable, Sendable {
  /// Since 1970.
  package var seconds: Int64

  package init(seconds: Int64) { self.seconds = seconds }

  package init?(argument: String) {
    guard let time = Timestamp(argument) ?? Timestamp(argument + "T00:00:00Z"),
      time.microseconds % 1_000_000 == 0
    else { return nil }
    seconds = time.microseconds / 1_000_000
  }
}

/// From when to when.
struct TimeSpan: ParsableArguments {
  @Option(help: ArgumentHelp("First due time.", valueName: "2026-03-01|2026-03-01T06:00:00Z"))
  var from: TimeArgument

  @Option(help: ArgumentHelp("End of the due times, itself not among them.", valueName: "2026-03-02"))
  var to: TimeArgument

  func validate() throws {
    guard from.seconds < to.seconds else { throw ValidationError("--from has to be before --to") }
    guard to.seconds - from.seconds <= 400 * 86_400 else {
      throw ValidationError("--from and --to are more than 400 days apart")
    }
  }

  var range: Range<Int64> { from.seconds..<to.seconds }
}
