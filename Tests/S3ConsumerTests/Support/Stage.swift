import ArgumentParser
import Catalogue
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Messages
import TestSupport

/// A broker with the topic, a bucket on the shared S3 server, and an independent reader.
struct Stage {
  let broker: EmbeddedBroker
  let producer: Producer
  let seaweed: SeaweedFS
  let bucket: String
  let partitions: Int

  init(partitions: Int = 4) async throws {
    self.partitions = partitions
    broker = try EmbeddedBroker(topics: [
      (Topics.marketData.name, partitions), (Topics.marketData.deadLetterName, partitions),
    ])
    let options = try KafkaOptions.parse(["--kafka-bootstrap-servers", broker.bootstrapServers])
    producer = try Producer(options.producerConfiguration(clientID: "test", logger: Bars.logger))
    seaweed = try await TestServers.seaweed()
    bucket = "souk-" + TestServers.uniqueName()
  }

  func produce(_ bars: [MarketBar]) async throws { try await producer.send(Bars.batch(bars)) }

  /// The executable, as an operator runs it.
  func start(_ arguments: [String] = [], endpoint: String? = nil) async throws -> ServiceProcess {
    try await ServiceProcess.start("s3-consumer", arguments, environment: environment(endpoint: endpoint))
  }

  func environment(endpoint: String? = nil) -> [String: String?] {
    var environment: [String: String?] = [
      "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers,
      "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500", "RETRY_CAP": "1s",
      "OBJECT_STORE": "s3://\(bucket)", "ROTATE_INTERVAL": "300ms", "AWS_EC2_METADATA_DISABLED": "true",
    ]
    for (name, value) in seaweed.environment { environment[name] = value }
    if let endpoint { environment["S3_ENDPOINT"] = endpoint }
    return environment
  }

  struct Contents: Equatable {
    /// SHA-256 of the stored bytes by key.
    var objects: [String: String] = [:]
    var records: [String] = []
    /// Records that lie under another date or symbol than their own.
    var strays: [String] = []
  }

  /// What boto3 finds in the bucket.
  func contents(prefix: String = "streaming/") async throws -> Contents {
    let python = try Program.require(
      "python3", in: Program.environmentFolders, package: "python3-venv, and boto3 from PyPI")
    let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "read_objects.py").path
    var launch = Launch(python, [script, bucket, prefix])
    for (name, value) in seaweed.environment { launch.environment[name] = value }
    let outcome = try await ChildProcess.run(launch, atMost: .seconds(120))
    guard outcome.status.isSuccess else { throw ConditionNotMet(description: outcome.errorOutput) }
    var contents = Contents()
    for line in outcome.output.split(separator: "\n") {
      let fields = line.split(separator: " ").map(String.init)
      if fields[0] == "object" {
        contents.objects[fields[1]] = fields[2]
      } else {
        contents.records.append(fields[3...].joined(separator: " "))
        if fields[3].addingPercentEncoding(withAllowedCharacters: Self.plain) != fields[1]
          || !fields[4].hasPrefix(fields[2])
        {
          contents.strays.append(String(line))
        }
      }
    }
    contents.records.sort()
    return contents
  }

  private static let plain = CharacterSet(
    charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")

  /// How many records the group has left to read.
  func lag() async throws -> Int64 {
    let admin = try Admin(properties: ["bootstrap.servers": broker.bootstrapServers], logger: Bars.logger)
    let lags = try await admin.lag(group: "s3-consumer", topics: [Topics.marketData.name])
    return lags.reduce(0) { $0 + $1.lag }
  }

  func deadLetters() async throws -> Int64 {
    let admin = try Admin(properties: ["bootstrap.servers": broker.bootstrapServers], logger: Bars.logger)
    let lags = try await admin.lag(group: "nobody", topics: [Topics.marketData.deadLetterName])
    return lags.reduce(0) { $0 + $1.watermarks.high }
  }
}
