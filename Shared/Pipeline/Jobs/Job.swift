import Kafka

/// One consumed record, copied out of librdkafka's buffers (jobs live long, and a live record pins its whole
/// fetch buffer).
package struct Job: Sendable {
  package var topic: String
  package var partition: Int32
  package var offset: Int64
  /// Milliseconds since the epoch, as the broker keeps it; nil when the record has none.
  package var timestamp: Int64?
  package var key: [UInt8]?
  /// Nil for a tombstone.
  package var value: [UInt8]?
  package var headers: [Header]
  let lease: Lease

  package var topicPartition: TopicPartition { TopicPartition(topic, partition) }

  /// The last header of this name.
  package func header(_ name: String) -> [UInt8]? { headers.last { $0.name == name }?.value }
}

extension Job {
  init(copying record: borrowing RecordBatch.Record) {
    topic = record.topic
    partition = record.partition
    offset = record.offset
    timestamp = record.timestamp < 0 ? nil : record.timestamp
    key = record.keyBytes
    value = record.isTombstone ? nil : record.valueBytes
    headers = record.headers
    lease = record.lease
  }

  static func all(in batch: RecordBatch) -> [Job] {
    var jobs: [Job] = []
    jobs.reserveCapacity(batch.count)
    batch.forEach { record in jobs.append(Job(copying: record)) }
    return jobs
  }
}
