import ArgumentParser
import Catalogue
@testable import Forecasting
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import ModelRegistry
import ObjectStoreFlags
import Synchronization
import TestSupport
import Values

/// A broker of its own with the topics of market data, a registry in a folder, and processes of the worker.
final class WorkerCluster: Sendable {
  static let logger: Logger = {
    var logger = Logger(label: "inference-worker-tests")
    logger.logLevel = .critical
    return logger
  }()
  static let group = "inference-worker-screening"

  let broker: EmbeddedBroker
  let registry: ModelRegistry
  let folder: String
  private let admin: Admin
  private let producer: Producer
  private let tap: TableReader
  private let tapped: Tapped

  /// - Parameter folder: where the registry is; several clusters may share one.
  init(folder: String, partitions: Int = 4) throws {
    self.folder = folder
    let topics = Topics.commodityObservations + Topics.commodityObservations.map(\.deadLetters)
      + [Topics.seriesWindows, Topics.databaseWriteBuffer]
    broker = try EmbeddedBroker(topics: topics.map { ($0.name, partitions) })
    registry = ModelRegistry(try ObjectStoreOptions.parse(["--object-store", "file://\(folder)"]).makeStore())
    let options = try KafkaOptions.parse(["--kafka-bootstrap-servers", broker.bootstrapServers])
    admin = try options.makeAdmin(clientID: "test", logger: Self.logger)
    producer = try Producer(options.producerConfiguration(clientID: "test", logger: Self.logger))
    let tapped = Tapped()
    self.tapped = tapped
    tap = try TableReader(
      options.tableConfiguration(clientID: "tap", topic: Topics.databaseWriteBuffer.name, logger: Self.logger)
    ) { tapped.take($0) }
  }

  private final class Tapped: Sendable {
    let predictions = Mutex<[Prediction]>([])

    func take(_ batch: RecordBatch) {
      batch.forEach { record in
        if let prediction = try? Prediction(decoding: record.value) { predictions.withLock { $0.append(prediction) } }
      }
    }
  }

  /// All that was published so far.
  var predictions: [Prediction] { tapped.predictions.withLock { $0 } }

  /// All contents published under each id.
  var byID: [String: Set<[UInt8]>] {
    Dictionary(grouping: predictions, by: \.predictionID).mapValues { Set($0.map { $0.encoded() }) }
  }

  func close() async {
    await tap.closeAndWait()
    await producer.close(within: .seconds(5))
    broker.close()
  }

  // MARK: Models

  static func manifest(
    _ name: String, version: String = "1", series: String = "*.*.screening.*", history: Int = 6,
    kind: ModelKind = .croston
  ) -> ModelManifest {
    ModelManifest(
      name: name, version: version, kind: kind, series: series, seriesKind: "demand", history: history, horizon: 2,
      period: 3_600, smoothing: Smoothing(size: 0.3, interval: 0.2),
      trained: .init(from: "2025-01-01T00:00:00Z", to: "2025-01-19T00:00:00Z"), created: "2025-01-20T00:00:00Z")
  }

  func publish(_ manifest: ModelManifest) async throws {
    try await registry.publish(manifest, weights: nil)
  }

  // MARK: Records

  func feed(_ observations: some Sequence<CommodityObservation>) async throws {
    var batch = OutgoingBatch()
    for observation in observations {
      batch.append(
        topic: CommodityObservation.topic(of: observation.series.category).name, key: observation.key,
        value: observation.encoded(), timestamp: observation.observedAt.microseconds / 1_000)
    }
    try await producer.send(batch)
  }

  func feed(_ value: String, key: String, category: CommodityCategory = .screening) async throws {
    var batch = OutgoingBatch()
    batch.append(topic: CommodityObservation.topic(of: category).name, key: Array(key.utf8), value: Array(value.utf8))
    try await producer.send(batch)
  }

  /// Demand, often none, of each series at each of these hours; the same however it is cut into calls.
  static func demand(_ series: [String], hours: Range<Int>) -> [CommodityObservation] {
    hours.flatMap { hour in
      series.enumerated().map { number, series in
        let units = (hour * 7 + number * 3) % 4 == 0 ? "\((hour * 13 + number * 5) % 17 + 1)" : "0"
        return observation(series, hour: hour, units, kind: .demand, currency: nil, unit: "pc")
      }
    }
  }

  static let series = (0..<12).map { "mena.c\($0).screening.valve" }

  func lag(_ group: String = WorkerCluster.group, topics: [Topic]) async throws -> Int64 {
    try await admin.lag(group: group, topics: topics.map(\.name)).reduce(0) { $0 + $1.lag }
  }

  func awaitCaughtUp(
    _ group: String = WorkerCluster.group, _ topics: [Topic] = [Topics.commodityObservations(of: .screening)]
  ) async throws {
    try await eventually("\(group) has read everything", timeout: .seconds(240)) {
      try await lag(group, topics: topics) == 0
    }
    // What is committed is acknowledged; the tap reads a moment later.
    // Both are asked each time: another group may still be at work.
    try await eventually("the tap has every prediction") {
      let made = try await records(in: Topics.databaseWriteBuffer.name)
      return Int64(predictions.count) == made
    }
  }

  func records(in topic: String) async throws -> Int64 {
    let partitions = Set((0..<4).map { TopicPartition(topic, Int32($0)) })
    return try await admin.watermarks(partitions).values.reduce(0) { $0 + $1.high }
  }

  // MARK: Processes

  func start(
    _ arguments: [String] = [], kind: String = "screening", environment: [String: String?] = [:]
  ) async throws -> ServiceProcess {
    try await ServiceProcess.start(
      "inference-worker",
      ["--kind", kind, "--models", "file://\(folder)", "--model-interval", "200ms", "--batch-wait", "10ms"] + arguments,
      environment: self.environment.merging(environment) { $1 })
  }

  var environment: [String: String?] {
    [
      "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "RETRY_CAP": "1s",
      "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500",
    ]
  }
}
