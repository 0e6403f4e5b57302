import Core
import Kafka

/// Publishes predictions and windows; they are acknowledged when `send` returns.
package protocol PredictionOutput: Sendable {
  /// - Parameter positions: next offsets of the batch's input.
  /// - Throws: `ClassifiedError`; after a transient one the caller repeats the call.
  func send(_ batch: OutgoingBatch, for positions: [TopicPartition: Int64]) async throws
}

/// Produces and awaits every acknowledgement; the loop then commits the offsets.
package struct AcknowledgedOutput: PredictionOutput {
  let producer: Producer

  package func send(_ batch: OutgoingBatch, for positions: [TopicPartition: Int64]) async throws {
    if !batch.isEmpty { try await producer.send(batch) }
  }
}

/// `--delivery exactly-once`: predictions, windows and offsets become visible together, to readers of committed
/// records. A worker that has lost its partitions without noticing cannot write, not even a window.
package struct TransactionalOutput: PredictionOutput {
  /// Its transactions are initialised.
  let producer: Producer
  let consumer: Consumer

  package func send(_ batch: OutgoingBatch, for positions: [TopicPartition: Int64]) async throws {
    try await retrying(times: 20) { try await producer.beginTransaction() }
    do {
      if !batch.isEmpty { try await producer.send(batch) }
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
