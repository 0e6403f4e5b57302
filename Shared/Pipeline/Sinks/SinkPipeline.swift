import Core
import Kafka
import Logging
import ServiceKit

/// When a sink's buffers are written out: whichever comes first.
package struct FlushPolicy: Sendable, Hashable {
  package var rows: Int
  package var bytes: Int
  /// The longest a record waits in the buffers.
  package var linger: Duration

  package init(rows: Int, bytes: Int, linger: Duration) {
    self.rows = rows
    self.bytes = bytes
    self.linger = linger
  }
}

/// Writes records in batches: fills the sink's buffers, flushes when they are full or old, and commits what is durable.
///
/// `committed <= flushed` always. Outages hold the loop (librdkafka keeps the rest) and give way to a waiting
/// revoke; a refused record is found by the sink, re-read, dead-lettered, and its neighbours are written.
///
/// One task runs it and owns the sink; everything that decides lies in `SinkAccount`.
package final class SinkPipeline<Destination: Sink>: PartitionStrategy {
  let pipeline: PipelineContext
  let sink: Destination
  private let policy: FlushPolicy
  var account = SinkAccount()
  /// Dead letters of the records since the last flush: acknowledged before the offsets move.
  var letters = OutgoingBatch()
  /// Partitions to be read again from where the sink stands; their records are not looked at until then.
  var rereading: Set<TopicPartition> = []
  var lastDurable: [TopicPartition: Int64] = [:]
  /// Contexts of the records that wait; nil when no traces are wanted.
  var links: SpanLinks?
  /// Set when a flush gave way, so that it does not spin while the revoke is on its way.
  private var pausedUntil: ContinuousClock.Instant?

  package var loop: LoopContext { pipeline.loop }
  var consumer: Consumer { pipeline.consumer }
  package var metrics: PipelineMetrics { pipeline.metrics }

  package init(
    service: ServiceIdentity, consumer: Consumer, producer: Producer, sink: Destination, policy: FlushPolicy,
    options: PipelineOptions, context: ServiceContext
  ) {
    pipeline = PipelineContext(
      service, consumer: consumer, producer: producer, options: options, service: context, readiness: "sink")
    self.sink = sink
    self.policy = policy
    links = context.tracer.map { _ in SpanLinks() }
  }

  /// Works until the consumer is closed (by `context.drain` or by a failure) and drained.
  package func run() async throws { try await PartitionLoop(self).run() }

  // MARK: Partitions come and go

  package func starts(of partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64] {
    try await sink.start(partitions)
  }

  package func assigned(_ positions: [TopicPartition: Int64], unknown: [TopicPartition: Int64]) async throws {
    account.started(positions)
    guard !unknown.isEmpty else { return }
    account.pinned(unknown, at: .now)
    try await flush()
  }

  package func passed(_ ends: [Lease: Int64]) {
    account.passed(Dictionary(uniqueKeysWithValues: ends.map { ($0.key.partition, $0.value) }), at: .now)
  }

  /// A gap within one log needs nothing here, because what was read before it stays ours to write.
  package func skip(_ gap: Gap) async throws {
    guard gap.isOtherLog else { return }
    try await flush()
    forget([gap.partition])
    account.started([gap.partition: gap.available])
  }

  package func settle(_ partitions: Set<TopicPartition>) async throws -> Handover {
    do {
      try await writeOut()
    } catch let error where ErrorClass(of: error) == .transient {
      pipeline.logger.warning("not flushed", metadata: ["reason": "\(error)"])
    }
    if !account.isEmpty { pipeline.logger.warning("handing over with unwritten records") }
    return Handover(account.durable(in: partitions))
  }

  package func leave(_ partitions: Set<TopicPartition>) -> Int {
    rereading.subtract(partitions)
    return forget(partitions)
  }

  /// Takes the waiting records of these partitions out of the sink's buffers and the account.
  /// - Parameter isReread: they are read again by this process, and what was dead-lettered of them is not repeated.
  /// - Returns: how many records that were.
  @discardableResult
  func forget(_ partitions: Set<TopicPartition>, isReread: Bool = false) -> Int {
    sink.drop(partitions)
    let count = isReread ? account.rewind(partitions) : account.forget(partitions)
    metrics.returned(by: count)
    metrics.setInFlight(account.inFlight)
    if account.isEmpty { letters = OutgoingBatch() }
    return count
  }

  // MARK: What is due

  /// Reads again what has to be read again, and flushes buffers that are old.
  package func work() async throws -> ContinuousClock.Instant? {
    if !rereading.isEmpty, !consumer.revokeWaiting.isRaised {
      try await pipeline.retry("read again", until: consumer.revokeWaiting) { try await self.seekRereading() }
    }
    if let flushAt, flushAt <= .now, !consumer.revokeWaiting.isRaised { try await flush() }
    if rereading.isEmpty { return flushAt }
    let again = ContinuousClock.now + loop.pauseAfterGivingWay
    return flushAt.map { min($0, again) } ?? again
  }

  private var flushAt: ContinuousClock.Instant? {
    account.oldest.map { max($0 + policy.linger, pausedUntil ?? $0) }
  }

  package func take(_ batch: RecordBatch) async throws {
    let now = ContinuousClock.now
    try append(batch, at: now)
    let load = sink.load
    if load.rows >= policy.rows || load.bytes >= policy.bytes || now - (account.oldest ?? now) >= policy.linger {
      try await flush()
    }
  }

  /// Flushes, waiting out any outage, unless a revoke is waiting.
  private func flush() async throws {
    let written: Void? = try await pipeline.retry("flush", until: consumer.revokeWaiting) { try await self.writeOut() }
    if written == nil { pausedUntil = .now + loop.pauseAfterGivingWay }
  }
}
