import Catalogue
import Foundation
import Kafka
import LocalServers
import Logging
import Synchronization
import TestSupport

/// The market data system as an operator runs it, with real processes: an embedded broker, a private InfluxDB, a bucket
/// on a real S3 server behind a switchable port, and the services, which tests start and kill.
final class MarketFleet: Sendable {
  let broker: EmbeddedBroker
  let influx: PrivateInfluxDB
  let seaweed: SeaweedFS
  /// Where s3-consumer finds its server.
  let door: SwitchedPort
  let bucket: String
  /// For the producer's state.
  let folder: String
  let recording: Recording

  /// The bars to publish.
  struct Recording: Sendable {
    /// Of `<SYMBOL>.csv`.
    var folder: String
    var interval: String
  }

  private init(_ recording: Recording, folder: String) async throws {
    self.recording = recording
    self.folder = folder
    let topics = [Topics.marketData, Topics.marketData.deadLetters]
    broker = try EmbeddedBroker(topics: topics.map { ($0.name, Int($0.partitions)) })
    influx = try await PrivateInfluxDB.start()
    seaweed = try await TestServers.seaweed()
    door = try SwitchedPort(to: Int(seaweed.port))
    bucket = "market-" + TestServers.uniqueName()
  }

  /// Runs `body` with everything but the services; kills the services that `body` leaves running.
  static func with(_ recording: Recording, _ body: (MarketFleet) async throws -> Void) async throws {
    try await withTemporaryDirectory { folder in
      let fleet = try await MarketFleet(recording, folder: folder)
      defer { fleet.broker.close() }
      let outcome: Result<Void, any Error>
      do { outcome = .success(try await body(fleet)) } catch {
        for process in fleet.processes.withLock({ $0 }) {
          print("--- the end of \(process.name)'s log")
          for line in process.log.suffix(15) { print(line) }
        }
        outcome = .failure(error)
      }
      for process in fleet.processes.withLock({ $0 }) where process.status == nil { await process.kill() }
      await fleet.influx.stop()
      try outcome.get()
    }
  }

  private let processes = Mutex<[ServiceProcess]>([])

  // MARK: Services

  /// Starts one more process of a service.
  func start(_ service: ServiceEntry, _ extra: [String] = []) async throws -> ServiceProcess {
    var environment: [String: String?] = ["KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers]
    if service.group != nil {
      // The embedded broker forgets a killed member only after the session time-out.
      environment["KAFKA_PROPERTIES"] = "session.timeout.ms=6000,heartbeat.interval.ms=500"
      environment["RETRY_CAP"] = "1s"
    }
    var arguments: [String] = []
    switch service {
    case ServiceCatalogue.egxProducer:
      arguments = ["--interval", recording.interval, "--intraday-candles", "--state", "\(folder)/egx-producer.state"]
    case ServiceCatalogue.influxConsumer:
      arguments = ["--influx-create-database", "--linger", "100ms"]
      environment["INFLUX_URL"] = influx.url
      environment["INFLUX_DATABASE"] = Self.database
    case ServiceCatalogue.s3Consumer:
      arguments = ["--rotate-interval", "500ms"]
      environment.merge(seaweed.environment) { $1 }
      environment["S3_ENDPOINT"] = door.url
      environment["OBJECT_STORE"] = "s3://\(bucket)"
    default: break
    }
    let process = try await ServiceProcess.start(service.name, arguments + extra, environment: environment)
    processes.withLock { $0.append(process) }
    return process
  }

  static let database = "egx"

  // MARK: Progress

  /// Records in a topic, over all partitions.
  func records(in topic: Topic) async throws -> Int {
    try await admin().watermarks(Set((0..<topic.partitions).map { TopicPartition(topic.name, $0) })).values
      .reduce(0) { $0 + Int($1.high) }
  }

  /// Records that a group has committed.
  func committed(by group: String) async throws -> Int {
    let lag = try await admin().lag(group: group, topics: [Topics.marketData.name]).reduce(0) { $0 + Int($1.lag) }
    return try await records(in: Topics.marketData) - lag
  }

  /// Waits until both consumers have committed everything that is in the topic.
  func settle(within limit: Duration = .seconds(240)) async throws {
    for service in [ServiceCatalogue.influxConsumer, ServiceCatalogue.s3Consumer] {
      try await eventually("\(service.name) is through", timeout: limit, interval: .milliseconds(250)) {
        try await committed(by: service.name) == records(in: Topics.marketData)
      }
    }
  }

  private func admin() throws -> Admin {
    try Admin(
      properties: ["bootstrap.servers": broker.bootstrapServers], logger: Logger(label: "integration-tests"))
  }

  // MARK: What came out

  /// What the Python readers find.
  struct Findings: Decodable {
    var bars: Int
    var records: Int
    var lines: Int
    var points: Int
    /// SHA-256 by key.
    var objects: [String: String]
    var problems: [String]
  }

  func findings() async throws -> Findings {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("read_market.py")
    let python = try Program.require(
      "python3", in: Program.environmentFolders, package: "python3-venv, and boto3 and confluent-kafka from PyPI")
    var launch = Launch(python, [
      script.path, recording.folder, recording.interval, broker.bootstrapServers, Topics.marketData.name, bucket,
      "\(influx.url)/\(Self.database)",
    ])
    launch.environment = seaweed.environment
    let output = try await ChildProcess.runOrThrow(launch, atMost: .seconds(300))
    return try JSONDecoder().decode(Findings.self, from: Data(output.utf8))
  }
}
