import ArgumentParser
import Catalogue
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import Testing
import TestSupport

/// A service that cannot work exports how far it is behind.
@Suite struct LagTests {
  @Test(.timeLimit(.minutes(10))) func lagIsExportedInRecordsAndSeconds() async throws {
    let topic = Topics.filesDownloaded
    let broker = try EmbeddedBroker(topics: Topics.allWithDeadLetters.map { ($0.name, Int($0.partitions)) })
    defer { broker.close() }
    var kafka = try KafkaOptions.parse([])
    kafka.kafkaBootstrapServers = broker.bootstrapServers
    let producer = try Producer(kafka.producerConfiguration(clientID: "test", logger: Logger(label: "test")))
    let now = Int64(Date().timeIntervalSince1970 * 1_000)
    let count = 3
    var batch = OutgoingBatch()
    for index in 0..<count {
      let message = FileDownloaded(
        chain: "sharon_super", s3Path: "s3://souk/files/\(index)", localPath: nil,
        fileName: "Price7290000000017-001-20250120100\(index).gz", storeID: "1",
        sha256: String(repeating: "0", count: 64))
      batch.append(
        topic: topic.name, key: message.key, value: message.encoded(), timestamp: now - Int64(index + 1) * 3_600_000)
    }
    try await producer.send(batch)
    await producer.close()

    // No store answers: an outage, in which records wait.
    let parser = try await ServiceProcess.start(
      "parser", ["--masters", "off", "--retry-cap", "1s"],
      environment: [
        "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "OBJECT_STORE": "s3://souk",
        "S3_ENDPOINT": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
        "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500",
      ])
    try await eventually("all records wait") {
      if let status = parser.status { throw ConditionNotMet(description: "ended with \(status): \(parser.log)") }
      let metrics = await parser.metrics()
      return metrics.sum("souk_kafka_lag_records", where: ["topic": topic.name]) == Double(count)
        && metrics.sum("souk_retries_total") ?? 0 > 0
    }
    let samples = await parser.metrics().samples
    let ages = samples.filter { $0.name == "souk_kafka_lag_seconds" && $0.value > 0 }
    // One store, so one partition: its oldest record is the first one, whose timestamp is an hour old.
    #expect(ages.count == 1)
    let age = try #require(ages.first)
    #expect(age.labels["topic"] == topic.name && age.labels["group"] == "parser")
    #expect(age.value >= 3_600 && age.value < 7_200)
    let committed = samples.filter { $0.name == "souk_kafka_committed_offset" }
    #expect(committed.count == Int(topic.partitions))
    #expect(committed.allSatisfy { $0.value == 0 })
    await parser.kill()
  }
}
