// swift-tools-version:6.2
import PackageDescription

// Souk: one package, one folder per concern. Arrows point down only:
//   Services -> Pipeline -> Kafka and the sinks -> Messages -> Values -> Core
// `system`, `library` and `service` below are the only three kinds of target besides tests. What a target depends on
// is what its files import; `make check` enforces both (Tests/Architecture/arrows.py).

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
]

/// The modules of other packages, and the package that each is a product of.
let products: [String: String] = [
  "ArgumentParser": "swift-argument-parser",
  "CoreMetrics": "swift-metrics",
  "HummingbirdCore": "hummingbird",
  "Logging": "swift-log",
  "Metrics": "swift-metrics",
  "NIOCore": "swift-nio",
  "NIOEmbedded": "swift-nio",
  "NIOHTTP1": "swift-nio",
  "NIOPosix": "swift-nio",
  "NIOSSL": "swift-nio-ssl",
  "NIOWebSocket": "swift-nio",
  "ServiceLifecycle": "swift-service-lifecycle",
  "Subprocess": "swift-subprocess",
  "SystemPackage": "swift-system",
  "UnixSignals": "swift-service-lifecycle",
  "Yams": "Yams",
]

/// Reads lines such as `name: word word`.
func lists(_ text: String) -> [String: [String]] {
  Dictionary(uniqueKeysWithValues: text.split(separator: "\n").map { line in
    let words = line.split(separator: " ").map(String.init)
    return (String(words[0].dropLast()), Array(words.dropFirst()))
  })
}

// begin imports: written by Tests/Architecture/arrows.py --write
let imports = lists("""
  AWSCredentials: Core HTML HTTP ObjectStore Values
  ArchiverService: Archiving ArgumentParser Catalogue Compression Core Kafka KafkaFlags Logging Messages Metrics \
    ObjectStore ObjectStoreFlags Options Pipeline Redis RedisFlags ServiceKit Values
  ArchiverTests: ArchiverService Archiving ArgumentParser Catalogue Core Kafka KafkaFlags LocalServers Logging \
    Messages ObjectStore Pipeline TestSupport Values
  Archiving: ArgumentParser CZstd Catalogue Compression Core Feeds Kafka Logging Messages Metrics ObjectStore Options \
    Pipeline ServiceKit Values
  BatchService: ArgumentParser Catalogue Core Kafka KafkaFlags LocalServers Logging Messages Metrics ObjectStoreFlags \
    Options Pipeline ServiceKit
  BatchTests: ArgumentParser BatchService Catalogue Core Kafka KafkaFlags Lake LocalServers Logging Messages \
    ModelRegistry ObjectStore ObjectStoreFlags TestSupport Values
  Budgets: Core Redis
  BudgetsTests: Budgets Core LocalServers Redis TestSupport
  CSV: Values
  CSVTests: CSV TestSupport Values
  Catalogue: Values
  CatalogueTests: Catalogue Messages TestSupport Values
  Commodities: CSV Core Messages StrictYAML Values
  CommoditiesTests: Commodities Core Messages StrictYAML TestSupport Values
  Compression: CIsal CZlib
  Core: COpenSSL Logging
  CoreTests: Core TestSupport Values
  CrawlerService: ArgumentParser Catalogue Core HTML HTTP HTTPFlags Kafka KafkaFlags Logging Messages Metrics Options \
    Pipeline Portals PriceFiles Redis RedisFlags ServiceKit ServiceState Values
  CrawlerTests: ArgumentParser Catalogue Core CrawlerService HTML HTTP Kafka KafkaFlags LocalServers Logging Messages \
    Pipeline PortalSimulator Portals PriceFiles Redis ServiceKit ServiceState TestSupport Values
  DBWriterService: ArgumentParser CMalloc Catalogue Core Kafka KafkaFlags Logging Messages Metrics Options Pipeline \
    Postgres PostgresFlags ServiceKit Values
  DBWriterTests: ArgumentParser Catalogue Core DBWriterService Kafka KafkaFlags LocalServers Logging Masters Messages \
    Pipeline Postgres TestSupport Values
  DeployTests: ArgumentParser Catalogue Core KafkaFlags LocalServers Reference SoukService TestSupport Yams
  DocumentWorkerService: ArgumentParser Catalogue Core Documents Embedding EmbeddingFlags Kafka KafkaFlags Logging \
    Messages Metrics ObjectStore ObjectStoreFlags Options Pipeline ServiceKit
  DocumentWorkerTests: ArgumentParser Catalogue Core EdgarSimulator Kafka KafkaFlags LocalServers Logging Messages \
    Redis Sentiment TestSupport Values
  Documents: Core Messages
  DocumentsTests: Documents
  DownloaderService: ArgumentParser Catalogue Core HTTP HTTPFlags Kafka KafkaFlags Logging Messages Metrics \
    ObjectStore ObjectStoreFlags Options Pipeline Portals ServiceKit Values
  DownloaderTests: ArgumentParser Catalogue Core DownloaderService HTTP HTTPFlags Kafka KafkaFlags LocalServers \
    Logging Messages ObjectStore ObjectStoreFlags Pipeline Portals ServiceKit TestSupport Values
  EGXProducerService: ArgumentParser CSV Catalogue Core HTTP HTTPFlags Kafka KafkaFlags Logging Messages Metrics \
    Options Pipeline ServiceKit Values WebSocket
  EGXProducerTests: ArgumentParser CSV Catalogue Core EGXProducerService HTTP HTTPFlags Kafka KafkaFlags LocalServers \
    Logging Messages ServiceKit TestSupport TradingViewSimulator Values WebSocket
  EdgarSimulator: Core HummingbirdCore LocalServers NIOCore SimulatorServer
  Embedding: Core Tensors
  EmbeddingFlags: ArgumentParser Core Embedding
  EmbeddingTests: Core Embedding LocalServers TestSupport
  FaultTests: ArgumentParser Catalogue Core Forecasting Kafka KafkaFlags LocalServers Logging Messages ModelRegistry \
    ObjectStore PortalSimulator Redis Routing TestSupport Values
  FeatureFlags: ArgumentParser Core Features
  Features: Core Messages StrictYAML Values
  FeaturesTests: Core Features LocalServers Messages Redis TestSupport Values
  FeedHTTP: Core Feeds HTTP
  FeedSimulator: Core Feeds Messages NIOCore NIOHTTP1 NIOPosix NIOWebSocket SimulatorServer Values
  Feeds: Core Messages Values
  FeedsTests: Core Feeds Messages Values
  FetcherService: ArgumentParser Budgets CSV Catalogue Commodities Core FeedHTTP Feeds HTTP HTTPFlags Kafka KafkaFlags \
    Logging Markets Messages Metrics ObjectStore ObjectStoreFlags Options Pipeline Redis RedisFlags Sentiment \
    ServiceKit Values
  FetcherTests: ArgumentParser Budgets Catalogue Commodities Core EdgarSimulator FeedSimulator Feeds FetcherService \
    HTTP Kafka KafkaFlags LocalServers Logging Markets Messages NewsSimulator ObjectStore Pipeline ProviderSimulator \
    Redis ServiceKit TestSupport Values
  Forecasting: CXGBoost Core Tensors Values
  ForecastingTests: Core Forecasting LocalServers Tensors TestSupport Values
  GatewayAPI: Core HTTP
  GatewayService: Archiving ArgumentParser Budgets Catalogue Compression Core CoreMetrics EmbeddingFlags Feeds HTTP \
    Influx InfluxFlags Kafka KafkaFlags Lake LocalServers Logging Markets Messages Metrics ObjectStore \
    ObjectStoreFlags Operations Options Postgres PostgresFlags Redis RedisFlags Routing SearchStore ServiceKit \
    StrictYAML Values
  GatewayTests: Archiving ArgumentParser Catalogue Compression Core DBWriterService Embedding Feeds GatewayAPI \
    GatewayService HTTP Influx Kafka KafkaFlags LocalServers Logging Messages ObjectStore ObjectStoreFlags Operations \
    Postgres Redis SearchStore ServiceKit TestSupport Values
  HTML: CXML2 Core
  HTMLTests: Core HTML
  HTTP: CCurl Core
  HTTPFlags: ArgumentParser Core HTTP Options
  HTTPTests: CCurl Core HTTP LocalServers TestSupport
  HotWriterService: ArgumentParser Catalogue Core Embedding EmbeddingFlags FeatureFlags Features Kafka KafkaFlags \
    Messages Metrics Options Pipeline Redis RedisFlags SearchStore ServiceKit Values
  HotWriterTests: ArgumentParser Catalogue Core Embedding Features HotWriterService Kafka KafkaFlags LocalServers \
    Logging Messages Pipeline Redis SearchStore Sentiment SentimentWorkerService TestSupport Values
  Indicators: Core
  IndicatorsTests: Core Indicators TestSupport
  InferenceWorkerService: ArgumentParser Catalogue Core Forecasting Kafka KafkaFlags Logging Messages Metrics \
    ModelRegistry ObjectStore ObjectStoreFlags Options Pipeline Routing ServiceKit Values
  InferenceWorkerTests: ArgumentParser Catalogue Core Forecasting InferenceWorkerService Kafka KafkaFlags LocalServers \
    Logging Messages ModelRegistry ObjectStoreFlags Pipeline Routing TestSupport Values
  Influx: Compression Core HTTP
  InfluxConsumerService: ArgumentParser Catalogue Core Influx InfluxFlags Kafka KafkaFlags Messages Metrics Options \
    Pipeline ServiceKit Values
  InfluxConsumerTests: ArgumentParser Catalogue Core Influx InfluxConsumerService Kafka KafkaFlags LocalServers \
    Logging TestSupport Values
  InfluxFlags: ArgumentParser Core HTTP Influx Options
  IntegrationTests: ArgumentParser Catalogue Commodities Core CrawlerService EGXProducerService Forecasting HTTP \
    InfluxConsumerService Kafka KafkaFlags LocalServers Logging Messages ModelRegistry NIOCore ObjectStore \
    PortalSimulator Postgres PriceFiles ProviderSimulator Routing S3ConsumerService ServiceKit SimulatorServer \
    SoukService TestSupport Values
  Kafka: CRdKafka Core CoreMetrics Logging
  KafkaFlags: ArgumentParser Core Kafka Logging Options
  KafkaTests: ArgumentParser Core Kafka KafkaFlags LocalServers Logging TestSupport
  Lake: Core Messages ObjectStore
  LocalServers: Core HTTP Subprocess SystemPackage
  MarketStreamerService: ArgumentParser Catalogue Core CoreMetrics FeedHTTP Feeds HTTP HTTPFlags Kafka KafkaFlags \
    Logging Messages Metrics Options Pipeline Redis RedisFlags ServiceKit Values WebSocket
  MarketStreamerTests: ArgumentParser Catalogue Core FeedSimulator Feeds Kafka KafkaFlags LocalServers Logging \
    MarketStreamerService Messages TestSupport Values
  Markets: Core Feeds Messages StrictYAML Values
  MarketsTests: Core Feeds Markets TestSupport Values
  Masters: Core Forecasting Messages Values
  MastersTests: Forecasting Masters Messages TestSupport Values
  Messages: Catalogue Core Values
  MessagesTests: Core Messages Routing TestSupport Values
  ModelRegistry: Core Forecasting Logging ObjectStore
  ModelRegistryTests: ArgumentParser Core Forecasting LocalServers Logging ModelRegistry ObjectStore ObjectStoreFlags \
    TestSupport Values
  MonitoringTests: ArgumentParser Catalogue Core Kafka KafkaFlags LocalServers Logging Messages Reference TestSupport \
    Yams
  NewsSimulator: Core HummingbirdCore LocalServers NIOCore SimulatorServer
  ObjectStore: Core HTML HTTP
  ObjectStoreFlags: AWSCredentials ArgumentParser Core HTTP ObjectStore Options
  ObjectStoreTests: AWSCredentials ArgumentParser Core HTML HTTP LocalServers ObjectStore ObjectStoreFlags TestSupport
  Operations: ArgumentParser Catalogue Core HTTP Kafka KafkaFlags LocalServers Logging Messages Pipeline ServiceKit \
    Values
  Options: ArgumentParser Core
  OptionsDetectorService: ArgumentParser Catalogue Core Feeds Kafka KafkaFlags Logging Messages Metrics Options \
    Pipeline ServiceKit Values
  OptionsDetectorTests: ArgumentParser Catalogue Core FeedSimulator Feeds Kafka KafkaFlags LocalServers Logging \
    Messages OptionsDetectorService Pipeline TestSupport Values
  ParserService: ArgumentParser Catalogue Core Forecasting Kafka KafkaFlags Logging Masters Messages Metrics \
    ModelRegistry ObjectStore ObjectStoreFlags Options Pipeline PriceFiles Redis RedisFlags ServiceKit ServiceState \
    Values
  ParserTests: ArgumentParser Catalogue Compression Core Kafka KafkaFlags LocalServers Logging Masters Messages \
    ModelRegistry ObjectStore ObjectStoreFlags ParserService Pipeline PriceFiles ServiceKit ServiceState TestSupport \
    Values
  Pipeline: ArgumentParser Catalogue Core Kafka KafkaFlags Logging Messages Metrics Options ServiceKit Values
  PipelineTests: ArgumentParser Catalogue Core Kafka KafkaFlags Logging Options Pipeline ServiceKit TestSupport Values
  PortalSimulator: CZlib Compression Core HummingbirdCore NIOCore SimulatorServer
  Portals: Core HTML HTTP StrictYAML
  PortalsTests: Core HTTP Portals TestSupport
  Postgres: CPQ Core
  PostgresFlags: ArgumentParser Core Options Postgres
  PostgresTests: ArgumentParser Core LocalServers Postgres PostgresFlags TestSupport
  PriceFiles: CZlib Compression Core Messages Values
  PriceFilesTests: CZlib Compression Core PriceFiles TestSupport Values
  ProviderSimulator: Core HummingbirdCore NIOCore SimulatorServer Values
  Redis: CHiredis COpenSSL Core Metrics
  RedisFlags: ArgumentParser Core Options Redis
  RedisTests: ArgumentParser Core LocalServers Redis RedisFlags TestSupport
  Reference: Catalogue Core LocalServers Values
  ReferenceTests: Catalogue Core LocalServers Reference TestSupport
  Routing: Catalogue Values
  S3ConsumerService: Archiving ArgumentParser Catalogue Core KafkaFlags Messages ObjectStore ObjectStoreFlags Pipeline \
    ServiceKit Values
  S3ConsumerTests: Archiving ArgumentParser CZstd Catalogue Core Kafka KafkaFlags LocalServers Logging Messages \
    Pipeline S3ConsumerService TestSupport Values
  SchedulerService: ArgumentParser Catalogue Commodities Core Feeds Kafka KafkaFlags Logging Markets Messages Metrics \
    Options Pipeline ServiceKit Values
  SchedulerTests: ArgumentParser Catalogue Commodities Core Kafka KafkaFlags LocalServers Logging Markets Messages \
    SchedulerService TestSupport Values
  SearchStore: Core Embedding Messages Redis
  SearchStoreTests: Core Embedding LocalServers Redis SearchStore TestSupport
  Sentiment: Core Feeds Messages Redis
  SentimentTests: Core LocalServers Redis Sentiment TestSupport
  SentimentWorkerService: ArgumentParser CSV Catalogue Core Embedding EmbeddingFlags Kafka KafkaFlags Logging Messages \
    Metrics ModelRegistry ObjectStore ObjectStoreFlags Options Pipeline Redis RedisFlags Sentiment ServiceKit Tensors \
    Values
  SentimentWorkerTests: ArgumentParser Catalogue Core Embedding Kafka KafkaFlags LocalServers Logging Messages \
    ModelRegistry NewsSimulator ObjectStore Pipeline Redis Sentiment SentimentWorkerService TestSupport Values
  ServiceKit: ArgumentParser Core CoreMetrics HTTP HummingbirdCore Logging NIOCore NIOPosix Options ServiceLifecycle \
    StrictYAML Values
  ServiceKitTests: ArgumentParser Core CoreMetrics HTTP HummingbirdCore LocalServers Logging NIOCore NIOEmbedded \
    Options ServiceKit TestSupport Values
  ServiceState: Core Redis
  SignalWorkerService: ArgumentParser Catalogue Core Features Indicators Kafka KafkaFlags Logging Messages Metrics \
    Options Pipeline ServiceKit Values
  SignalWorkerTests: ArgumentParser Catalogue Core Features Indicators Kafka KafkaFlags Lake LocalServers Logging \
    Messages Pipeline SignalWorkerService TestSupport Values
  SimulatorServer: ArgumentParser Core HummingbirdCore LocalServers Logging NIOCore ServiceKit ServiceLifecycle \
    UnixSignals
  SoukService: Archiving ArgumentParser Budgets Catalogue Commodities Compression Core FeatureFlags Features FeedHTTP \
    Feeds GatewayAPI HTTP HTTPFlags Influx InfluxFlags Kafka KafkaFlags LocalServers Logging Markets Messages \
    ObjectStore ObjectStoreFlags Operations Options Pipeline Postgres PostgresFlags PriceFiles Redis RedisFlags \
    Routing ServiceKit Values
  SoukTests: ArgumentParser Catalogue Compression Core DBWriterService FeedSimulator Feeds Influx InfluxFlags Kafka \
    KafkaFlags LocalServers Logging Messages ObjectStore ObjectStoreFlags Operations Pipeline Postgres ServiceKit \
    SoukService TestSupport Values Yams
  StrictYAML: CYAML Core
  Tensors: CBLAS Core
  TestSupport: Catalogue Core Kafka LocalServers Messages Pipeline Values
  TradingViewSimulator: NIOCore NIOHTTP1 NIOPosix NIOSSL NIOWebSocket SimulatorServer
  Values: Core
  WebSocket: Core HTTP NIOCore NIOHTTP1 NIOPosix NIOSSL NIOWebSocket
  WebSocketTests: Core LocalServers TestSupport WebSocket
  archiver: ArchiverService ServiceKit
  batch-runner: BatchService ServiceKit
  crawler: CrawlerService ServiceKit
  db-writer: DBWriterService ServiceKit
  document-worker: DocumentWorkerService ServiceKit
  downloader: DownloaderService ServiceKit
  edgar-simulator: ArgumentParser Core EdgarSimulator SimulatorServer
  egx-producer: EGXProducerService ServiceKit
  feed-simulator: ArgumentParser Core FeedSimulator LocalServers
  fetcher: FetcherService ServiceKit
  gateway: GatewayService ServiceKit
  hot-writer: HotWriterService ServiceKit
  inference-worker: InferenceWorkerService ServiceKit
  influx-consumer: InfluxConsumerService ServiceKit
  kit-probe: ArgumentParser Core Logging Metrics ServiceKit
  market-streamer: MarketStreamerService ServiceKit
  news-simulator: ArgumentParser Core NewsSimulator SimulatorServer
  options-detector: OptionsDetectorService ServiceKit
  parser: ParserService ServiceKit
  portal-simulator: ArgumentParser Core Options PortalSimulator SimulatorServer
  provider-simulator: ArgumentParser Core Options ProviderSimulator SimulatorServer
  s3-consumer: S3ConsumerService ServiceKit
  scheduler: SchedulerService ServiceKit
  sentiment-worker: SentimentWorkerService ServiceKit
  signal-worker: ServiceKit SignalWorkerService
  souk: ServiceKit SoukService
  souk-bench: ArgumentParser Budgets CZlib Catalogue Commodities Compression Core DBWriterService Documents \
    EdgarSimulator Embedding FeedSimulator Feeds FetcherService Forecasting HTTP Indicators InferenceWorkerService \
    Kafka KafkaFlags LocalServers Logging Masters Messages ModelRegistry NIOCore NewsSimulator ObjectStore \
    ObjectStoreFlags Options ParserService Pipeline PortalSimulator Postgres PriceFiles Redis Routing SchedulerService \
    SearchStore Sentiment SentimentWorkerService Tensors TestSupport Values
  souk-reference: ArgumentParser Core LocalServers Reference
  """)
// end imports

/// What a target imports. A new target is not in the list until `arrows.py --write` has seen its files.
func imported(by target: String) -> [Target.Dependency] {
  (imports[target] ?? []).map { name in
    products[name].map { .product(name: name, package: $0) } ?? .target(name: name)
  }
}

/// A C library found by pkg-config; the folder holds a module map and a shim header, nothing else.
func system(_ name: String, pkgConfig: String, apt: String) -> Target {
  .systemLibrary(name: name, path: "Shared/System/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// A shared module, in `Shared/<folder>`; without a folder in the one of its name.
func library(_ name: String, in folder: String? = nil) -> Target {
  .target(name: name, dependencies: imported(by: name), path: "Shared/\(folder ?? name)", swiftSettings: strict)
}

/// A service: everything it does is the library `<folder>Service` in `Services/<folder>`, so that tests and
/// benchmarks reach it; the executable beside it, in `Main/`, only starts it.
func service(_ command: String, _ folder: String) -> [Target] {
  [
    .target(name: "\(folder)Service", dependencies: imported(by: "\(folder)Service"), path: "Services/\(folder)",
            exclude: ["Main", "README.md"], swiftSettings: strict),
    .executableTarget(name: command, dependencies: imported(by: command), path: "Services/\(folder)/Main",
                      swiftSettings: strict),
  ]
}

/// A module of the tests that is no suite, in `Tests/<path>`.
func helper(_ name: String, _ path: String, exclude: [String] = []) -> Target {
  .target(name: name, dependencies: imported(by: name), path: "Tests/\(path)", exclude: exclude, swiftSettings: strict)
}

/// A program of the tests, in `Tests/<path>`.
func program(_ name: String, _ path: String, exclude: [String] = []) -> Target {
  .executableTarget(name: name, dependencies: imported(by: name), path: "Tests/\(path)", exclude: exclude,
                    swiftSettings: strict)
}

/// The suite of a module.
/// - Parameter starts: the programs that it starts without importing them.
func tests(_ module: String, exclude: [String] = [], starts: [String] = []) -> Target {
  let name = "\(module)Tests"
  return .testTarget(name: name, dependencies: imported(by: name) + starts.map { .target(name: $0) },
                     path: "Tests/\(name)", exclude: exclude, swiftSettings: strict)
}

let shared: [Target] = [
  system("CRdKafka", pkgConfig: "rdkafka", apt: "librdkafka-dev"),
  system("CPQ", pkgConfig: "libpq", apt: "libpq-dev"),
  system("CHiredis", pkgConfig: "hiredis", apt: "libhiredis-dev"),
  system("CCurl", pkgConfig: "libcurl", apt: "libcurl4-openssl-dev"),
  system("COpenSSL", pkgConfig: "openssl", apt: "libssl-dev"),
  system("CIsal", pkgConfig: "libisal", apt: "libisal-dev"),
  .systemLibrary(name: "CMalloc", path: "Shared/System/CMalloc"),
  system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
  system("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev"),
  system("CYAML", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
  system("CXML2", pkgConfig: "libxml-2.0", apt: "libxml2-dev"),
  system("CXGBoost", pkgConfig: "xgboost", apt: "libxgboost-dev"),
  system("CBLAS", pkgConfig: "openblas", apt: "libopenblas-dev"),
] + [
  "Core", "Values", "Catalogue", "Messages", "Routing", "AWSCredentials", "Budgets", "Commodities", "Compression",
  "CSV", "Documents", "Embedding", "FeedHTTP", "Feeds", "Forecasting", "GatewayAPI", "HTML", "HTTP", "Indicators",
  "Influx", "Kafka", "Lake", "LocalServers", "Markets", "Masters", "ModelRegistry", "ObjectStore", "Operations",
  "Pipeline", "Portals", "Postgres", "PriceFiles", "Redis", "Archiving", "Features", "SearchStore", "Sentiment",
  "ServiceKit", "ServiceState", "StrictYAML", "Tensors", "WebSocket",
].map { library($0) } + [
  library("FeatureFlags", in: "Options/Features"),
  // Flags, apart from what they configure: a service links only what it uses, and no transport a parser of them.
  library("Options", in: "Options/Common"),
] + ["Embedding", "HTTP", "Influx", "Kafka", "ObjectStore", "Postgres", "Redis"].map {
  library("\($0)Flags", in: "Options/\($0)")
}

let services: [Target] = [
  service("crawler", "Crawler"),
  service("downloader", "Downloader"),
  service("parser", "Parser"),
  service("db-writer", "DBWriter"),
  service("egx-producer", "EGXProducer"),
  service("influx-consumer", "InfluxConsumer"),
  service("s3-consumer", "S3Consumer"),
  service("hot-writer", "HotWriter"),
  service("archiver", "Archiver"),
  service("scheduler", "Scheduler"),
  service("fetcher", "Fetcher"),
  service("inference-worker", "InferenceWorker"),
  service("market-streamer", "MarketStreamer"),
  service("signal-worker", "SignalWorker"),
  service("options-detector", "OptionsDetector"),
  service("sentiment-worker", "SentimentWorker"),
  service("document-worker", "DocumentWorker"),
  service("batch-runner", "Batch"),
  service("gateway", "Gateway"),
  service("souk", "Souk"),
].flatMap { $0 }

let testing: [Target] = [
  helper("TestSupport", "Support", exclude: ["KitProbe", "FTP/ftp_server.py", "talib_truth.py"]),
  program("kit-probe", "Support/KitProbe"),
  helper("Reference", "Reference", exclude: ["Main"]),
  program("souk-reference", "Reference/Main"),
  helper("SimulatorServer", "Simulators/Server"),
  helper("TradingViewSimulator", "Simulators/TradingView"),
  program("souk-bench", "Benchmarks", exclude: ["README.md", "s3_consumer.py", "fetch_loop.py", "models_reference.py",
    "influx_consumer.py", "hot_writer.py", "backfill.py", "batch_features.py", "feed_streamer.py",
    "fastapi_ticks.py", "filings_reference.py", "sentiment_reference.py", "signals_talib.py"]),
  .testTarget(name: "FaultTests", dependencies: imported(by: "FaultTests"), path: "Tests/Faults",
              exclude: ["read_store.py"], swiftSettings: strict),
  tests("Deploy", exclude: ["Schemas"]),
  tests("Feeds", exclude: ["make_frames.py"]),
  tests("Forecasting", exclude: ["Reference"]),
  tests("Integration", exclude: ["read_prices.py", "count_sides.py", "Market/read_market.py"]),
  tests("Masters", exclude: ["Reference"]),
  tests("Monitoring", exclude: ["Rules"]),
  tests("PriceFiles", exclude: ["read_rows.py"]),
  tests("Reference", starts: ["souk-reference"]),
  tests("ObjectStore", exclude: ["azure_client.py"]),
  tests("Embedding", exclude: ["minilm.py"]),
  tests("Sentiment", exclude: ["vader_scores.py"]),
  tests("SentimentWorker", starts: ["sentiment-worker"]),
  tests("DocumentWorker", starts: ["document-worker", "fetcher"]),
  tests("SignalWorker", starts: ["signal-worker"]),
  tests("OptionsDetector", starts: ["options-detector"]),
  tests("Gateway", exclude: ["ask.py", "board.py", "example.py"], starts: ["gateway", "souk"]),
  tests("Batch", exclude: ["make_archive.py", "test_jobs.py"],
        starts: ["batch-runner", "inference-worker", "signal-worker", "souk"]),
  tests("S3Consumer", exclude: ["read_objects.py"]),
  tests("Archiver", exclude: ["read_archive.py"]),
  tests("MarketStreamer", starts: ["market-streamer"]),
  tests("ServiceKit", starts: ["kit-probe"]),
  tests("WebSocket", exclude: ["server.py"]),
] + ["Portal", "Provider", "Feed", "News", "Edgar"].flatMap { name in
  [
    helper("\(name)Simulator", "Simulators/\(name)", exclude: ["Main"]),
    program("\(name.lowercased())-simulator", "Simulators/\(name)/Main"),
  ]
} + [
  "Budgets", "Core", "Catalogue", "Messages", "CSV", "Documents", "HTML", "HTTP", "Indicators", "Kafka", "Commodities",
  "Markets", "ModelRegistry", "Pipeline", "Portals", "Postgres", "Redis", "SearchStore", "Features", "Crawler",
  "Downloader", "Parser", "DBWriter", "EGXProducer", "InfluxConsumer", "Scheduler", "Fetcher", "InferenceWorker",
  "HotWriter", "Souk",
].map { tests($0) }

/// With SOUK_PRODUCTS, as `make demo` sets it, only these programs and what they import: one build makes them all.
func wanted(_ targets: [Target]) -> [Target] {
  guard var names = Context.environment["SOUK_PRODUCTS"]?.split(separator: " ").map(String.init) else { return targets }
  var needed: Set<String> = []
  while let name = names.popLast() {
    if needed.insert(name).inserted { names += imports[name] ?? [] }
  }
  return targets.filter { needed.contains($0.name) }
}

let package = Package(
  name: "souk",
  // No wider than the tested minor version; DeployTests lists the versions that were tested, transitive ones included.
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", .upToNextMinor(from: "1.8.2")),
    .package(url: "https://github.com/apple/swift-log", .upToNextMinor(from: "1.16.2")),
    .package(url: "https://github.com/apple/swift-metrics", .upToNextMinor(from: "2.13.0")),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", .upToNextMinor(from: "2.13.0")),
    // Without its traits, which need all of Foundation and swift-configuration: a tenth of a first build.
    .package(url: "https://github.com/hummingbird-project/hummingbird", .upToNextMinor(from: "2.28.1"), traits: []),
    .package(url: "https://github.com/jpsim/Yams", .upToNextMinor(from: "6.2.2")),
    .package(url: "https://github.com/apple/swift-nio", .upToNextMinor(from: "2.101.2")),
    .package(url: "https://github.com/apple/swift-nio-ssl", .upToNextMinor(from: "2.37.6")),
    .package(url: "https://github.com/apple/swift-system", .upToNextMinor(from: "1.8.1")),
    .package(url: "https://github.com/swiftlang/swift-subprocess", .upToNextMinor(from: "1.0.2")),
  ],
  targets: wanted(shared + services + testing),
  swiftLanguageModes: [.v6]
)
