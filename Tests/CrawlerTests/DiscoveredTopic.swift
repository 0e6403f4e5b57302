import ArgumentParser
import Catalogue
import Kafka
import KafkaFlags
import Logging
import Messages
import TestSupport

/// What crawlers announced, as stored in Kafka.
enum DiscoveredTopic {
  /// A record of `gogobe.files.discovered` as stored in Kafka.
  struct Record: Sendable {
    var partition: Int32
    var key: String
    var headers: [String: String]
    var message: FileDiscovered
  }

  static func makeBroker() throws -> EmbeddedBroker {
    try EmbeddedBroker(topics: [(Topics.filesDiscovered.name, Int(Topics.filesDiscovered.partitions))])
  }

  /// Everything in the topic now, in the order of each partition.
  static func read(_ broker: EmbeddedBroker) async throws -> [Record] {
    let logger = quietLogger()
    var options = try KafkaOptions.parse([])
    options.kafkaBootstrapServers = broker.bootstrapServers
    options.kafkaProperty = ["session.timeout.ms=6000", "heartbeat.interval.ms=300"]
    options.groupId = "reader-\(TestServers.uniqueName())"
    let admin = try options.makeAdmin(clientID: "reader", logger: logger)
    let topic = Topics.filesDiscovered
    let ends = try await admin.watermarks(
      Set((0..<topic.partitions).map { TopicPartition(topic.name, $0) }))
    var left = ends.values.reduce(0) { $0 + $1.high - $1.low }
    let consumer = try Consumer(
      options.consumerConfiguration(clientID: "reader", topics: [topic.name], logger: logger))
    var records: [Record] = []
    while left > 0, let element = try await consumer.next(before: nil) {
      guard case .batch(let batch) = element else { continue }
      try batch.forEach { (record: borrowing RecordBatch.Record) throws in
        records.append(Record(
          partition: record.partition, key: String(decoding: record.keyBytes ?? [], as: UTF8.self),
          headers: Dictionary(record.headers.map { ($0.name, $0.text) }, uniquingKeysWith: { first, _ in first }),
          message: try FileDiscovered(decoding: record.valueBytes)))
      }
      left -= Int64(batch.count)
    }
    consumer.close()
    while let element = try await consumer.next(before: nil) {
      if case .revoking(_, let answer) = element { answer.done(committing: [:]) }
    }
    return records
  }
}
