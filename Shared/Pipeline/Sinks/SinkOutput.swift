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
  let producer: Producer

  package func send(_ batches: [OutgoingBatch], for positions: [TopicPartition: Int64]) async throws {
    for batch in batches where !batch.isEmpty { try await producer.send(batch) }
  }
}

/// `--delivery exactly-once`: records and offsets become visible together, to readers of committed records. A process
/// that has lost its partitions without noticing cannot write.
package struct TransactionalOutput: SinkOutput {
  /// Its transactions are initialised.
  let producer: Producer
  let consumer: Consumer

  package func send(_ batches: [OutgoingBatch], for positions: [TopicPartition: Int64]) async throws {
    try await producer.transaction(moving: consumer, to: positions) { mustEnd, call in
      try await Backoff(base: .milliseconds(100), cap: .milliseconds(100)).retry(call) { failed in
        guard failed.asksForRepeat, mustEnd || failed.number < 20 else { throw failed.error }
        try await Task.sleep(for: failed.delay)
      }
    } work: {
      for batch in batches where !batch.isEmpty { try await producer.send(batch) }
    }
  }
}

extension Producer {
  /// One transaction from begin to commit; on any failure it is aborted.
  ///
  /// - Parameters:
  ///   - positions: next offsets of the consumer's group.
  ///   - repeating: makes one call, again for as long as that is its remedy; `mustEnd`: it may not be given up, because
  ///     it may already have happened.
  func transaction<Value>(
    moving consumer: Consumer, to positions: [TopicPartition: Int64],
    repeating: (_ mustEnd: Bool, _ call: () async throws -> Void) async throws -> Void,
    work: () async throws -> Value
  ) async throws -> Value {
    try await repeating(false) { try await beginTransaction() }
    do {
      let value = try await work()
      let group = try await consumer.groupMetadata()
      try await repeating(false) { try await sendOffsets(positions, metadata: group) }
      try await repeating(true) { try await commitTransaction() }
      return value
    } catch {
      let cause = error
      do { try await repeating(true) { try await abortTransaction() } } catch {
        // What led here tells more than the abort that could not follow.
        throw ErrorClass(of: cause) == .transient ? error : cause
      }
      throw cause
    }
  }
}

extension FailedAttempt {
  /// The library wants the same call again.
  var asksForRepeat: Bool { (error as? KafkaError)?.remedy == .retry && !Task.isCancelled }
}
