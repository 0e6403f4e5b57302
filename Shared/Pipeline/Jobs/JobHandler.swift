import Core
import Kafka

/// The part of a service that turns one record into effects, many at a time: a download, a parsed file.
package protocol JobHandler: Sendable {
  /// Works on one record. Called again from the start after a transient error, so everything it emits carries
  /// deterministic ids.
  ///
  /// - Throws: a `ClassifiedError`: transient is retried with back-off for ever, data is dead-lettered,
  ///   configuration and fatal stop the service with nothing committed.
  func handle(_ job: Job, emit: Emitter) async throws -> Disposition

  /// Jobs with equal keys run one after the other, in offset order; nil puts a job under no order.
  func orderKey(of job: Job) -> [UInt8]?
}

extension JobHandler {
  package func orderKey(of job: Job) -> [UInt8]? { job.key }
}

/// Where a handler puts its output. Everything sent is acknowledged before the job's offset counts as done.
package struct Emitter: Sendable {
  /// Hands a batch to the producer, waiting while its byte budget is full.
  ///
  /// - Throws: `Abandoned` once the job's partition belongs to another member; `KafkaError` on an outage.
  package let send: @Sendable (OutgoingBatch) async throws -> Void

  /// Waits until everything sent so far is acknowledged, for what may only be said after it. Inside a transaction
  /// nothing is to be waited for: all of it becomes visible at once.
  ///
  /// - Throws: `KafkaError`, as `send`.
  package var acknowledged: @Sendable () async throws -> Void = {}
}

/// The job's partition was taken away (or the service is draining): stop working on it and write nothing more.
struct Abandoned: ClassifiedError {
  let code = "abandoned"
  let errorClass = ErrorClass.transient
  let description = "the partition was handed over before this record was done; its next owner does it"
}

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
