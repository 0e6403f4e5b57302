import Catalogue
import Core
import Kafka
import KafkaFlags
import Logging
import Messages
import ServiceKit

/// Writes subscriptions and batch jobs into Kafka, with a producer that is made when the first one is asked for.
actor ChangeWriter {
  private let kafka: KafkaOptions
  private let name: String
  private let logger: Logger
  private var producer: Producer?
  /// How long a request waits for Kafka.
  private let limit: Duration = .seconds(5)

  init(_ kafka: KafkaOptions, name: String, logger: Logger) {
    (self.kafka, self.name, self.logger) = (kafka, name, logger)
  }

  func subscribe(_ subscriptions: [FeedSubscription]) async throws {
    try await send(Topics.subscriptions, subscriptions.map { ($0.key, $0.encoded()) })
  }

  func unsubscribe(feeds: [String], symbol: String) async throws {
    try await send(Topics.subscriptions, feeds.map { (FeedSubscription.key(feed: $0, symbol: symbol), nil) })
  }

  func submit(_ job: BatchJob) async throws { try await send(Topics.batchJobs, [(job.key, job.encoded())]) }

  /// - Throws: `Problem` 503 when Kafka has not taken them in time; it may take them later all the same.
  private func send(_ topic: Topic, _ records: [(key: [UInt8], value: [UInt8]?)]) async throws {
    let producer = try opened()
    var batch = OutgoingBatch()
    for record in records { batch.append(topic: topic.name, key: record.key, value: record.value) }
    let (sent, limit) = (batch, limit)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await producer.send(sent) }
      group.addTask {
        try await Task.sleep(for: limit)
        throw Problem.away(
          "kafka", "Kafka has not taken it within \(limit.components.seconds) s; ask again: a repeat is harmless",
          after: 5)
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  private func opened() throws -> Producer {
    if let producer { return producer }
    let opened = try Producer(try kafka.producerConfiguration(clientID: name, logger: logger))
    producer = opened
    return opened
  }

  func close() async { await producer?.close(within: .seconds(2)) }
}
