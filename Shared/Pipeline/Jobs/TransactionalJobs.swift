import Kafka
import Logging
import Runtime
import ServiceKit
import Synchronization

/// `--delivery exactly-once`: some records, everything they led to and the offsets after them become visible
/// together, to readers that use `read_committed`.
///
/// Jobs of different transactions do not overlap: throughput is traded for atomicity. A transaction is a few jobs
/// for each that may run at a time, so that it ends well before the broker's `transaction.timeout.ms`. An aborted
/// one is worked through again from the start.
package struct TransactionalJobs<Handler: JobHandler>: Sendable {
  let consumer: Consumer
  let producer: Producer
  let handler: Handler
  let options: PipelineOptions
  let context: ServiceContext
  let metrics = PipelineMetrics()
  let deadLetters: DeadLetterQueue
  let permits: Permits
  /// Most jobs in one transaction.
  let size: Int
  private let sink: ReadinessCondition
  private let heartbeat: Heartbeat

  private static var tick: Duration { .seconds(15) }

  package init(
    service: ServiceIdentity, consumer: Consumer, producer: Producer, handler: Handler, concurrency: Int,
    options: PipelineOptions, context: ServiceContext
  ) {
    self.consumer = consumer
    self.producer = producer
    self.handler = handler
    self.options = options
    self.context = context
    deadLetters = DeadLetterQueue(service: service, budget: options.deadLetterBudget, logger: context.logger)
    permits = Permits(concurrency)
    size = concurrency * 4
    sink = context.health.readiness("work")
    heartbeat = context.health.liveness("worker", maxAge: .seconds(900))
  }

  package func run() async throws {
    sink.set(ready: true)
    let closer = Task {
      await context.drain.wait()
      consumer.close()
    }
    var intake = Intake(assignment: Assignment(context.health))
    defer {
      closer.cancel()
      metrics.returned(by: intake.undone.count)
      metrics.setInFlight(0)
    }
    do {
      try await readElements(&intake)
    } catch {
      consumer.close()
      while let element = try? await consumer.next(before: nil) {
        if case .revoking(_, let answer) = element { answer.done(committing: [:]) }
      }
      throw error
    }
  }

  /// What the loop itself holds.
  private struct Intake {
    /// Records read and not yet committed, in the order of their partitions.
    var undone: [Job] = []
    /// Positions behind offsets that hold no records, to be committed once the records before them are.
    var ends: [Lease: Int64] = [:]
    var assignment: Assignment

    /// - Returns: how many records were given back.
    mutating func give(_ partitions: Set<TopicPartition>) -> Int {
      assignment.gave(partitions)
      ends = ends.filter { !partitions.contains($0.key.partition) }
      let count = undone.count
      undone.removeAll { partitions.contains($0.topicPartition) }
      return count - undone.count
    }
  }

  private func readElements(_ intake: inout Intake) async throws {
    while true {
      heartbeat.beat()
      metrics.setInFlight(intake.undone.count)
      // A revoke comes between two transactions; then those records that are still ours go on.
      if !intake.undone.isEmpty, !consumer.revokeWaiting.isRaised {
        let left = try await transact(Array(intake.undone.prefix(size)))
        intake.undone.replaceSubrange(..<min(size, intake.undone.count), with: left)
        continue
      }
      try await commitEnds(&intake)
      let wait = intake.undone.isEmpty ? Self.tick : .milliseconds(50)
      guard let element = try await consumer.next(before: .now + wait) else { return }
      switch element {
      case .assigning(_, let answer): answer.start(at: [:])
      case .assigned(let positions): intake.assignment.took(positions.keys)
      case .batch(let batch):
        let jobs = Job.all(in: batch)
        metrics.consumed(jobs)
        intake.undone += jobs
        for lease in batch.leases { intake.ends[lease] = nil }
      case .passed(let ends): intake.ends.merge(ends) { $1 }
      case .revoking(let partitions, let answer):
        // Whatever is done is committed already.
        answer.done(committing: [:])
        metrics.returned(by: intake.give(partitions))
      case .lost(let partitions): metrics.returned(by: intake.give(partitions))
      case .gap, .idle: break
      }
    }
  }

  /// Outside of any transaction: nothing was made of these offsets.
  private func commitEnds(_ intake: inout Intake) async throws {
    let waiting = Set(intake.undone.map(\.lease))
    let ends = intake.ends.filter { !waiting.contains($0.key) }
    guard !ends.isEmpty else { return }
    do {
      try await consumer.commit(ends)
      for lease in ends.keys { intake.ends[lease] = nil }
    } catch {
      // The next round commits them, or the records that come later do.
      guard error.isTransient else { throw error }
      context.logger.debug("commit put off", metadata: ["reason": "\(error)"])
    }
  }

  /// Repeats one transaction until it is committed or a revoke waits.
  /// - Returns: the jobs that are still to be done.
  private func transact(_ jobs: [Job]) async throws -> [Job] {
    var backoff = options.backoff
    let output = TransactionOutput()
    while true {
      do {
        let verdicts = try await once(jobs, output)
        sink.set(ready: true)
        book(jobs, verdicts, output)
        return []
      } catch is Abandoned {
        let owned = jobs.filter { consumer.owns($0.lease) }
        metrics.returned(by: jobs.count - owned.count)
        return owned
      } catch let error where ErrorClass(of: error) == .transient {
        let delay = declareOutage(error, &backoff)
        if await consumer.revokeWaiting.sleep(for: delay) { return jobs }
      }
    }
  }

  private func book(_ jobs: [Job], _ verdicts: [Verdict], _ output: TransactionOutput) {
    for (job, verdict) in zip(jobs, verdicts) { metrics.ended(job, verdict) }
    for (topic, count) in output.take() { metrics.produced(topic, by: count) }
  }

  private func declareOutage(_ error: any Error, _ backoff: inout Backoff) -> Duration {
    let classified = error as? any ClassifiedError
    let delay = backoff.next(retryAfter: classified?.retryAfter)
    metrics.retried(classified?.code ?? "unknown")
    sink.set(ready: false, reason: "\(error)")
    heartbeat.retrying("an outage", atMost: delay)
    context.logger.log(
      level: backoff.attempt <= 3 ? .warning : .debug, "transaction held up",
      metadata: ["attempt": "\(backoff.attempt)", "delay": "\(delay)", "reason": "\(error)"])
    return delay
  }

  /// One transaction from begin to commit; on any failure it is aborted.
  private func once(_ jobs: [Job], _ output: TransactionOutput) async throws -> [Verdict] {
    var positions: [TopicPartition: Int64] = [:]
    for job in jobs { positions[job.topicPartition] = max(job.offset + 1, positions[job.topicPartition] ?? 0) }
    let next = positions
    _ = output.take()
    try await insisting(givingWay: true) { try await producer.beginTransaction() }
    do {
      let verdicts = try await work(through: jobs, output)
      guard jobs.allSatisfy({ consumer.owns($0.lease) }) else { throw Abandoned() }
      let group = try await consumer.groupMetadata()
      try await insisting(givingWay: true) { try await producer.sendOffsets(next, metadata: group) }
      // Begun, a commit has to be seen through: it may already have happened.
      try await insisting(givingWay: false) { try await producer.commitTransaction() }
      return verdicts
    } catch {
      try await abort(because: error)
      throw error
    }
  }

  private func abort(because cause: any Error) async throws {
    do {
      try await insisting(givingWay: false) { try await producer.abortTransaction() }
    } catch {
      // What led here tells more than the abort that could not follow.
      throw ErrorClass(of: cause) == .transient ? error : cause
    }
  }

  /// Makes a transaction call again for as long as that is its remedy.
  private func insisting(givingWay: Bool, _ call: () async throws -> Void) async throws {
    var backoff = options.backoff
    while true {
      do {
        return try await call()
      } catch let error as TransactionError {
        guard error.remedy == .retry, !Task.isCancelled, !(givingWay && consumer.revokeWaiting.isRaised) else {
          throw error
        }
        let delay = declareOutage(error, &backoff)
        try await Task.sleep(for: delay)
      }
    }
  }

  /// Runs the jobs, those of one key in order, and returns their verdicts in the order of the jobs.
  private func work(through jobs: [Job], _ output: TransactionOutput) async throws -> [Verdict] {
    var lanes: [[UInt8]: [Int]] = [:]
    for (index, job) in jobs.enumerated() {
      // A job without a key is its own lane.
      let key = handler.orderKey(of: job) ?? Array("\(job.topicPartition)@\(job.offset)".utf8)
      lanes[key, default: []].append(index)
    }
    return try await withThrowingTaskGroup(of: [(Int, Verdict)].self) { group in
      for lane in lanes.values {
        group.addTask {
          guard await permits.acquire() else { throw CancellationError() }
          defer { permits.release() }
          var verdicts: [(Int, Verdict)] = []
          for index in lane { verdicts.append((index, try await attempt(jobs[index], output))) }
          return verdicts
        }
      }
      var verdicts = [Verdict](repeating: .keep, count: jobs.count)
      for try await lane in group {
        for (index, verdict) in lane { verdicts[index] = verdict }
      }
      return verdicts
    }
  }

  private func attempt(_ job: Job, _ output: TransactionOutput) async throws -> Verdict {
    let emitter = Emitter { batch in
      guard consumer.owns(job.lease) else { throw Abandoned() }
      try await producer.send(batch)
      output.add(batch.countsByTopic)
    }
    var verdict: Verdict
    do {
      verdict = try await handler.handle(job, emit: emitter)
    } catch let error as any ClassifiedError where error.errorClass == .data {
      verdict = .reject(Rejection(error, stage: "handle"))
    }
    if case .reject(let rejection) = verdict {
      var batch = OutgoingBatch()
      try deadLetters.add(DeadLetter(job, rejection), to: &batch, isRepeat: !output.isFirst(job))
      try await deadLetters.send(batch, through: producer)
    }
    return verdict
  }
}

/// What the attempts at one transaction produced.
private final class TransactionOutput: Sendable {
  private struct State {
    var counts: [String: Int] = [:]
    var deadLettered: [TopicPartition: Set<Int64>] = [:]
  }
  private let state = Mutex(State())

  func add(_ counts: [String: Int]) {
    state.withLock { $0.counts.merge(counts, uniquingKeysWith: +) }
  }

  /// Messages of the last attempt, by topic.
  func take() -> [String: Int] {
    state.withLock { state in
      defer { state.counts = [:] }
      return state.counts
    }
  }

  /// - Returns: false when an earlier attempt dead-lettered this job already.
  func isFirst(_ job: Job) -> Bool {
    state.withLock { $0.deadLettered[job.topicPartition, default: []].insert(job.offset).inserted }
  }
}
