import Kafka
import Logging
import Metrics
import Runtime
import ServiceKit

/// The loop of a service that writes immutable objects: collects records into generations, one open in each
/// partition, and closes them one after the other while it reads on.
///
/// Closing `first..<next`: dead letters are acknowledged; offset `first` is committed with a ``ClosingMark``; the
/// contents are written; offset `next` is committed. Whoever finds the mark repeats exactly this range, so any rule
/// for when to close is safe, also one by the clock: nothing is lost, and nothing is written under two names.
///
/// One task runs it; each closing is a task of its own, at most one in a partition.
package final class GenerationPipeline<Sink: GenerationSink> {
  /// A generation that takes records in.
  struct Open {
    var draft: Sink.Draft
    let format: String
    let first: Int64
    var next: Int64
    var records = 0
    let since: ContinuousClock.Instant
    var letters = OutgoingBatch()
    /// Where it has to end, for one that is repeated.
    let limit: Int64?
    /// Its records are gone from the log: it cannot be repeated, and takes no more of them.
    var isSealed = false
  }
  /// A generation on its way.
  struct Closing {
    let generation: Generation<Sink.Draft.Contents>
    let task: Task<Void, Never>
    /// Raised when there is no time for another attempt.
    let lastCall: Interruption
  }

  let consumer: Consumer
  let producer: Producer
  let sink: Sink
  let policy: GenerationPolicy
  let options: PipelineOptions
  let context: ServiceContext
  let metrics = PipelineMetrics()
  let meters = GenerationMeters()
  let deadLetters: DeadLetterQueue
  let closer: GenerationCloser<Sink>
  private var assignment: Assignment
  private let heartbeat: Heartbeat
  private let offsetsReadiness: ReadinessCondition
  var account = SinkAccount()
  var open: [Lease: Open] = [:]
  var closings: [Lease: Closing] = [:]
  /// What has to be repeated first, by partitions just assigned.
  var marks: [TopicPartition: ClosingMark] = [:]
  /// Positions behind offsets that hold no records, to be committed once all before them is.
  var ends: [Lease: Int64] = [:]
  /// Written, but the commit did not go through.
  var uncommitted: [TopicPartition: Int64] = [:]
  private var starting: [(partitions: Set<TopicPartition>, answer: Consumer.StartAnswer)] = []
  /// Partitions nobody had committed anything of.
  private var fresh: Set<TopicPartition> = []

  private static var tick: Duration { .seconds(15) }
  /// How soon a finished closing is noticed.
  private static var calm: Duration { .milliseconds(20) }

  package init(
    service: ServiceIdentity, consumer: Consumer, producer: Producer, sink: Sink, policy: GenerationPolicy,
    options: PipelineOptions, context: ServiceContext
  ) {
    self.consumer = consumer
    self.producer = producer
    self.sink = sink
    self.policy = policy
    self.options = options
    self.context = context
    deadLetters = DeadLetterQueue(service: service, budget: options.deadLetterBudget, logger: context.logger)
    closer = GenerationCloser(
      sink: sink, consumer: consumer, producer: producer, deadLetters: deadLetters, metrics: metrics,
      backoff: options.backoff, readiness: context.health.readiness("sink"), logger: context.logger)
    assignment = Assignment(context.health)
    heartbeat = context.health.liveness("worker", maxAge: .seconds(120))
    offsetsReadiness = context.health.readiness("offsets")
  }

  /// Works until the consumer is closed (by `context.drain` or by a failure) and drained.
  package func run() async throws {
    offsetsReadiness.set(ready: true)
    closer.readiness.set(ready: true)
    let (drain, consumer) = (context.drain, consumer)
    let stopper = Task {
      await drain.wait()
      consumer.close()
    }
    defer {
      stopper.cancel()
      leave(account.partitions)
    }
    do {
      try await readElements()
    } catch {
      // Leave the group properly, but with nothing more committed: the failure says that we do not know.
      consumer.close()
      for closing in closings.values { closing.lastCall.raise() }
      try? await giveEverythingBack()
      throw error
    }
  }

  private func readElements() async throws {
    while true {
      heartbeat.beat()
      try absorb()
      try await catchUp()
      closeWhatIsDue()
      try await commitEnds()
      try await makeRoom()
      guard let element = try await consumer.next(before: nextLook) else { return }
      switch element {
      case .assigning(let partitions, let answer): starting.append((partitions, answer))
      case .assigned(let positions): await assigned(positions)
      case .batch(let batch): try append(batch)
      case .revoking(let partitions, let answer): try await revoke(partitions, answer)
      case .lost(let partitions): leave(partitions)
      case .gap(let gap): try skip(gap)
      case .passed(let ends): pass(ends)
      case .idle: break
      }
    }
  }

  private var nextLook: ContinuousClock.Instant {
    let now = ContinuousClock.now
    guard closings.isEmpty, starting.isEmpty else { return now + Self.calm }
    let due = open.values.lazy.filter { $0.limit == nil }.map { $0.since + self.policy.age }.min()
    return min(now + Self.tick, due ?? now + Self.tick)
  }

  /// Nothing more is taken in while too much waits to be written, or a range that ends at a gap.
  private func makeRoom() async throws {
    while load > policy.budget || open.values.contains(where: \.isSealed), !closings.isEmpty,
      !consumer.revokeWaiting.isRaised
    {
      heartbeat.retrying("waiting for room to write", atMost: options.retryCap.duration)
      _ = await consumer.revokeWaiting.sleep(for: Self.calm)
      try absorb()
      closeWhatIsDue()
    }
  }

  var load: Int {
    open.values.reduce(0) { $0 + $1.draft.bytes } + closings.values.reduce(0) { $0 + $1.generation.bytes }
  }

  // MARK: Partitions come and go

  /// Finds out where newly assigned partitions start, and what of them has to be repeated.
  private func catchUp() async throws {
    var backoff = options.backoff
    while let next = starting.first, !consumer.revokeWaiting.isRaised {
      do {
        let committed = try await consumer.committed(next.partitions)
        offsetsReadiness.set(ready: true)
        backoff = options.backoff
        for partition in next.partitions {
          marks[partition] = committed[partition].flatMap { found in
            ClosingMark(found.metadata).flatMap { $0.next > found.offset ? $0 : nil }
          }
          if committed[partition] == nil { fresh.insert(partition) }
        }
        next.answer.start(at: committed.mapValues(\.offset))
        starting.removeFirst()
      } catch {
        guard error.isTransient else { throw error }
        metrics.retried(error.code)
        offsetsReadiness.set(ready: false, reason: "\(error)")
        let delay = backoff.next(retryAfter: error.retryAfter)
        heartbeat.retrying("committed offsets: \(error.code)", atMost: delay)
        context.logger.warning("waiting for committed offsets", metadata: ["reason": "\(error)"])
        if await consumer.revokeWaiting.sleep(for: delay) { return }
      }
    }
  }

  private func assigned(_ positions: [TopicPartition: Int64]) async {
    assignment.took(positions.keys)
    account.started(positions)
    context.logger.info("assigned", metadata: ["positions": "\(positions)"])
    for (partition, mark) in marks where positions[partition] != nil {
      context.logger.notice(
        "repeating what an earlier owner had begun to write",
        metadata: ["partition": "\(partition)", "from": "\(positions[partition] ?? -1)", "to": "\(mark.next)"])
    }
    // Pinned at once: a crash before the first commit must not start over at another "latest".
    let pins = positions.filter { fresh.contains($0.key) }
    fresh.subtract(positions.keys)
    do { if !pins.isEmpty { try await consumer.commit(pins) } } catch {
      context.logger.debug("start offsets not committed yet", metadata: ["reason": "\(error)"])
    }
  }

  /// Closes what is open of these partitions, waits for it once, and hands them over.
  private func revoke(_ partitions: Set<TopicPartition>, _ answer: Consumer.RevokeAnswer) async throws {
    do {
      // Two rounds: what is on its way, then what is open behind it. An outage is left to the next owner.
      try await settle(partitions)
      for lease in open.keys where partitions.contains(lease.partition) {
        if open[lease]?.limit == nil { close(lease) }
      }
      try await settle(partitions)
    } catch {
      answer.done(committing: [:])
      throw error
    }
    // All others are committed, or have to keep their mark.
    let passed = passable.filter { partitions.contains($0.key.partition) }
    answer.done(
      committing: uncommitted.filter { partitions.contains($0.key) }
        .merging(passed.map { ($0.key.partition, $0.value) }) { max($0, $1) })
    context.logger.info("handed over", metadata: ["partitions": "\(partitions.map(\.description).sorted())"])
    leave(partitions)
  }

  private func settle(_ partitions: Set<TopicPartition>) async throws {
    for (lease, closing) in closings where partitions.contains(lease.partition) { closing.lastCall.raise() }
    for (lease, closing) in closings where partitions.contains(lease.partition) { await closing.task.value }
    try absorb()
  }

  private func leave(_ partitions: Set<TopicPartition>) {
    for (lease, closing) in closings where partitions.contains(lease.partition) {
      closing.lastCall.raise()
      closings[lease] = nil
    }
    for lease in open.keys where partitions.contains(lease.partition) { open[lease] = nil }
    for lease in ends.keys where partitions.contains(lease.partition) { ends[lease] = nil }
    for partition in partitions {
      marks[partition] = nil
      uncommitted[partition] = nil
    }
    metrics.returned(by: account.forget(partitions))
    metrics.setInFlight(account.inFlight)
    assignment.gave(partitions)
    for index in starting.indices { starting[index].partitions.subtract(partitions) }
    starting.removeAll(where: \.partitions.isEmpty)
    fresh.subtract(partitions)
    recordLoad()
  }

  /// Records are gone before they could be read: what was read before them is written as it is, and reading goes on
  /// behind them (or ends, when that is the policy).
  private func skip(_ gap: Gap) throws {
    guard consumer.configuration.onGap == .continue else { return }
    if gap.isOtherLog { throw Failure.otherLog(gap) }
    marks[gap.partition] = nil
    guard let lease = open.keys.first(where: { $0.partition == gap.partition }) else { return }
    if open[lease]?.limit == nil {
      open[lease]?.next = gap.available
      open[lease]?.isSealed = true
    } else {
      // Incomplete, and what its earlier owner wrote of it may be whole: it is not overwritten.
      open[lease] = nil
      metrics.returned(by: account.forget([gap.partition]))
      metrics.setInFlight(account.inFlight)
    }
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
}
