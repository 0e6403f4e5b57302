import Kafka

/// A store that takes records in batches. One task at a time calls it.
package protocol Sink {
  /// The sink's own next offsets for newly assigned partitions; a partition it does not know starts at `--start-from`
  /// or, where the consumer is configured so, at the group's commit. Also called after a fence, to learn how far the
  /// other writer went.
  ///
  /// - Throws: `ClassifiedError`; transient ones are retried.
  func start(_ partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64]

  /// Copies one record into the wire buffer of its partition. Synchronous: this is the hot path.
  ///
  /// - Throws: a data-class `ClassifiedError` is the same as `reject`.
  func append(_ record: borrowing RecordBatch.Record) throws -> Disposition

  /// A refused record was read again and is being dead-lettered: copies the parts that the store does accept, where a
  /// record has parts.
  /// - Returns: what is dead-lettered: `reason`, perhaps narrowed to the parts that are refused.
  func salvage(_ record: borrowing RecordBatch.Record, refusedFor reason: Rejection) throws -> Rejection

  /// What waits in the buffers.
  var load: SinkLoad { get }

  /// Makes everything buffered durable, and moves the sink's offsets (if it keeps any) to `positions`, the next
  /// offset of every partition with records since the last flush, also those whose records were all skipped, and of
  /// partitions whose position moved without records.
  ///
  /// On a throw the buffers are as they were, so that the same call can be repeated.
  func flush(to positions: [TopicPartition: Int64]) async throws -> FlushReport

  /// Kafka has these next offsets: the next owner of a partition begins there or behind.
  func committed(_ positions: [TopicPartition: Int64])

  /// Forgets the buffered records of partitions that were taken away.
  func drop(_ partitions: Set<TopicPartition>)
}

extension Sink {
  package func committed(_ positions: [TopicPartition: Int64]) {}

  package func salvage(_ record: borrowing RecordBatch.Record, refusedFor reason: Rejection) throws -> Rejection {
    reason
  }
}

package struct SinkLoad: Sendable, Hashable {
  /// Output rows (points, objects), not input records.
  package var rows: Int
  package var bytes: Int

  package init(rows: Int = 0, bytes: Int = 0) {
    self.rows = rows
    self.bytes = bytes
  }
}

/// What one flush achieved, partition by partition.
package struct FlushReport: Sendable {
  /// Next offsets that are durable now.
  package var durable: [TopicPartition: Int64]
  /// Partitions whose offset in the sink was moved by another writer: nothing of theirs was written, their
  /// buffers are empty.
  package var fenced: Set<TopicPartition>
  /// Records the store refuses for their content; nothing at or after the first of a partition was written, and its
  /// buffer is empty.
  package var poison: [PoisonRecord]
  /// Rows that were written; nil means all that `load` said before, where something is durable.
  package var rows: Int?

  package init(
    durable: [TopicPartition: Int64] = [:], fenced: Set<TopicPartition> = [], poison: [PoisonRecord] = [],
    rows: Int? = nil
  ) {
    self.durable = durable
    self.fenced = fenced
    self.poison = poison
    self.rows = rows
  }
}

package struct PoisonRecord: Sendable, Hashable {
  package var partition: TopicPartition
  package var offset: Int64
  package var rejection: Rejection

  package init(partition: TopicPartition, offset: Int64, rejection: Rejection) {
    self.partition = partition
    self.offset = offset
    self.rejection = rejection
  }
}
