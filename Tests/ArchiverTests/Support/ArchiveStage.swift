import ArgumentParser
import Catalogue
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Logging
import TestSupport

/// A broker with the topics, a store, Redis for the lease, and an independent reader.
struct ArchiveStage: Sendable {
  let broker: EmbeddedBroker
  let producer: Producer
  let store: Store
  let redis: String

  enum Store: Sendable {
    case s3(SeaweedFS, bucket: String)
    case azure(AzureBlobServer, container: String)
    case folder(String)
  }

  static let logger: Logger = {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return logger
  }()
  static let topics = ServiceCatalogue.archiver.inputs

  init(_ store: Store, partitions: Int = 2) async throws {
    self.store = store
    broker = try EmbeddedBroker(topics: Self.topics.flatMap { [$0, $0.deadLetters] }.map { ($0.name, partitions) })
    let options = try KafkaOptions.parse(["--kafka-bootstrap-servers", broker.bootstrapServers])
    producer = try Producer(options.producerConfiguration(clientID: "test", logger: Self.logger))
    redis = try await TestServers.redis().url
  }

  static func onS3(partitions: Int = 2) async throws -> ArchiveStage {
    try await ArchiveStage(
      .s3(TestServers.seaweed(), bucket: "archive-" + TestServers.uniqueName()), partitions: partitions)
  }

  func produce(_ records: [Records.Record]) async throws {
    var batch = OutgoingBatch()
    for record in records { batch.append(topic: record.topic.name, key: record.key, value: record.value) }
    try await producer.send(batch)
  }

  var environment: [String: String?] {
    var environment: [String: String?] = [
      "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "REDIS_URL": redis, "RETRY_CAP": "1s",
      "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500", "AWS_EC2_METADATA_DISABLED": "true",
      "ROTATE_INTERVAL": "300ms", "CATALOGUE_INTERVAL": "200ms", "LEASE_TIMEOUT": "2s", "TIERS": "off",
    ]
    for (name, value) in storeEnvironment { environment[name] = value }
    return environment
  }

  /// What programs that reach only the store are told.
  var storeEnvironment: [String: String] {
    switch store {
    case .s3(let seaweed, let bucket):
      seaweed.environment.merging(["OBJECT_STORE": "s3://\(bucket)", "AWS_EC2_METADATA_DISABLED": "true"]) { $1 }
    case .azure(let server, let container):
      ["OBJECT_STORE": "az://\(container)", "AZURE_STORAGE_CONNECTION_STRING": server.connection]
    case .folder(let path): ["OBJECT_STORE": "file://\(path)"]
    }
  }

  func start(_ arguments: [String] = []) async throws -> ServiceProcess {
    try await ServiceProcess.start("archiver", arguments, environment: environment)
  }

  /// A subcommand, as an operator types it.
  func ask(_ arguments: String...) async throws -> String { try await ask(arguments) }

  func ask(_ arguments: [String]) async throws -> String {
    let outcome = try await ServiceProcess.run(
      "archiver", arguments, environment: storeEnvironment.mapValues { $0 })
    guard outcome.status.isSuccess else {
      throw ConditionNotMet(description: "\(arguments): \(outcome.status) \(outcome.output) \(outcome.errorOutput)")
    }
    return outcome.output
  }

  struct Contents: Equatable, Sendable {
    /// SHA-256 of the stored bytes by key; `archived` for what cannot be read.
    var objects: [String: String] = [:]
    var tiers: [String: String] = [:]
    var records: [String] = []
    /// Records under another date or symbol than their own, and other names.
    var strays: [String] = []
    /// Where the catalogue says otherwise than the store.
    var catalogue: [String] = []
  }

  /// What the stores' own clients find.
  func contents() async throws -> Contents {
    let python = try Program.require(
      "python3", in: Program.environmentFolders, package: "python3-venv, and boto3 and azure-storage-blob from PyPI")
    let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "read_archive.py").path
    let words: [String]
    var environment: [String: String] = storeEnvironment
    switch store {
    case .s3(_, let bucket): words = ["s3", bucket]
    case .azure(let server, let container):
      words = ["azure", container]
      environment["AZURE_CONNECTION"] = server.connection
    case .folder(let path): words = ["folder", path]
    }
    var launch = Launch(python, [script] + words)
    for (name, value) in environment { launch.environment[name] = value }
    let outcome = try await ChildProcess.run(launch, atMost: .seconds(240))
    guard outcome.status.isSuccess else { throw ConditionNotMet(description: outcome.errorOutput) }
    var contents = Contents()
    for line in outcome.output.split(separator: "\n") {
      let fields = line.split(separator: " ").map(String.init)
      switch fields[0] {
      case "object":
        contents.objects[fields[1]] = fields[2]
        contents.tiers[fields[1]] = fields[4]
      case "record": contents.records.append(fields.dropFirst().joined(separator: " "))
      case "stray": contents.strays.append(String(line))
      default: contents.catalogue.append(String(line))
      }
    }
    contents.records.sort()
    return contents
  }

  /// How many records the group has left to read.
  func lag() async throws -> Int64 {
    let admin = try Admin(properties: ["bootstrap.servers": broker.bootstrapServers], logger: Self.logger)
    let lags = try await admin.lag(group: "archiver", topics: Self.topics.map(\.name))
    return lags.reduce(0) { $0 + $1.lag }
  }

  func deadLetters() async throws -> Int64 {
    let admin = try Admin(properties: ["bootstrap.servers": broker.bootstrapServers], logger: Self.logger)
    let lags = try await admin.lag(group: "nobody", topics: Self.topics.map(\.deadLetterName))
    return lags.reduce(0) { $0 + $1.watermarks.high }
  }

  func awaitStored() async throws {
    try await eventually("everything is stored", timeout: .seconds(300)) { try await lag() == 0 }
  }

  /// Waits until the catalogue has so many records.
  func awaitCatalogue(_ rows: Int) async throws {
    try await eventually("the catalogue has \(rows) records", timeout: .seconds(300), interval: .milliseconds(200)) {
      let lines = try await ask("ls", "--format", "json").split(separator: "\n")
      let found = lines.compactMap { line -> Int? in
        let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        return object?["rows"] as? Int
      }
      return found.reduce(0, +) == rows
    }
  }
}
