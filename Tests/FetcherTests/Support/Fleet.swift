import ArgumentParser
import Catalogue
@testable import FetcherService
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import Testing
import TestSupport
import Values

/// An embedded broker with tasks to do, and real `fetcher` processes that do them.
struct Fleet {
  let broker: EmbeddedBroker
  let folder: String
  let redis: PrivateRedis?

  init(folder: String, redis: PrivateRedis?, sources: String) throws {
    broker = try EmbeddedBroker(topics: Topics.allWithDeadLetters.map { ($0.name, Int($0.partitions)) })
    self.folder = folder
    self.redis = redis
    try (Catalogues.world + "sources:\n" + sources)
      .write(toFile: "\(folder)/markets.yaml", atomically: true, encoding: .utf8)
  }

  func start(_ more: [String] = []) async throws -> ServiceProcess {
    var arguments = [
      "--catalogue", "\(folder)/markets.yaml", "--allow-private-addresses", "--kafka-bootstrap-servers",
      broker.bootstrapServers, "--kafka-property", "session.timeout.ms=6000", "--retry-base", "50ms",
      "--retry-cap", "1s", "--commit-interval", "200ms",
    ]
    if let redis { arguments += ["--redis-url", redis.url] }
    return try await ServiceProcess.start("fetcher", arguments + more)
  }

  func kafka(_ group: String = "test-\(TestServers.uniqueName())") throws -> KafkaOptions {
    var options = try KafkaOptions.parse([])
    options.kafkaBootstrapServers = broker.bootstrapServers
    options.kafkaProperty = ["session.timeout.ms=6000", "heartbeat.interval.ms=300"]
    options.groupId = group
    return options
  }

  func send(_ tasks: [IngestionTask], raw: [String] = []) async throws {
    let producer = try Producer(kafka().producerConfiguration(clientID: "test", logger: quiet))
    var batch = OutgoingBatch()
    for task in tasks {
      batch.append(
        topic: IngestionTask.topic.name, key: task.key, value: task.encoded(), partitionBy: task.partitionKey)
    }
    for text in raw {
      batch.append(topic: IngestionTask.topic.name, key: Array(text.utf8), value: Array(text.utf8))
    }
    try await producer.send(batch)
    await producer.close()
  }

  struct Record: Sendable {
    var topic: String
    var key: String
    var value: [UInt8]
    var headers: [String: String]
    var observation: CommodityObservation { get throws { try CommodityObservation(decoding: value) } }
  }

  /// Everything in these topics now.
  func read(_ topics: [Topic]) async throws -> [Record] {
    let options = try kafka()
    let admin = try options.makeAdmin(clientID: "reader", logger: quiet)
    let partitions = topics.flatMap { topic in (0..<topic.partitions).map { TopicPartition(topic.name, $0) } }
    let ends = try await admin.watermarks(Set(partitions))
    var left = ends.values.reduce(0) { $0 + $1.high - $1.low }
    let consumer = try Consumer(
      options.consumerConfiguration(clientID: "reader", topics: topics.map(\.name), logger: quiet))
    var records: [Record] = []
    while left > 0, let element = try await consumer.next(before: nil) {
      guard case .batch(let batch) = element else { continue }
      batch.forEach { record in
        records.append(Record(
          topic: record.topic, key: String(decoding: record.keyBytes ?? [], as: UTF8.self), value: record.valueBytes,
          headers: Dictionary(record.headers.map { ($0.name, $0.text) }, uniquingKeysWith: { $1 })))
      }
      left -= Int64(batch.count)
    }
    consumer.close()
    while let element = try await consumer.next(before: nil) {
      if case .revoking(_, let answer) = element { answer.done(committing: [:]) }
    }
    return records
  }

  func observations() async throws -> [CommodityObservation] {
    try await read(Topics.commodityObservations).map { try $0.observation }
  }

  /// Tasks of one series, one for each hour of a day.
  static func day(
    _ day: String, _ material: String = "PVC", _ country: String? = "Egypt", kind: IngestionTask.Kind = .fetchPrice,
    hours: Range<Int> = 0..<24, deadline: Timestamp? = nil
  ) -> [IngestionTask] {
    hours.map { hour in
      var task = Stage.task(
        material, country, kind: kind, due: "\(day)T\(hour < 10 ? "0" : "")\(hour):00:00Z", deadline: deadline)
      task.jobID = "\(material)-\(country ?? "world")-\(day)-\(hour)-\(kind.rawValue)"
      task.region = country == nil ? "global" : country == "Egypt" ? "mena" : "europe"
      task.category = material == "PVC" ? .polymer : material == "Copper" ? .screening : .energy
      return task
    }
  }
}

/// Accounts of the running process: consumed = kept + skipped + dead-lettered + returned + in flight.
extension ServiceProcess {
  func ended() async -> Double {
    let samples = await metrics()
    return ["kept", "skipped", "dead_lettered"].reduce(0) { $0 + (samples.sum("souk_records_\($1)_total") ?? 0) }
  }

  func skipped(_ reason: String) async -> Double {
    await metrics().sum("souk_records_skipped_total", where: ["reason": reason]) ?? 0
  }
}
