import ArgumentParser
import Catalogue
import Core
import Markets
import Messages
import Options
import Sentiment
import Values

/// The flags that are the fetcher's own.
struct FetchOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "Jobs worked on at the same time, those that wait for their turn at a provider included; the sources of the "
      + "catalogue say how many requests each may have in flight.", valueName: "count"))
  var concurrency = 1_024

  @Option(help: ArgumentHelp("Larger answers are refused.", valueName: "size"))
  var maxAnswerSize = ByteSize.mib(4)

  @Option(help: ArgumentHelp("JSON nested more deeply is refused.", valueName: "levels"))
  var maxAnswerDepth = 32

  @Option(help: ArgumentHelp(
    "Memory for answers that are kept to ask whether they still hold (ETag, Last-Modified); 0 keeps none.",
    valueName: "size"))
  var cacheSize = ByteSize.mib(32)

  @Option(help: ArgumentHelp("What a provider's clock may be ahead of ours.", valueName: "duration"))
  var clockTolerance = DurationSetting(.seconds(60))

  @Option(help: ArgumentHelp(
    "A price that is more than so many times the last one, or less than that part of it, is only taken when no other "
      + "provider has a nearer one, and flagged; 0 takes every price.", valueName: "factor"))
  var maxChange = 20

  @Flag(help: "Publish values again that have not changed.")
  var republish = false

  @Flag(help: "Leave out a value that is the same as the last one at a later time.")
  var onlyChanges = false

  @Option(help: ArgumentHelp("Failures in a row after which a provider is not asked for a while.", valueName: "count"))
  var breakerFailures = 5

  @Option(help: ArgumentHelp(
    "For how long, the first time; doubles while it goes on failing.", valueName: "duration"))
  var breakerOpen = DurationSetting(.seconds(5))

  @Option(help: ArgumentHelp("The longest such time.", valueName: "duration"))
  var breakerOpenMax = DurationSetting(.seconds(120))

  @Option(help: ArgumentHelp(
    "The longest a provider is left alone because it asks for it (Retry-After), or says \"too often\" again and again; "
      + "an hour when it names a quota of a day.", valueName: "duration"))
  var maxRetryAfter = DurationSetting(.seconds(300))

  func validate() throws {
    for (flag, value, range) in [
      ("--concurrency", concurrency, 1...16_384), ("--max-answer-depth", maxAnswerDepth, 1...512),
      ("--max-change", maxChange, 0...100), ("--breaker-failures", breakerFailures, 1...100_000),
      ("--max-answer-size", maxAnswerSize.bytes, 1...(1 << 30)), ("--cache-size", cacheSize.bytes, 0...(1 << 40)),
    ] where !range.contains(value) {
      throw ValidationError("\(flag) goes from \(range.lowerBound) to \(range.upperBound)")
    }
    guard breakerOpen.duration > .zero, breakerOpenMax.duration >= breakerOpen.duration else {
      throw ValidationError("--breaker-open must be above zero and not above --breaker-open-max")
    }
  }

  var providers: Provider.Settings {
    var settings = Provider.Settings()
    settings.limits = Provider.limits(maxAnswerBytes: maxAnswerSize.bytes)
    settings.json = JSONReader.Limits(maxBytes: maxAnswerSize.bytes, maxDepth: maxAnswerDepth)
    settings.gate.breaker = CircuitBreaker.Settings(
      threshold: breakerFailures, openFor: breakerOpen.duration, openAtMost: breakerOpenMax.duration)
    settings.gate.longestPause = maxRetryAfter.duration
    settings.tolerance = clockTolerance.duration
    return settings
  }

  var handler: FetchHandler.Settings {
    FetchHandler.Settings(republishes: republish, onlyChanges: onlyChanges)
  }
}

/// What a fetcher works on. Each kind has topics and a group of its own, so that each is scaled alone.
package enum FetcherKind: Hashable, Sendable, CaseIterable, ExpressibleByArgument {
  /// Prices and demands of materials.
  case commodities
  case market(FetchKind)

  package static let allCases = [.commodities] + FetchKind.allCases.map { Self.market($0) }

  package var name: String {
    switch self {
    case .commodities: "commodities"
    case .market(let kind): kind.rawValue
    }
  }
  var storesDocuments: Bool { if case .market(let kind) = self { kind.storesDocuments } else { false } }

  package init?(argument: String) {
    guard let kind = Self.allCases.first(where: { $0.name == argument }) else { return nil }
    self = kind
  }
  package static var allValueStrings: [String] { allCases.map(\.name) }
  package var defaultValueDescription: String { name }

  package var inputs: [Topic] {
    switch self {
    case .commodities: [Topics.ingestionTasks]
    case .market(let kind): [Topics.fetchTasks(of: kind)]
    }
  }
  package var outputs: [Topic] {
    switch self {
    case .commodities: Topics.commodityObservations
    case .market(let kind): Topics.fetched(by: kind)
    }
  }
  /// The consumer group, unless one is named.
  package var group: String { self == .commodities ? "fetcher" : "fetcher-\(name)" }
}

/// The flags of the kind, and of what is asked about it.
struct MarketOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "What this process works on: commodities (prices and demands of materials), or a kind of market data.",
    valueName: "kind"))
  var kind = FetcherKind.commodities

  @OptionGroup var sources: DataSourceOptions

  @Option(help: ArgumentHelp(
    "Companies and their symbols, in the form of the SEC's company_tickers.json: what news are asked about, and whom "
      + "posts mention; default: EDGAR's table once a fetcher of filings has kept it in Redis, until then some fifty "
      + "large ones.", valueName: "path"))
  var names: String?

  @Flag(help: "Ask each source of the kind once about --ticker, print what would be published, and stop.")
  var test = false

  @Option(help: ArgumentHelp("The symbols of a --test, separated by commas.", valueName: "list"))
  var ticker = "AAPL"

  @Option(help: ArgumentHelp("The only source of a --test.", valueName: "name"))
  var source: String?

  @Option(help: ArgumentHelp(
    "Largest document of --kind filings or transcripts; one is in memory for each task.", valueName: "size"))
  var maxDocumentSize = ByteSize.mib(64)

  @Option(help: ArgumentHelp(
    "How long no account can delete or change the bytes of a document, from when they are stored on, as 2557d: Object "
      + "Lock of S3 in compliance mode, or a locked policy of Azure (default: as the bucket or container says).",
    valueName: "time"))
  var objectLock: DurationSetting?

  func validate() throws {
    guard (objectLock?.duration ?? .seconds(1)) > .zero else { throw ValidationError("--object-lock is above zero") }
    if objectLock != nil, !kind.storesDocuments {
      throw ValidationError("--object-lock goes with a --kind that stores documents")
    }
    guard kind == .commodities else { return }
    if test { throw ValidationError("--test goes with a --kind of market data") }
    if names != nil { throw ValidationError("--names goes with a --kind of market data") }
    if sources.dataSources != nil { throw ValidationError("--data-sources goes with a --kind of market data") }
  }

  /// - Throws: a configuration `Failure` that names the file.
  func companies() throws(Failure) -> CompanyNames {
    if let names { return try CompanyNames(file: names) }
    return .large
  }
}
