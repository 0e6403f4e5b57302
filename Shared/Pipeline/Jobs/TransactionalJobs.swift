import Core
import Kafka
import Logging
import ServiceKit
import Synchronization

/// `--delivery exactly-once`: some records, everything they led to and the offsets after them become visible
/// together, to readers that use `read_committed`.
///
/// Jobs of different transactions do not overlap: throughput is traded for atomicity. A transaction is a few jobs
/// for each that may run at a time, so that it ends well before the broker's `transaction.timeout.ms`. An aborted
/// one is worked through again from the start.
package struct TransactionalJobs<Handler: JobHandler>: Sendable {
  let pipeline: PipelineContext
  let handler: Handler
  let permits: Permits
  /// Most jobs in one transaction.
  let size: Int

  var consumer: Consumer { pipeline.consumer }
  var producer: Producer { pipeline.producer }
  package var metrics: PipelineMetrics { pipeline.metrics }

  package init(
    service: ServiceIdentity, consumer: Consumer, producer: Producer, handler: Handler, concurrency: Int,
    options: PipelineOptions, context: ServiceContext
  ) {
    pipeline = PipelineContext(
      service, consumer: consumer, producer: producer, options: options, service: context, readiness: "work",
      longestRound: .seconds(900))
    self.handler = handler
    permits = Permits(concurrency)
    size = concurrency * 4
  }

  package func run() async throws { try await PartitionLoop(TransactionStrategy(self)).run() }

  /// Repeats one transaction until it is committed or a revoke waits.
  /// - Returns: the jobs that are still to be done.
  fileprivate func transact(_ jobs: [Job]) async throws -> [Job] {
    let output = TransactionOutput()
    let dispositions: [Disposition]??
    dispositions = try await pipeline.retry("transaction", until: consumer.revokeWaiting) {
      do { return try await once(jobs, output) } catch is Abandoned { return nil }
    }
    // A revoke waits: it comes between two transactions.
    guard let dispositions else { return jobs }
    guard let dispositions else {
      let owned = jobs.filter { consumer.owns($0.lease) }
      metrics.returned(by: jobs.count - owned.count)
      return owned
    }
    for (job, disposition) in zip(jobs, dispositions) { metrics.ended(job, disposition) }
    for (topic, count) in output.take() { metrics.produced(topic, by: count) }
    return []
  }

  /// One transaction from begin to commit; on any failure it is aborted.
  private func once(_ jobs: [Job], _ output: TransactionOutput) async throws -> [Disposition] {
    var positions: [TopicPartition: Int64] = [:]
    for job in jobs { positions[job.topicPartition] = max(job.offset + 1, positions[job.topicPartition] ?? 0) }
    let next = positions
    _ = output.take()
    return try await producer.transaction(moving: consumer, to: next) { mustEnd, call in
      try await pipeline.options.backoff.retry(call) { failed in
        guard failed.asksForRepeat, mustEnd || !consumer.revokeWaiting.isRaised else { throw failed.error }
        pipeline.retry.note(failed, at: "transaction", "retrying", level: failed.number <= 3 ? .warning : .debug)
        try await Task.sleep(for: failed.delay)
      }
    } work: {
      let dispositions = try await work(through: jobs, output)
      guard jobs.allSatisfy({ consumer.owns($0.lease) }) else { throw Abandoned() }
      return dispositions
    }
  }

  /// Runs the jobs, those of one key in order, and returns their dispositions in the order of the jobs.
  private func work(through jobs: [Job], _ output: TransactionOutput) async throws -> [Disposition] {
    var lanes: [[UInt8]: [Int]] = [:]
    for (index, job) in jobs.enumerated() {
      // A job without a key is its own lane.
      let key = handler.orderKey(of: job) ?? Array("\(job.topicPartition)@\(job.offset)".utf8)
      lanes[key, default: []].append(index)
    }
    return try await withThrowingTaskGroup(of: [(Int, Disposition)].self) { group in
      for lane in lanes.values {
        group.addTask {
          guard await permits.acquire() else { throw CancellationError() }
          defer { permits.release() }
          var dispositions: [(Int, Disposition)] = []
          for index in lane {
            let disposition = try await pipeline.traced(jobs[index]) { try await attempt($0, output) }
            dispositions.append((index, disposition ?? .keep))
          }
          return dispositions
        }
      }
      var dispositions = [Disposition](repeating: .keep, count: jobs.count)
      for try await lane in group {
        for (index, disposition) in lane { dispositions[index] = disposition }
      }
      return dispositions
    }
  }

  private func attempt(_ job: Job, _ output: TransactionOutput) async throws -> Disposition {
    let emitter = Emitter { batch in
      guard consumer.owns(job.lease) else { throw Abandoned() }
      try await producer.send(batch)
      output.add(batch.countsByTopic)
    }
    var disposition: Disposition
    do {
      disposition = try await handler.handle(job, emit: emitter)
    } catch let error as any ClassifiedError where error.errorClass == .data {
      disposition = .reject(Rejection(error, stage: "handle"))
    }
    if case .reject(let rejection) = disposition {
      var batch = OutgoingBatch()
      try pipeline.deadLetters.add(DeadLetter(job, rejection), to: &batch, isRepeat: !output.isFirst(job))
      try await pipeline.deadLetters.send(batch, through: producer)
    }
    return disposition
  }
}

/// What the loop's task does for `TransactionalJobs`: one transaction after the other.
private final class TransactionStrategy<Handler: JobHandler>: PartitionStrategy {
  private let work: TransactionalJobs<Handler>
  private var backlog = JobBacklog()

  init(_ work: TransactionalJobs<Handler>) { self.work = work }

  var loop: LoopContext { work.pipeline.loop }
  private var pipeline: PipelineContext { work.pipeline }

  func take(_ batch: RecordBatch) async throws {
    pipeline.metrics.consumed(backlog.take(batch))
    pipeline.metrics.setInFlight(backlog.jobs.count)
  }

  func passed(_ ends: [Lease: Int64]) { backlog.passed(ends) }

  /// A revoke comes between two transactions; then those records that are still ours go on.
  func work() async throws -> ContinuousClock.Instant? {
    while !backlog.jobs.isEmpty, !pipeline.consumer.revokeWaiting.isRaised {
      let left = try await work.transact(Array(backlog.jobs.prefix(work.size)))
      backlog.jobs.removeFirst(min(work.size, backlog.jobs.count))
      if !left.isEmpty { backlog.jobs = left + backlog.jobs }
      pipeline.metrics.setInFlight(backlog.jobs.count)
      pipeline.heartbeat.beat()
    }
    // Outside of any transaction: nothing was made of these offsets. Where it is deferred, the next round commits them,
    // or the records that come later do.
    let ends = backlog.reachedEnds
    if !ends.isEmpty {
      let late = try await pipeline.commitOrDefer { () throws(KafkaError) in try await pipeline.consumer.commit(ends) }
      if late != nil { backlog.forget(ends) }
    }
    return backlog.jobs.isEmpty ? nil : .now + .milliseconds(50)
  }

  /// What is done was committed by its transaction.
  func settle(_ partitions: Set<TopicPartition>) async -> Handover { Handover() }

  func leave(_ partitions: Set<TopicPartition>) -> Int {
    let returned = backlog.leave(partitions)
    pipeline.metrics.returned(by: returned)
    pipeline.metrics.setInFlight(backlog.jobs.count)
    return returned
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
