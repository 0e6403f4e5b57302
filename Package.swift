// swift-tools-version:6.2
import PackageDescription

// Souk: one package, one folder per concern. Arrows point down only:
//   Services -> Pipeline -> Kafka and the sinks -> Schemas -> Runtime
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
  "Hummingbird": "hummingbird",
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

// begin imports: written by Tests/Architecture/arrows.py --write
let imports: [String: [String]] = [
  "CSV": ["Schemas"],
  "CSVTests": ["CSV", "Schemas", "TestSupport"],
  "Compression": ["CIsal", "CZlib"],
  "CrawlerService": ["ArgumentParser", "HTML", "HTTP", "Kafka", "Logging", "Metrics", "Pipeline", "Portals",
    "PriceFiles", "Redis", "Runtime", "Schemas", "ServiceKit"],
  "CrawlerTests": ["ArgumentParser", "CrawlerService", "HTML", "HTTP", "Kafka", "LocalServers", "Logging", "Pipeline",
    "PortalSimulator", "Portals", "PriceFiles", "Redis", "Runtime", "Schemas", "ServiceKit", "TestSupport"],
  "DBWriterService": ["ArgumentParser", "CMalloc", "Kafka", "Logging", "Metrics", "Pipeline", "Postgres", "Runtime",
    "Schemas", "ServiceKit"],
  "DBWriterTests": ["ArgumentParser", "DBWriterService", "Kafka", "LocalServers", "Logging", "Postgres", "Runtime",
    "Schemas", "TestSupport"],
  "DeployTests": ["LocalServers", "Reference", "Runtime", "Schemas", "SoukService", "TestSupport", "Yams"],
  "DownloaderService": ["ArgumentParser", "HTTP", "Kafka", "Logging", "Metrics", "ObjectStore", "Pipeline", "Portals",
    "Runtime", "Schemas", "ServiceKit"],
  "DownloaderTests": ["ArgumentParser", "DownloaderService", "HTTP", "Kafka", "LocalServers", "Logging", "ObjectStore",
    "Pipeline", "Portals", "Runtime", "Schemas", "ServiceKit", "TestSupport"],
  "EGXProducerService": ["ArgumentParser", "CSV", "HTTP", "Kafka", "Logging", "Metrics", "Pipeline", "Runtime",
    "Schemas", "ServiceKit", "WebSocket"],
  "EGXProducerTests": ["ArgumentParser", "CSV", "EGXProducerService", "HTTP", "Kafka", "LocalServers", "Logging",
    "Runtime", "Schemas", "ServiceKit", "TestSupport", "TradingViewSimulator", "WebSocket"],
  "FetcherService": ["ArgumentParser", "CSV", "HTTP", "Kafka", "Logging", "Markets", "Metrics", "Pipeline", "Redis",
    "Runtime", "Schemas", "ServiceKit"],
  "FetcherTests": ["ArgumentParser", "FetcherService", "HTTP", "Kafka", "LocalServers", "Logging", "Markets",
    "Pipeline", "ProviderSimulator", "Redis", "Runtime", "Schemas", "ServiceKit", "TestSupport"],
  "Forecasting": ["CBLAS", "CXGBoost", "Runtime", "Schemas"],
  "ForecastingTests": ["Forecasting", "LocalServers", "Runtime", "Schemas", "TestSupport"],
  "HTML": ["CXML2", "Runtime"],
  "HTMLTests": ["HTML", "Runtime"],
  "HTTP": ["ArgumentParser", "CCurl", "Runtime"],
  "HTTPTests": ["CCurl", "HTTP", "LocalServers", "Runtime", "TestSupport"],
  "InferenceWorkerService": ["ArgumentParser", "Forecasting", "Kafka", "Logging", "Metrics", "ModelRegistry",
    "ObjectStore", "Pipeline", "Runtime", "Schemas", "ServiceKit"],
  "InferenceWorkerTests": ["ArgumentParser", "Forecasting", "InferenceWorkerService", "Kafka", "LocalServers",
    "Logging", "ModelRegistry", "ObjectStore", "Pipeline", "Runtime", "Schemas", "TestSupport"],
  "Influx": ["ArgumentParser", "Compression", "HTTP", "Runtime"],
  "InfluxConsumerService": ["ArgumentParser", "Influx", "Kafka", "Metrics", "Pipeline", "Runtime", "Schemas",
    "ServiceKit"],
  "InfluxConsumerTests": ["ArgumentParser", "Influx", "InfluxConsumerService", "Kafka", "LocalServers", "Logging",
    "Runtime", "Schemas", "TestSupport"],
  "IntegrationTests": ["ArgumentParser", "CrawlerService", "EGXProducerService", "Forecasting", "HTTP",
    "InfluxConsumerService", "Kafka", "LocalServers", "Logging", "Markets", "ModelRegistry", "ObjectStore",
    "PortalSimulator", "Postgres", "PriceFiles", "ProviderSimulator", "Runtime", "S3ConsumerService", "Schemas",
    "ServiceKit", "SoukService", "TestSupport"],
  "Kafka": ["ArgumentParser", "CRdKafka", "CoreMetrics", "Logging", "Runtime"],
  "KafkaTests": ["ArgumentParser", "Kafka", "LocalServers", "Logging", "Runtime", "TestSupport"],
  "LocalServers": ["Runtime", "Subprocess", "SystemPackage"],
  "Markets": ["ArgumentParser", "CSV", "Runtime", "Schemas", "StrictYAML"],
  "MarketsTests": ["Markets", "Runtime", "Schemas", "StrictYAML", "TestSupport"],
  "Masters": ["Forecasting", "Runtime", "Schemas"],
  "MastersTests": ["Forecasting", "Masters", "Schemas", "TestSupport"],
  "ModelRegistry": ["Forecasting", "Logging", "ObjectStore", "Runtime"],
  "ModelRegistryTests": ["ArgumentParser", "Forecasting", "LocalServers", "Logging", "ModelRegistry", "ObjectStore",
    "Runtime", "Schemas", "TestSupport"],
  "MonitoringTests": ["ArgumentParser", "Kafka", "LocalServers", "Logging", "Reference", "Runtime", "Schemas",
    "TestSupport", "Yams"],
  "ObjectStore": ["ArgumentParser", "HTML", "HTTP", "Runtime"],
  "ObjectStoreTests": ["ArgumentParser", "HTTP", "LocalServers", "ObjectStore", "Runtime", "TestSupport"],
  "ParserService": ["ArgumentParser", "Forecasting", "Kafka", "Logging", "Masters", "Metrics", "ModelRegistry",
    "ObjectStore", "Pipeline", "PriceFiles", "Redis", "Runtime", "Schemas", "ServiceKit"],
  "ParserTests": ["ArgumentParser", "Compression", "Kafka", "Logging", "Masters", "ModelRegistry", "ObjectStore",
    "ParserService", "Pipeline", "PriceFiles", "Runtime", "Schemas", "ServiceKit", "TestSupport"],
  "Pipeline": ["ArgumentParser", "Kafka", "Logging", "Metrics", "Runtime", "Schemas", "ServiceKit"],
  "PipelineTests": ["ArgumentParser", "Kafka", "Logging", "Pipeline", "Runtime", "Schemas", "ServiceKit",
    "TestSupport"],
  "PortalSimulator": ["CZlib", "Compression", "Hummingbird", "NIOCore", "Runtime", "SimulatorServer"],
  "Portals": ["ArgumentParser", "HTML", "HTTP", "Runtime", "StrictYAML"],
  "PortalsTests": ["Portals", "Runtime", "TestSupport"],
  "Postgres": ["ArgumentParser", "CPQ", "Runtime"],
  "PostgresTests": ["ArgumentParser", "LocalServers", "Postgres", "Runtime", "TestSupport"],
  "PriceFiles": ["CZlib", "Compression", "Runtime", "Schemas"],
  "PriceFilesTests": ["CZlib", "Compression", "PriceFiles", "Runtime", "Schemas", "TestSupport"],
  "ProviderSimulator": ["Hummingbird", "NIOCore", "Runtime", "Schemas", "SimulatorServer"],
  "Redis": ["ArgumentParser", "CHiredis", "COpenSSL", "Metrics", "Runtime"],
  "RedisTests": ["LocalServers", "Redis", "Runtime", "TestSupport"],
  "Reference": ["LocalServers", "Runtime", "Schemas"],
  "ReferenceTests": ["LocalServers", "Reference", "Runtime", "Schemas", "TestSupport"],
  "Runtime": ["ArgumentParser", "COpenSSL", "Logging"],
  "RuntimeTests": ["Runtime"],
  "S3ConsumerService": ["ArgumentParser", "CZstd", "Compression", "Kafka", "Logging", "Metrics", "ObjectStore",
    "Pipeline", "Runtime", "Schemas", "ServiceKit"],
  "S3ConsumerTests": ["ArgumentParser", "CZstd", "Kafka", "LocalServers", "Logging", "Pipeline", "Runtime",
    "S3ConsumerService", "Schemas", "TestSupport"],
  "SchedulerService": ["ArgumentParser", "Kafka", "Logging", "Markets", "Metrics", "Pipeline", "Runtime", "Schemas",
    "ServiceKit"],
  "SchedulerTests": ["ArgumentParser", "Kafka", "LocalServers", "Logging", "Markets", "Runtime", "SchedulerService",
    "Schemas", "TestSupport"],
  "Schemas": ["Runtime"],
  "SchemasTests": ["Runtime", "Schemas"],
  "ServiceKit": ["ArgumentParser", "CoreMetrics", "Hummingbird", "HummingbirdCore", "Logging", "NIOCore", "Runtime",
    "ServiceLifecycle", "Yams"],
  "ServiceKitTests": ["ArgumentParser", "CoreMetrics", "HummingbirdCore", "Logging", "NIOCore", "NIOEmbedded",
    "Runtime", "ServiceKit"],
  "SimulatorServer": ["ArgumentParser", "Hummingbird", "HummingbirdCore", "LocalServers", "Logging", "NIOCore",
    "Runtime", "ServiceKit", "ServiceLifecycle", "UnixSignals"],
  "SoukService": ["ArgumentParser", "Compression", "HTTP", "Influx", "Kafka", "LocalServers", "Logging", "Markets",
    "ObjectStore", "Postgres", "PriceFiles", "Runtime", "Schemas", "ServiceKit"],
  "SoukTests": ["ArgumentParser", "LocalServers", "Runtime", "Schemas", "SoukService", "TestSupport"],
  "StrictYAML": ["Runtime", "Yams"],
  "TestSupport": ["LocalServers", "Runtime"],
  "TradingViewSimulator": ["NIOCore", "NIOHTTP1", "NIOPosix", "NIOSSL", "NIOWebSocket", "SimulatorServer"],
  "WebSocket": ["HTTP", "NIOCore", "NIOHTTP1", "NIOPosix", "NIOSSL", "NIOWebSocket", "Runtime"],
  "WebSocketTests": ["LocalServers", "Runtime", "TestSupport", "WebSocket"],
  "crawler": ["CrawlerService", "ServiceKit"],
  "db-writer": ["DBWriterService", "ServiceKit"],
  "downloader": ["DownloaderService", "ServiceKit"],
  "egx-producer": ["EGXProducerService", "ServiceKit"],
  "fetcher": ["FetcherService", "ServiceKit"],
  "inference-worker": ["InferenceWorkerService", "ServiceKit"],
  "influx-consumer": ["InfluxConsumerService", "ServiceKit"],
  "kit-probe": ["ArgumentParser", "Logging", "Metrics", "Runtime", "ServiceKit"],
  "parser": ["ParserService", "ServiceKit"],
  "portal-simulator": ["ArgumentParser", "PortalSimulator", "Runtime", "SimulatorServer"],
  "provider-simulator": ["ArgumentParser", "ProviderSimulator", "Runtime", "SimulatorServer"],
  "s3-consumer": ["S3ConsumerService", "ServiceKit"],
  "scheduler": ["SchedulerService", "ServiceKit"],
  "souk": ["ServiceKit", "SoukService"],
  "souk-bench": ["ArgumentParser", "CZlib", "Compression", "DBWriterService", "FetcherService", "Forecasting", "HTTP",
    "InferenceWorkerService", "Kafka", "LocalServers", "Logging", "Markets", "Masters", "ModelRegistry", "ObjectStore",
    "ParserService", "Pipeline", "PortalSimulator", "Postgres", "PriceFiles", "Runtime", "SchedulerService", "Schemas",
    "TestSupport"],
  "souk-reference": ["ArgumentParser", "LocalServers", "Reference", "Runtime"],
]
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

/// A module of the shared core, in `Shared/<name>`.
func library(_ name: String) -> Target {
  .target(name: name, dependencies: imported(by: name), path: "Shared/\(name)", swiftSettings: strict)
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
  system("CXML2", pkgConfig: "libxml-2.0", apt: "libxml2-dev"),
  system("CXGBoost", pkgConfig: "xgboost", apt: "libxgboost-dev"),
  system("CBLAS", pkgConfig: "openblas", apt: "libopenblas-dev"),
] + [
  "Schemas", "Runtime", "StrictYAML", "Compression", "CSV", "Forecasting", "HTML", "HTTP", "Influx", "Kafka",
  "LocalServers", "Markets", "Masters", "ModelRegistry", "ObjectStore", "Pipeline", "Portals", "Postgres", "PriceFiles",
  "Redis", "ServiceKit", "WebSocket",
].map(library)

let services: [Target] = [
  service("crawler", "Crawler"),
  service("downloader", "Downloader"),
  service("parser", "Parser"),
  service("db-writer", "DBWriter"),
  service("egx-producer", "EGXProducer"),
  service("influx-consumer", "InfluxConsumer"),
  service("s3-consumer", "S3Consumer"),
  service("scheduler", "Scheduler"),
  service("fetcher", "Fetcher"),
  service("inference-worker", "InferenceWorker"),
  service("souk", "Souk"),
].flatMap { $0 }

let testing: [Target] = [
  helper("TestSupport", "Support", exclude: ["KitProbe", "FTP/ftp_server.py"]),
  program("kit-probe", "Support/KitProbe"),
  helper("Reference", "Reference", exclude: ["Main"]),
  program("souk-reference", "Reference/Main"),
  helper("SimulatorServer", "Simulators/Server"),
  helper("PortalSimulator", "Simulators/Portal", exclude: ["Main"]),
  program("portal-simulator", "Simulators/Portal/Main"),
  helper("ProviderSimulator", "Simulators/Provider", exclude: ["Main"]),
  program("provider-simulator", "Simulators/Provider/Main"),
  helper("TradingViewSimulator", "Simulators/TradingView"),
  program("souk-bench", "Benchmarks", exclude: ["README.md", "s3_consumer.py", "fetch_loop.py", "models_reference.py",
    "influx_consumer.py"]),
  tests("Deploy", exclude: ["Schemas"]),
  tests("Forecasting", exclude: ["Reference"]),
  tests("Integration", exclude: ["read_prices.py", "count_sides.py", "Market/read_market.py"]),
  tests("Masters", exclude: ["Reference"]),
  tests("Monitoring", exclude: ["Rules"]),
  tests("PriceFiles", exclude: ["read_rows.py"]),
  tests("Reference", starts: ["souk-reference"]),
  tests("S3Consumer", exclude: ["read_objects.py"]),
  tests("ServiceKit", starts: ["kit-probe"]),
  tests("WebSocket", exclude: ["server.py"]),
] + [
  "Schemas", "Runtime", "CSV", "HTML", "HTTP", "Kafka", "Markets", "ModelRegistry", "ObjectStore",
  "Pipeline", "Portals", "Postgres", "Redis", "Crawler", "Downloader", "Parser", "DBWriter", "EGXProducer",
  "InfluxConsumer", "Scheduler", "Fetcher", "InferenceWorker", "Souk",
].map { tests($0) }

let package = Package(
  name: "souk",
  products: ["crawler", "downloader", "parser", "db-writer", "egx-producer", "influx-consumer", "s3-consumer",
    "scheduler", "fetcher", "inference-worker", "souk", "portal-simulator", "provider-simulator", "souk-bench",
    "souk-reference"]
    .map { .executable(name: $0, targets: [$0]) },
  // No wider than the tested minor version; DeployTests lists the versions that were tested, transitive ones included.
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", .upToNextMinor(from: "1.8.2")),
    .package(url: "https://github.com/apple/swift-log", .upToNextMinor(from: "1.16.2")),
    .package(url: "https://github.com/apple/swift-metrics", .upToNextMinor(from: "2.13.0")),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", .upToNextMinor(from: "2.13.0")),
    .package(url: "https://github.com/hummingbird-project/hummingbird", .upToNextMinor(from: "2.28.1")),
    .package(url: "https://github.com/jpsim/Yams", .upToNextMinor(from: "6.2.2")),
    .package(url: "https://github.com/apple/swift-nio", .upToNextMinor(from: "2.101.2")),
    .package(url: "https://github.com/apple/swift-nio-ssl", .upToNextMinor(from: "2.37.6")),
    .package(url: "https://github.com/apple/swift-system", .upToNextMinor(from: "1.8.1")),
    .package(url: "https://github.com/swiftlang/swift-subprocess", .upToNextMinor(from: "1.0.2")),
  ],
  targets: shared + services + testing,
  swiftLanguageModes: [.v6]
)
