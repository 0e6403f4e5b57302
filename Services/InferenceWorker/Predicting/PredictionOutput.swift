import Kafka
import Runtime

/// Where predictions and windows go. When `send` returns they are acknowledged.
package protocol PredictionOutput: Sendable {
  /// - Parameter positions: next offsets of what led to the batch.
  /// - Throws: `ClassifiedError`; after a transient one the same call is made again.
  func send(_ batch: OutgoingBatch, for positions: [TopicPartition: Int64]) async throws
}

/// Produces and awaits every acknowledgement; offsets are committed afterwards by the loop.
package struct AcknowledgedOutput: PredictionOutput {
  private let producer: Producer

  package init(_ producer: Producer) { self.producer = producer }

  package func send(_ batch: OutgoingBatch, for positions: [TopicPartition: Int64]) async throws {
    if !batch.isEmpty { try await producer.send(batch) }
  }
}

/// `--delivery exactly-once`: predictions, windows and offsets become visible together, to readers of committed
/// records. A worker that lost its partitions without knowing cannot write any more, not even a window.
package struct TransactionalOutput: PredictionOutput {
  private let producer: Producer
  private let consumer: Consumer

  /// - Parameter producer: its transactions are initialised.
  package init(_ producer: Producer, _ consumer: Consumer) {
    self.producer = producer
    self.consumer = consumer
  }

  package func send(_ batch: OutgoingBatch, for positions: [TopicPartition: Int64]) async throws {
    try await insisting(times: 20) { try await producer.beginTransaction() }
    do {
      if !batch.isEmpty { try await producer.send(batch) }
      let group = try await consumer.groupMetadata()
      try await insisting(times: 20) { try await producer.sendOffsets(positions, metadata: group) }
      // Begun, a commit has to be seen through: it may already have happened.
      try await insisting { try await producer.commitTransaction() }
    } catch {
      try await insisting { try await producer.abortTransaction() }
      throw error
    }
  }

  /// Makes a call again for as long as that is its remedy.
  private func insisting(times: Int = .max, _ call: () async throws -> Void) async throws {
    try await Backoff(base: .milliseconds(100), cap: .milliseconds(100)).retry(call) { failed in
      guard (failed.error as? TransactionError)?.remedy == .retry, failed.number < times, !Task.isCancelled else {
        throw failed.error
      }
      try await Task.sleep(for: failed.delay)
    }
  }
}
