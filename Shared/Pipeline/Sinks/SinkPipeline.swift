import Kafka
import Logging
import Runtime
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

/// The loop of a service that writes records in batches: fills the sink's buffers, flushes when they are full or
/// old, and commits what is durable.
///
/// `committed <= flushed` always. Outages hold the loop (librdkafka keeps the rest) and give way to a waiting
/// revoke; a refused record is found by the sink, re-read, dead-lettered, and its neighbours are written.
///
/// One task runs it and owns the sink; everything that decides lies in `SinkAccount`.
package final class SinkPipeline<Destination: Sink> {
  let consumer: Consumer
  let producer: Producer
  let sink: Destination
  let policy: FlushPolicy
  let options: PipelineOptions
  let context: ServiceContext
  let metrics = PipelineMetrics()
  let deadLetters: DeadLetterQueue
  private let sinkReadiness: ReadinessCondition
  private var assignment: Assignment
  private let heartbeat: Heartbeat
  var account = SinkAccount()
  /// Dead letters of the records since the last flush: acknowledged before the offsets move.
  var letters = OutgoingBatch()
  /// Partitions to be read again from where the sink stands; their records are not looked at until then.
  var rereading: Set<TopicPartition> = []
  var lastDurable: [TopicPartition: Int64] = [:]
  /// Assignments that wait for the sink to say where they start.
  private var starting: [(partitions: Set<TopicPartition>, answer: Consumer.StartAnswer)] = []
  /// Offered partitions that the sink does not know: it is told where they start before anything of them is read.
  private var unknown: Set<TopicPartition> = []
  /// Set when a retry gave way, so that it does not spin while the revoke is on its way.
  var pausedUntil: ContinuousClock.Instant?
  /// How soon what gave way is tried again.
  var calm: Duration { min(options.backoff.base, .milliseconds(100)) }

  /// How often the loop looks up when nothing happens; shows that the poll thread is alive.
  private static var tick: Duration { .seconds(15) }

  package init(
    service: ServiceIdentity, consumer: Consumer, producer: Producer, sink: Destination, policy: FlushPolicy,
    options: PipelineOptions, context: ServiceContext
  ) {
    self.consumer = consumer
    self.producer = producer
    self.sink = sink
    self.policy = policy
    self.options = options
    self.context = context
    deadLetters = DeadLetterQueue(service: service, budget: options.deadLetterBudget, logger: context.logger)
    sinkReadiness = context.health.readiness("sink")
    assignment = Assignment(context.health)
    heartbeat = context.health.liveness("worker", maxAge: .seconds(120))
  }

  /// Works until the consumer is closed (by `context.drain` or by a failure) and drained.
  package func run() async throws {
    sinkReadiness.set(ready: true)
    let (drain, consumer) = (context.drain, consumer)
    let closer = Task {
      await drain.wait()
      consumer.close()
    }
    defer {
      closer.cancel()
      forget(account.partitions)
    }
    do {
      try await readElements()
    } catch {
      // Leave the group properly, but with nothing more committed: the failure says that we do not know.
      consumer.close()
      try? await giveEverythingBack()
      throw error
    }
  }

  private func readElements() async throws {
    while true {
      heartbeat.beat()
      try await catchUp()
      guard let element = try await consumer.next(before: nextLook) else { return }
      switch element {
      case .assigning(let partitions, let answer): starting.append((partitions, answer))
      case .assigned(let positions): try await assigned(positions)
      case .batch(let batch): try await append(batch)
      case .revoking(let partitions, let answer): try await revoke(partitions, answer)
      case .lost(let partitions): leave(partitions)
      case .gap(let gap): try await skip(gap)
      case .passed(let ends): account.passed(consumer.owned(ends), at: .now)
      case .idle:
        if let flushAt, flushAt <= .now { try await flush() }
      }
    }
  }

  /// When the buffers are due.
  private var flushAt: ContinuousClock.Instant? {
    account.oldest.map { max($0 + policy.linger, pausedUntil ?? $0) }
  }

  private var nextLook: ContinuousClock.Instant {
    let tick = ContinuousClock.now + (starting.isEmpty && rereading.isEmpty ? Self.tick : calm)
    return flushAt.map { min($0, tick) } ?? tick
  }

  private func giveEverythingBack() async throws {
    while let element = try await consumer.next(before: nil) {
      switch element {
      case .revoking(let partitions, let answer):
        answer.done(committing: [:])
        leave(partitions)
      case .lost(let partitions): leave(partitions)
      case .assigning, .assigned, .batch, .gap, .passed, .idle: break
      }
    }
  }

  // MARK: Partitions come and go

  /// What could not be done because the sink was away: partitions without a start, partitions to be read again.
  /// Comes before new records, and after a waiting revoke.
  private func catchUp() async throws {
    while let next = starting.first, !consumer.revokeWaiting.isRaised {
      guard let offsets = try await retrying("start", { try await self.sink.start(next.partitions) }) else { return }
      unknown.formUnion(next.partitions.subtracting(offsets.keys))
      next.answer.start(at: offsets)
      starting.removeFirst()
    }
    if !rereading.isEmpty, !consumer.revokeWaiting.isRaised {
      _ = try await retrying("read again") { try await self.seekRereading() }
    }
  }

  private func assigned(_ positions: [TopicPartition: Int64]) async throws {
    assignment.took(positions.keys)
    account.started(positions)
    context.logger.info("assigned", metadata: ["positions": "\(positions)"])
    let pins = positions.filter { unknown.contains($0.key) }
    unknown.subtract(positions.keys)
    guard !pins.isEmpty else { return }
    // Pinned at once: a crash before the first flush must not start over at another "latest".
    account.pinned(pins, at: .now)
    try await flush()
  }

  /// Where the log ends before our position it was deleted and made again: the same offsets are other records now.
  /// Any other gap needs nothing here, because what was read before it stays ours to write.
  private func skip(_ gap: Gap) async throws {
    guard consumer.configuration.onGap == .continue, gap.isOtherLog else { return }
    if consumer.configuration.externalOffsets { throw Failure.otherLog(gap) }
    try await flush()
    forget([gap.partition])
    account.started([gap.partition: gap.available])
  }

  private func revoke(_ partitions: Set<TopicPartition>, _ answer: Consumer.RevokeAnswer) async throws {
    do {
      // One try: the partitions' next owner repeats what an outage keeps us from writing.
      if try await !flushOnce() { context.logger.warning("handing over with unwritten records") }
    } catch {
      // Nobody else answers, and the group waits.
      answer.done(committing: [:])
      throw error
    }
    answer.done(committing: account.durable(in: partitions))
    context.logger.info("handed over", metadata: ["partitions": "\(partitions.map(\.description).sorted())"])
    leave(partitions)
  }

  private func leave(_ partitions: Set<TopicPartition>) {
    forget(partitions)
    assignment.gave(partitions)
    rereading.subtract(partitions)
    for index in starting.indices { starting[index].partitions.subtract(partitions) }
    starting.removeAll(where: \.partitions.isEmpty)
    unknown.subtract(partitions)
  }

  /// Takes the waiting records of these partitions out of the sink's buffers and the account.
  /// - Parameter isReread: they are read again by this process, and what was dead-lettered of them is not repeated.
  func forget(_ partitions: Set<TopicPartition>, isReread: Bool = false) {
    sink.drop(partitions)
    metrics.returned(by: isReread ? account.rewind(partitions) : account.forget(partitions))
    metrics.setInFlight(account.inFlight)
    if account.isEmpty { letters = OutgoingBatch() }
  }

  // MARK: Outages

  /// Repeats `operation` through outages.
  /// - Returns: nil when a revoke or a close is waiting: it comes first.
  func retrying<Value>(_ what: String, _ operation: () async throws -> Value) async throws -> Value? {
    var backoff = options.backoff
    while true {
      do {
        let value = try await operation()
        sinkReadiness.set(ready: true)
        return value
      } catch let error where ErrorClass(of: error) == .transient {
        let classified = error as? any ClassifiedError
        let delay = backoff.next(retryAfter: classified?.retryAfter)
        metrics.retried(classified?.code ?? "unknown")
        sinkReadiness.set(ready: false, reason: "\(what): \(error)")
        heartbeat.retrying("\(what): \(classified?.code ?? "unknown")", atMost: delay)
        context.logger.log(
          level: backoff.attempt <= 3 ? .warning : .debug, "retrying",
          metadata: ["step": "\(what)", "attempt": "\(backoff.attempt)", "delay": "\(delay)", "reason": "\(error)"])
        if await consumer.revokeWaiting.sleep(for: delay) { return nil }
      }
    }
  }
}
