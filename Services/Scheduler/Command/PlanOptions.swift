import ArgumentParser
import Catalogue
import Commodities
import Core
import Markets
import Options

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
package struct PlanOptions: ParsableArguments {
  @Option(help: "What is scheduled: prices and demands of materials by --catalogue, or market data by the other files.")
  package var kind = SchedulerKind.commodities

  @OptionGroup package var markets: CommodityOptions

  @Option(help: ArgumentHelp(
    "File of stock symbols, one a line, as any provider writes them; what follows # or the first blank is passed over.",
    valueName: "path"))
  package var tickersFile: String?

  @Option(help: ArgumentHelp("The symbols without --tickers-file, separated by commas.", valueName: "list"))
  package var tickers = "AAPL,MSFT,NVDA,SPY"

  @Option(help: ArgumentHelp(
    "YAML file of what is asked of which source when; without it minute bars of all tickers in regular hours, of the "
      + "first source that has them.", valueName: "path"))
  package var schedules: String?

  @OptionGroup package var sources: DataSourceOptions

  package init() {}

  package func validate() throws {
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
  package struct Loaded: Sendable {
    package var plan: SchedulePlan
    /// `24 series`, `100 tickers`.
    package var subjects: String
    package var catalogue: MarketCatalogue?
  }

  /// - Throws: a configuration `Failure` naming file and line.
  package func load() throws(Failure) -> Loaded {
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
  package func affordable(at now: Int64) throws(Failure) -> Loaded {
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
