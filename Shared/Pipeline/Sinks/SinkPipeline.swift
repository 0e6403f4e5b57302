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

extension SinkPipeline {
  // MARK: Taking in

  func append(_ batch: RecordBatch, at now: ContinuousClock.Instant) throws {
    if links != nil { batch.forEach { record in links?.add(record) } }
    var intake = Intake()
    batch.forEach { record in
      if intake.failure == nil { take(record, into: &intake, at: now) }
    }
    intake.finish(booking: &account, metrics, at: now)
    if let failure = intake.failure { throw failure }
  }

  private func take(
    _ record: borrowing RecordBatch.Record, into intake: inout Intake, at now: ContinuousClock.Instant
  ) {
    let partition = record.topicPartition
    guard rereading.isEmpty || !rereading.contains(partition) else { return }
    do {
      let disposition = try disposition(on: record)
      if intake.partition != partition { intake.enter(partition, booking: &account, at: now) }
      intake.book(disposition, record.offset, in: &account, at: now)
    } catch {
      intake.failure = error
    }
  }

  private func disposition(on record: borrowing RecordBatch.Record) throws -> Disposition {
    if account.hasLettered, let code = account.lettered(record.topicPartition, record.offset) {
      return .reject(Rejection(code: code, stage: "decode", "dead-lettered before its partition was read again"))
    }
    if account.hasPoison, let rejection = account.poison(record.topicPartition, record.offset) {
      return try deadLetter(record, try sink.salvage(record, refusedFor: rejection))
    }
    do {
      let disposition = try sink.append(record)
      if case .reject(let rejection) = disposition { return try deadLetter(record, rejection) }
      return disposition
    } catch let error as any ClassifiedError where error.errorClass == .data {
      return try deadLetter(record, Rejection(error, stage: "decode"))
    }
  }

  private func deadLetter(_ record: borrowing RecordBatch.Record, _ rejection: Rejection) throws -> Disposition {
    for letter in DeadLetter.all(Job(copying: record), rejection) {
      try pipeline.deadLetters.add(letter, to: &letters)
    }
    return .reject(rejection)
  }

  // MARK: Writing out

  /// Dead letters first (acknowledged), then the sink, then Kafka's offsets, which are advisory for a sink that
  /// keeps its own.
  func writeOut() async throws {
    guard !account.isEmpty else { return }
    guard let links else { return try await write() }
    let span = pipeline.begin(links, account.inFlight, of: account.positions.keys)
    do { try await write() } catch {
      pipeline.end(span, failure: publicCode(of: error))
      throw error
    }
    pipeline.end(span)
    self.links = SpanLinks()
  }

  private func write() async throws {
    if !letters.isEmpty {
      try await pipeline.deadLetters.send(letters, through: pipeline.producer)
      letters = OutgoingBatch()
    }
    let rows = sink.load.rows
    let start = ContinuousClock.now
    let report = try await sink.flush(to: account.positions)
    metrics.flushed(rows: report.rows ?? (report.durable.isEmpty ? 0 : rows), in: .now - start)
    metrics.ended(account.flushed(report.durable))
    giveUp(report)
    metrics.setInFlight(account.inFlight)
    guard !report.durable.isEmpty else { return }
    // Where it is deferred, the next flush or the answer to the revoke commits these offsets too.
    guard let late = try await pipeline.commitOrDefer({ () throws(KafkaError) in
      try await consumer.commit(report.durable)
    }) else { return }
    sink.committed(report.durable.filter { !late.contains($0.key) })
  }

  /// Partitions that another writer moved, or that hold a refused record, are to be read again from where the
  /// sink stands; nothing of theirs is buffered any more.
  private func giveUp(_ report: FlushReport) {
    account.mark(report.poison)
    for record in report.poison {
      pipeline.logger.warning(
        "refused by the sink, reading its partition again",
        metadata: [
          "topic": "\(record.partition.topic)", "partition": .stringConvertible(record.partition.partition),
          "offset": .stringConvertible(record.offset), "reason": "\(record.rejection)",
        ])
    }
    if !report.fenced.isEmpty {
      pipeline.logger.warning("fenced by another writer", metadata: [
        "partitions": .array(report.fenced.map(\.description).sorted().map { .string($0) })
      ])
    }
    let moved = report.fenced.union(report.poison.map(\.partition))
    guard !moved.isEmpty else { return }
    let durable = account.durable(in: moved)
    forget(moved, isReread: true)
    rereading.formUnion(moved)
    for partition in moved { lastDurable[partition] = durable[partition] }
  }

  /// Moves the consumer back for every partition that is to be read again. Until that worked their records are
  /// not looked at; a partition that left meanwhile is its next owner's.
  func seekRereading() async throws {
    let owned = rereading.intersection(consumer.leases.map(\.partition))
    if !owned.isEmpty {
      let starts = try await sink.start(owned)
      var targets: [TopicPartition: SeekTarget] = [:]
      for partition in owned {
        let offset = starts[partition] ?? lastDurable[partition]
        targets[partition] = offset.map { .offset($0) } ?? .beginning
      }
      try await consumer.seek(targets)
      account.started(lastDurable.filter { owned.contains($0.key) }.merging(starts) { $1 })
    }
    rereading = []
    lastDurable = [:]
  }
}
