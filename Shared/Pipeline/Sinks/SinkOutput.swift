import Core
import Kafka

/// Publishes what a sink makes of its records, into Kafka.
package protocol SinkOutput: Sendable {
  /// Publishes batches one after the other: each is acknowledged before the next one is sent, and all are when this
  /// returns.
  ///
  /// - Parameter positions: next offsets of the batches' input.
  /// - Throws: `ClassifiedError`; after a transient one the caller repeats the call.
  func send(_ batches: [OutgoingBatch], for positions: [TopicPartition: Int64]) async throws
}

/// Produces and awaits every acknowledgement; the loop then commits the offsets.
package struct AcknowledgedOutput: SinkOutput {
  private let producer: Producer

  package init(producer: Producer) { self.producer = producer }

  package func send(_ batches: [OutgoingBatch], for positions: [TopicPartition: Int64]) async throws {
    for batch in batches where !batch.isEmpty { try await producer.send(batch) }
  }
}

/// `--delivery exactly-once`: records and offsets become visible together, to readers of committed records. A process
/// that has lost its partitions without noticing cannot write.
package struct TransactionalOutput: SinkOutput {
  /// Its transactions are initialised.
  private let producer: Producer
  private let consumer: Consumer

  package init(producer: Producer, consumer: Consumer) {
    self.producer = producer
    self.consumer = consumer
  }

  package func send(_ batches: [OutgoingBatch], for positions: [TopicPartition: Int64]) async throws {
    try await retrying(times: 20) { try await producer.beginTransaction() }
    do {
      for batch in batches where !batch.isEmpty { try await producer.send(batch) }
      let group = try await consumer.groupMetadata()
      try await retrying(times: 20) { try await producer.sendOffsets(positions, metadata: group) }
      // A commit that has begun must be finished: it may already have happened.
      try await retrying { try await producer.commitTransaction() }
    } catch {
      try await retrying { try await producer.abortTransaction() }
      throw error
    }
  }

  /// Repeats a call while the library asks for a retry.
  private func retrying(times: Int = .max, _ call: () async throws -> Void) async throws {
    try await Backoff(base: .milliseconds(100), cap: .milliseconds(100)).retry(call) { failed in
      guard (failed.error as? KafkaError)?.remedy == .retry, failed.number < times, !Task.isCancelled else {
        throw failed.error
      }
      try await Task.sleep(for: failed.delay)
    }
  }
}
