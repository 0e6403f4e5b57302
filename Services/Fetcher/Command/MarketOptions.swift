import ArgumentParser
import Catalogue
import Core
import Core
import Markets
import Options
import Sentiment
import Values

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
package struct MarketOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "What this process works on: commodities (prices and demands of materials), or a kind of market data.",
    valueName: "kind"))
  package var kind = FetcherKind.commodities

  @OptionGroup package var sources: DataSourceOptions

  @Option(help: ArgumentHelp(
    "Companies and their symbols, in the form of the SEC's company_tickers.json: what news are asked about, and whom "
      + "posts mention; default: EDGAR's table once a fetcher of filings has kept it in Redis, until then some fifty "
      + "large ones.", valueName: "path"))
  package var names: String?

  @Flag(help: "Ask each source of the kind once about --ticker, print what would be published, and stop.")
  package var test = false

  @Option(help: ArgumentHelp("The symbols of a --test, separated by commas.", valueName: "list"))
  package var ticker = "AAPL"

  @Option(help: ArgumentHelp("The only source of a --test.", valueName: "name"))
  package var source: String?

  @Option(help: ArgumentHelp(
    "Largest document of --kind filings or transcripts; one is in memory for each task.", valueName: "size"))
  package var maxDocumentSize = ByteSize.mib(64)

  @Option(help: ArgumentHelp(
    "How long no account can delete or change the bytes of a document, from when they are stored on, as 2557d: Object "
      + "Lock of S3 in compliance mode, or a locked policy of Azure (default: as the bucket or container says).",
    valueName: "time"))
  package var objectLock: DurationSetting?

  package init() {}

  package func validate() throws {
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
