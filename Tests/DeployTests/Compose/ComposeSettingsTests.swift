import LocalServers
import Runtime
import Schemas
import TestSupport
import Testing

@testable import SoukService

/// The compose file and `souk up` tell the services the same things, in words that the services know.
@Suite struct ComposeSettingsTests {
  let compose: ComposeFile

  init() throws { compose = try ComposeFile.read() }

  @Test func everySettingIsOneOfTheProgram() async throws {
    for service in compose.own where try Repository.hasProgram(service.deployed.program) {
      let unknown = try await service.deployed.unknownSettings()
      #expect(unknown.isEmpty, "\(service.name) is told \(unknown)")
    }
  }

  @Test func everyValueIsAdmitted() async throws {
    let secrets = try compose.secrets()
    for service in compose.fleet where try Repository.hasProgram(service.deployed.program) {
      let mounted = secrets.filter { service.secrets.contains(String($0.key.dropFirst(13))) }
      let printed = try await service.deployed.printedConfiguration(secrets: mounted)
      #expect(printed.contains("kafka-bootstrap-servers: kafka:9092"), "\(service.name)")
      #expect(!printed.contains("local-only"), "\(service.name) prints a secret")
    }
  }

  /// Kustomize reads no file outside of its own folders.
  @Test func kubernetesAsksTheSameProviders() throws {
    #expect(try Repository.text("k8s/components/sentinel/markets.yaml") == Repository.text("compose/markets.yaml"))
  }

  @Test func thePricesAreToldWhatSoukUpTellsThem() async throws {
    try await withTemporaryDirectory { path in
      var surroundings = Surroundings()
      surroundings.describeEveryService(drainTimeout: DurationSetting(.seconds(25)))
      surroundings.useEmbeddedBroker("127.0.0.1:1")
      surroundings.common["DATABASE_URL"] = "postgresql://somewhere"
      surroundings.common.merge(ObjectStoreChoice.embeddedEnvironment([
        "S3_ENDPOINT": "", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
      ])) { $1 }
      surroundings.describePriceServices(sources: ["https://portal/"], state: "file://\(path)/state")
      try compare(.prices, surroundings)
    }
  }

  @Test func sentinelIsToldWhatSoukUpTellsIt() throws {
    var surroundings = Surroundings()
    surroundings.describeEveryService(drainTimeout: DurationSetting(.seconds(25)))
    surroundings.useEmbeddedBroker("127.0.0.1:1")
    surroundings.common["DATABASE_URL"] = "postgresql://somewhere"
    surroundings.common["REDIS_URL"] = "redis://somewhere"
    surroundings.describeSentinelServices(catalogue: "/markets.yaml", registry: "/registry")
    try compare(.sentinel, surroundings)
  }

  @Test func theExchangeIsToldWhatSoukUpTellsIt() async throws {
    try await withTemporaryDirectory { path in
      var surroundings = Surroundings()
      surroundings.describeEveryService(drainTimeout: DurationSetting(.seconds(25)))
      surroundings.useEmbeddedBroker("127.0.0.1:1")
      for name in ["INFLUX_URL", "INFLUX_DATABASE", "INFLUX_CREATE_DATABASE"] { surroundings.common[name] = "true" }
      surroundings.common.merge(ObjectStoreChoice.embeddedEnvironment([
        "S3_ENDPOINT": "", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
      ])) { $1 }
      let bars = try RecordedBars(folder: Repository.path("compose/demo/bars"))
      try surroundings.describeMarketServices(bars, folder: try RunFolder(path))
      try compare(.egx, surroundings, apart: Self.recorded)
    }
  }

  /// A recording is replayed once, and read back from objects of the form that the reader knows, as soon as it has
  /// ended; the demo's files are looked at again and again. Its InfluxDB is a 2.x, which has buckets.
  private static let recorded: Set<String> = [
    "speed", "interval", "intraday-candles", "stay", "rotate-interval", "codec", "layout", "key-prefix",
    "influx-database", "influx-create-database",
  ]

  /// What `souk up` says to a service, the demo says too.
  private func compare(_ system: FleetSystem, _ surroundings: Surroundings, apart: Set<String> = []) throws {
    for entry in system.services {
      let ofUp = DeployedProgram(
        place: "souk up", command: [entry.name] + (surroundings.arguments[entry.name] ?? []),
        environment: surroundings.environment(of: entry.name).compactMapValues { $0 })
      let ofCompose = try #require(
        compose.services(of: "demo").first { $0.deployed.program == entry.name }, "\(entry.name)").deployed
      let missing = ofUp.settingNames.subtracting(ofCompose.settingNames)
        .subtracting(Self.local).subtracting(Self.unasked(by: entry)).subtracting(apart)
      #expect(missing.isEmpty, "\(entry.name) is told \(missing.sorted()) by souk up only")
    }
  }

  /// What only makes sense where everything runs on one machine, against the embedded broker: there the crawler
  /// remembers in a file, and in a container in Redis; and db-writer is that of one system, which somebody waits for,
  /// and in containers of all.
  private static let local: Set<String> = ["http-host", "kafka-properties", "state", "tables", "linger"]

  /// `souk up` tells every service where all servers are; a container is only told of those it asks.
  private static func unasked(by entry: ServiceEntry) -> Set<String> {
    let store: Set<String> = ["object-store", "s3-endpoint", "aws-access-key-id", "aws-secret-access-key"]
    let asksStore = ["downloader", "parser", "s3-consumer"].contains(entry.name)
    let asksDatabase = entry.sink == "PostgreSQL"
    let influx: Set<String> = ["influx-url", "influx-database", "influx-create-database"]
    let asksRedis = entry.name == ServiceCatalogue.fetcher.name
    return (asksStore ? [] : store).union(entry.sink == "InfluxDB" ? [] : influx)
      .union(asksDatabase ? [] : ["database-url"]).union(asksRedis ? [] : ["redis-url"])
  }
}
