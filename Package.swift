// swift-tools-version:6.2
import PackageDescription

// Souk: one package, one folder per concern. Arrows point down only:
//   Services -> Pipeline -> Kafka and the sinks -> Runtime, Schemas
// `system`, `library` and `service` below are the only three kinds of target besides tests.

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
]

extension Target.Dependency {
  static let log: Self = .product(name: "Logging", package: "swift-log")
  static let metrics: Self = .product(name: "Metrics", package: "swift-metrics")
  static let coreMetrics: Self = .product(name: "CoreMetrics", package: "swift-metrics")
  static let arguments: Self = .product(name: "ArgumentParser", package: "swift-argument-parser")
  static let lifecycle: Self = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
  static let signals: Self = .product(name: "UnixSignals", package: "swift-service-lifecycle")
  static let hummingbird: Self = .product(name: "Hummingbird", package: "hummingbird")
  static let yaml: Self = .product(name: "Yams", package: "Yams")
  static let nioCore: Self = .product(name: "NIOCore", package: "swift-nio")
  static let nioPosix: Self = .product(name: "NIOPosix", package: "swift-nio")
  static let nioHTTP1: Self = .product(name: "NIOHTTP1", package: "swift-nio")
  static let nioWebSocket: Self = .product(name: "NIOWebSocket", package: "swift-nio")
  static let nioSSL: Self = .product(name: "NIOSSL", package: "swift-nio-ssl")
}

/// A C library found by pkg-config; the folder holds a module map and a shim header, nothing else.
func system(_ name: String, pkgConfig: String, apt: String) -> Target {
  .systemLibrary(name: name, path: "Shared/System/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// A module of the shared core, in `Shared/<name>`.
func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, path: "Shared/\(name)", swiftSettings: strict)
}

/// A service: everything it does is the library `<folder>Service` in `Services/<folder>`, so that tests and
/// benchmarks reach it; the executable beside it, in `Main/`, only starts it.
func service(
  _ command: String, _ folder: String, exclude: [String] = [], _ dependencies: [Target.Dependency]
) -> [Target] {
  [
    .target(name: "\(folder)Service", dependencies: dependencies, path: "Services/\(folder)",
            exclude: ["Main", "README.md"] + exclude, swiftSettings: strict),
    .executableTarget(name: command, dependencies: [.target(name: "\(folder)Service")],
                      path: "Services/\(folder)/Main", swiftSettings: strict),
  ]
}

func tests(_ name: String, exclude: [String] = [], _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(name)Tests", exclude: exclude,
              swiftSettings: strict)
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
  library("Schemas", ["Runtime"]),
  library("Forecasting", ["CXGBoost", "CBLAS", "Schemas", "Runtime"]),
  library("Masters", ["Schemas"]),
  library("CSV", ["Schemas"]),
  library("Markets", ["CSV", "Schemas", "Runtime", .arguments, .yaml]),
  library("Runtime", ["COpenSSL", .log, .arguments]),
  library("Compression", ["CIsal", "CZlib"]),
  library("Kafka", ["CRdKafka", "Runtime", .log, .metrics, .coreMetrics, .arguments]),
  library("HTTP", ["CCurl", "Runtime", .log, .metrics, .arguments]),
  library("WebSocket", ["HTTP", "Runtime", .nioCore, .nioPosix, .nioHTTP1, .nioWebSocket, .nioSSL]),
  library("HTML", ["CXML2", "Runtime"]),
  library("Portals", ["HTTP", "HTML", "Runtime", .arguments, .yaml]),
  library("ModelRegistry", ["Forecasting", "ObjectStore", "Runtime", .log]),
  library("ObjectStore", ["HTTP", "Runtime", .log, .metrics, .arguments]),
  library("Postgres", ["CPQ", "Runtime", .log, .metrics, .arguments]),
  library("Redis", ["CHiredis", "COpenSSL", "Runtime", .metrics, .arguments]),
  library("Influx", ["HTTP", "Compression", "Runtime", .arguments]),
  library("PriceFiles", ["Compression", "CZlib", "Runtime", "Schemas"]),
  library("ServiceKit", ["Runtime", .log, .metrics, .coreMetrics, .arguments, .lifecycle, .hummingbird, .yaml]),
  library("Pipeline", ["Kafka", "Runtime", "Schemas", "ServiceKit", .log, .metrics, .arguments]),
  library("LocalServers", ["Runtime", .log]),
]

let services: [Target] = [
  service("crawler", "Crawler", ["Pipeline", "Kafka", "HTTP", "Redis", "HTML", "Portals", "PriceFiles", "Schemas",
    "ServiceKit", "Runtime", .log, .metrics, .arguments]),
  service("downloader", "Downloader", ["Pipeline", "HTTP", "ObjectStore", "Portals", "PriceFiles"]),
  service("parser", "Parser", ["Pipeline", "ObjectStore", "PriceFiles", "Redis", "Masters"]),
  service("db-writer", "DBWriter", ["Pipeline", "Kafka", "Postgres", "Schemas", "Runtime", "ServiceKit", "CMalloc",
    .log, .metrics, .arguments]),
  service("egx-producer", "EGXProducer", ["Kafka", "HTTP", "WebSocket", "CSV", "Schemas", "ServiceKit", "Runtime",
    .log, .metrics, .arguments]),
  service("influx-consumer", "InfluxConsumer", ["Pipeline", "Kafka", "Influx", "Schemas", "Runtime", "ServiceKit",
    .log, .metrics, .arguments]),
  service("s3-consumer", "S3Consumer", ["Pipeline", "Kafka", "ObjectStore", "Schemas", "Runtime", "ServiceKit",
    "Compression", "CZstd", .log, .metrics, .arguments]),
  service("scheduler", "Scheduler", ["Markets", "Pipeline", "Kafka", "Schemas", "Runtime", "ServiceKit",
    .log, .metrics, .arguments]),
  service("fetcher", "Fetcher", ["Pipeline", "Kafka", "HTTP", "CSV", "Markets", "Redis", "Schemas", "ServiceKit",
    "Runtime", .log, .metrics, .arguments]),
  service("inference-worker", "InferenceWorker", ["Pipeline", "Kafka", "Forecasting", "ModelRegistry",
    "ObjectStore", "Schemas", "Runtime", "ServiceKit", .log, .metrics, .arguments]),
  service("souk", "Souk", ["Kafka", "Markets", "HTTP", "Postgres", "Influx", "ObjectStore", "PriceFiles",
    "Compression", "LocalServers", "Schemas", "ServiceKit", "Runtime", .log, .arguments]),
].flatMap { $0 }

let testing: [Target] = [
  .target(name: "TestSupport", dependencies: ["LocalServers", "Kafka", "Runtime"], path: "Tests/Support",
          exclude: ["KitProbe", "FTP/ftp_server.py"], swiftSettings: strict),
  .executableTarget(name: "kit-probe", dependencies: ["ServiceKit", "Runtime", .log, .metrics, .arguments],
                    path: "Tests/Support/KitProbe", swiftSettings: strict),
  .target(name: "Reference", dependencies: ["Schemas", "Runtime", "LocalServers"], path: "Tests/Reference",
          exclude: ["Main"], swiftSettings: strict),
  .executableTarget(name: "souk-reference", dependencies: ["Reference", "LocalServers", "Runtime", .arguments],
                    path: "Tests/Reference/Main", swiftSettings: strict),
  .target(name: "PortalSimulator", dependencies: ["Runtime", "LocalServers", "Compression", "CZlib", .hummingbird,
    .lifecycle, .signals, .log], path: "Tests/Simulators/Portal", exclude: ["Main"], swiftSettings: strict),
  .executableTarget(name: "portal-simulator", dependencies: ["PortalSimulator", "LocalServers", "Runtime", .arguments,
    .log], path: "Tests/Simulators/Portal/Main", swiftSettings: strict),
  .target(name: "ProviderSimulator", dependencies: ["Schemas", "Runtime", "LocalServers", .hummingbird, .lifecycle,
    .signals, .log], path: "Tests/Simulators/Provider", exclude: ["Main"], swiftSettings: strict),
  .executableTarget(name: "provider-simulator", dependencies: ["ProviderSimulator", "LocalServers", "Runtime",
    .arguments, .log], path: "Tests/Simulators/Provider/Main", swiftSettings: strict),
  .target(name: "TradingViewSimulator", dependencies: ["Runtime", .nioCore, .nioPosix, .nioHTTP1,
    .nioWebSocket, .nioSSL], path: "Tests/Simulators/TradingView", swiftSettings: strict),
  .executableTarget(name: "souk-bench", dependencies: ["PriceFiles", "Schemas", "ParserService", "DBWriterService",
    "InferenceWorkerService", "Forecasting", "ModelRegistry", "Pipeline",
    "Masters", "Postgres", "Kafka", "ObjectStore", "Runtime", "LocalServers", "PortalSimulator", "TestSupport",
    "Compression", "CZlib", "FetcherService", "SchedulerService", "Markets", "HTTP", .log, .arguments],
    path: "Tests/Benchmarks", exclude: ["README.md", "s3_consumer.py", "fetch_loop.py", "models_reference.py", "influx_consumer.py"],
    swiftSettings: strict),
  tests("Schemas", ["Schemas"]),
  tests("Forecasting", exclude: ["Reference"], ["Forecasting", "Schemas", "Runtime", "LocalServers", "TestSupport"]),
  tests("ModelRegistry", ["ModelRegistry", "Forecasting", "ObjectStore", "Schemas", "Runtime", "LocalServers",
    "TestSupport", .log, .arguments]),
  tests("Masters", ["Masters", "Schemas", "TestSupport"]),
  tests("Markets", ["Markets", "Schemas", "Runtime", "TestSupport"]),
  tests("Runtime", ["Runtime"]),
  tests("Kafka", ["Kafka", "Runtime", "TestSupport", .arguments]),
  tests("HTTP", ["HTTP", "TestSupport", .hummingbird]),
  tests("WebSocket", exclude: ["server.py"], ["WebSocket", "HTTP", "LocalServers", "Runtime", "TestSupport"]),
  tests("HTML", ["HTML", "Runtime"]),
  tests("Deploy", exclude: ["Schemas"], ["SoukService", "LocalServers", "Runtime", "Schemas", "TestSupport", .yaml]),
  tests("Portals", ["Portals", "HTTP", "Runtime", "TestSupport"]),
  tests("ObjectStore", ["ObjectStore", "TestSupport", .arguments]),
  tests("Postgres", ["Postgres", "Runtime", "LocalServers", "TestSupport", .arguments]),
  tests("Redis", ["Redis", "LocalServers", "Runtime", "TestSupport"]),
  tests("PriceFiles", exclude: ["read_rows.py"], ["PriceFiles", "Compression", "Runtime", "Schemas", "TestSupport",
    "CZlib"]),
  tests("ServiceKit", ["ServiceKit", "kit-probe", "Runtime", "TestSupport", .log, .metrics]),
  tests("Pipeline", ["Pipeline", "TestSupport"]),
  tests("Monitoring", exclude: ["Rules"], ["Reference", "Schemas", "Kafka", "LocalServers", "Runtime", "TestSupport",
    .yaml, .log, .arguments]),
  tests("Reference", ["Reference", "souk-reference", "Schemas", "LocalServers", "Runtime", "TestSupport"]),
  tests("Crawler", ["CrawlerService", "PortalSimulator", "Pipeline", "Kafka", "HTTP", "HTML", "Portals", "Redis",
    "PriceFiles", "Schemas", "ServiceKit", "Runtime", "LocalServers", "TestSupport", .log, .arguments]),
  tests("Downloader", ["DownloaderService", "Portals", "TestSupport", .arguments]),
  tests("Parser", ["ParserService", "Masters", "Pipeline", "Kafka", "ObjectStore", "PriceFiles", "Schemas",
    "ServiceKit", "Runtime", "Compression", "TestSupport", .log, .arguments]),
  tests("DBWriter", ["DBWriterService", "Kafka", "Postgres", "Schemas", "Runtime", "LocalServers", "TestSupport",
    .log, .arguments]),
  tests("EGXProducer", ["EGXProducerService", "TradingViewSimulator", "WebSocket", "CSV", "Kafka", "HTTP", "Schemas", "ServiceKit",
    "Runtime", "LocalServers", "TestSupport", .log, .arguments]),
  tests("InfluxConsumer", ["InfluxConsumerService", "Influx", "Pipeline", "Kafka", "HTTP", "Schemas", "Runtime",
    "LocalServers", "TestSupport", .arguments]),
  tests("InferenceWorker", ["InferenceWorkerService", "Forecasting", "ModelRegistry", "Pipeline", "Kafka",
    "ObjectStore", "Schemas", "ServiceKit", "Runtime", "LocalServers", "TestSupport", .log, .arguments]),
  tests("S3Consumer", exclude: ["read_objects.py"], ["S3ConsumerService", "Pipeline", "Kafka", "ObjectStore", "HTTP",
    "Schemas", "Runtime", "LocalServers", "CZstd", "TestSupport", .log, .arguments]),
  tests("CSV", ["CSV", "Schemas", "TestSupport"]),
  tests("Scheduler", ["SchedulerService", "Markets", "Kafka", "Schemas", "Runtime", "ServiceKit", "LocalServers",
    "TestSupport", .log, .arguments]),
  tests("Fetcher", ["FetcherService", "ProviderSimulator", "Markets", "Pipeline", "Kafka", "HTTP", "Redis", "Schemas",
    "ServiceKit", "Runtime", "LocalServers", "TestSupport", .log, .arguments]),
  tests("Souk", ["SoukService", "LocalServers", "Runtime", "Schemas", "TestSupport", .arguments]),
  tests("Integration", exclude: ["read_prices.py", "count_sides.py", "Market/read_market.py"], ["SoukService",
    "CrawlerService", "EGXProducerService", "InfluxConsumerService", "S3ConsumerService", "ServiceKit", "Schemas",
    "Kafka", "HTTP", "Postgres", "PriceFiles", "PortalSimulator", "ProviderSimulator", "Markets", "Forecasting",
    "ModelRegistry", "ObjectStore", "Runtime", "TestSupport", .log, .arguments]),
]

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
  ],
  targets: shared + services + testing,
  swiftLanguageModes: [.v6]
)
