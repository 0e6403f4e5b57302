import Core
import Kafka
import Logging
import ServiceKit

/// Turns records into effects one by one: works on many at a time, keeps the order of each key, retries outages for
/// ever, dead-letters bad records, and commits what is done.
///
/// At least once: an offset is committed only after every message its record led to is acknowledged, and all
/// records before it in its partition are done too. See `TransactionalJobs` for `--delivery exactly-once`.
package struct JobPipeline<Handler: JobHandler>: Sendable {
  var pipeline: PipelineContext
  let handler: Handler
  let permits: Permits
  let table: JobTable

  var consumer: Consumer { pipeline.consumer }
  package var metrics: PipelineMetrics { pipeline.metrics }

  /// - Parameter concurrency: jobs that run at the same time; up to eight times as many are begun, so that jobs
  ///   which wait for their turn behind one of the same key do not keep others from running.
  package init(
    service: ServiceIdentity, consumer: Consumer, producer: Producer, handler: Handler, concurrency: Int,
    options: PipelineOptions, context: ServiceContext
  ) {
    pipeline = PipelineContext(
      service, consumer: consumer, producer: producer, options: options, service: context, readiness: "work",
      longestRound: .seconds(900))
    self.handler = handler
    permits = Permits(concurrency)
    table = JobTable(window: concurrency * 8)
  }

  /// Works until the consumer is closed (by `context.drain` or by a failure) and drained.
  package func run() async throws {
    let committer = Task { await commitRegularly() }
    defer { committer.cancel() }
    var failure: (any Error)?
    do { try await PartitionLoop(JobStrategy(self)).run() } catch { failure = error }
    await table.cancelAll()
    noteInFlight()
    if let error = table.failure ?? failure { throw error }
  }

  func noteInFlight() { metrics.setInFlight { table.inFlight } }

  private func commitRegularly() async {
    while !Task.isCancelled, (try? await Task.sleep(for: pipeline.options.commitInterval.duration)) != nil {
      observe()
      let positions = table.committable()
      guard !positions.isEmpty else { continue }
      do {
        // Where it is deferred, the next round commits these and more; a member that left commits nothing, its answer
        // to the revoke did.
        let late = try await pipeline.commitOrDefer { () throws(KafkaError) in try await consumer.commit(positions) }
        if late != nil { table.markCommitted(positions) }
      } catch {
        stop(because: error)
      }
    }
  }

  func stop(because error: any Error) {
    table.fail(error)
    consumer.close()
  }

  /// Says whether work goes on. A standstill in an outage is declared, because a restart would not end it.
  func observe() {
    if table.isStalled {
      pipeline.heartbeat.retrying("waiting for an outage to end", atMost: pipeline.options.retryCap.duration * 10)
      pipeline.loop.readiness.set(ready: false, reason: "every job waits for an outage to end")
    } else {
      pipeline.loop.readiness.set(ready: true)
    }
  }
}

/// What the loop's task does for a `JobPipeline`: begins jobs in the order of their partitions, and gives partitions
/// back.
private final class JobStrategy<Handler: JobHandler>: PartitionStrategy {
  private let work: JobPipeline<Handler>
  private var backlog = JobBacklog()

  init(_ work: JobPipeline<Handler>) { self.work = work }

  var loop: LoopContext { work.pipeline.loop }
  private var pipeline: PipelineContext { work.pipeline }
  private var table: JobTable { work.table }
  private var consumer: Consumer { pipeline.consumer }

  func take(_ batch: RecordBatch) async throws { pipeline.metrics.consumed(backlog.take(batch)) }

  func passed(_ ends: [Lease: Int64]) { backlog.passed(ends) }

  /// Begins what there is room for; takes nothing more in before all of it is begun.
  func work() async throws -> ContinuousClock.Instant? {
    startJobs()
    while !backlog.jobs.isEmpty, !consumer.revokeWaiting.isRaised {
      await table.waitForRoom(or: consumer.revokeWaiting)
      startJobs()
    }
    return backlog.jobs.isEmpty ? nil : .now + .milliseconds(50)
  }

  private func startJobs() {
    while let job = backlog.jobs.first, table.hasRoom {
      backlog.jobs.removeFirst()
      let work = work
      let started =
        consumer.owns(job.lease)
        && table.start(job, orderKey: work.handler.orderKey(of: job)) { await work.work(on: job) }
      if !started { pipeline.metrics.returned(by: 1) }
    }
    let ends = backlog.reachedEnds
    for (lease, next) in ends where consumer.owns(lease) { table.pass(lease, to: next) }
    backlog.forget(ends)
    noteWaiting()
    pipeline.heartbeat.beat()
    work.observe()
  }

  private func noteWaiting() {
    table.setWaiting(backlog.jobs.count)
    work.noteInFlight()
  }

  /// Lets jobs that are at work end.
  func settle(_ partitions: Set<TopicPartition>) async -> Handover {
    table.beginClosing(partitions)
    // Well before the consumer gives the partitions up by itself, because an answer after that commits nothing, and
    // on a busy machine the answer itself may take its time.
    let limit = min(pipeline.service.drainTimeout, consumer.configuration.drainDeadline) * 0.75
    await table.drained(partitions, before: .now + limit)
    return Handover(
      Dictionary(uniqueKeysWithValues: table.committable(partitions).map { ($0.key.partition, $0.value) }))
  }

  /// A failure elsewhere leaves it known which jobs are done.
  func abandon(_ partitions: Set<TopicPartition>) async -> Handover { await settle(partitions) }

  func leave(_ partitions: Set<TopicPartition>) -> Int {
    let returned = backlog.leave(partitions) + table.close(partitions)
    pipeline.metrics.returned(by: returned)
    noteWaiting()
    return returned
  }
}

extension JobPipeline {
  /// One job from its turn to its end. Returns with its record unfinished when the partition is taken away.
  func work(on job: Job) async {
    // In every case: records of a partition that left must not fill the table until the loop forgets it.
    defer {
      if !consumer.owns(job.lease) { metrics.returned(by: table.close(job.lease)) }
      noteInFlight()
    }
    guard mayWork(on: job) else { return }
    table.becameActive()
    defer { table.becameInactive() }
    await pipeline.traced(job) { job in
      let start = ContinuousClock.now
      guard let disposition = await retrying(job, { try await attempt(job) }) else { return nil }
      if case .reject(let rejection) = disposition {
        guard await deadLetter(job, rejection) else { return nil }
      }
      guard table.finish(job) else { return nil }
      metrics.handled(in: .now - start)
      metrics.ended(job, disposition)
      return disposition
    }
  }

  private func mayWork(on job: Job) -> Bool {
    !Task.isCancelled && table.mayWork(job.lease) && consumer.owns(job.lease)
  }

  /// Repeats `operation` through outages. A permit is held while it works, not while it waits for an outage to end: one
  /// dead host must not keep the other jobs from running.
  /// - Returns: nil when the job was abandoned, or the service stops.
  private func retrying<Value>(_ job: Job, _ operation: () async throws -> Value) async -> Value? {
    var isRetrying = false
    defer { if isRetrying { table.endedRetry() } }
    do {
      return try await pipeline.options.backoff.retry {
        guard await permits.acquire() else { throw Abandoned() }
        defer { permits.release() }
        return try await operation()
      } pause: { failed in
        guard !(failed.error is Abandoned), !Task.isCancelled else { throw Abandoned() }
        if !isRetrying { table.beganRetry() }
        isRetrying = true
        await pause(job, failed)
        guard mayWork(on: job) else { throw Abandoned() }
      }
    } catch {
      if !(error is Abandoned), !Task.isCancelled { stop(because: error) }
      return nil
    }
  }

  private func pause(_ job: Job, _ failed: FailedAttempt) async {
    metrics.retried(failed.code)
    pipeline.logger.log(
      level: failed.number == 1 ? .warning : .debug, "retrying",
      metadata: [
        "topic": "\(job.topic)", "partition": .stringConvertible(job.partition),
        "offset": .stringConvertible(job.offset),
        "attempt": .stringConvertible(failed.number), "delay_seconds": .stringConvertible(failed.delay / .seconds(1)),
        "reason": "\(failed.error)",
      ])
    _ = await consumer.revokeWaiting.sleep(for: failed.delay)
    // A revoke of other partitions interrupts too; while it lasts there is nothing to gain from hurrying.
    if consumer.revokeWaiting.isRaised, mayWork(on: job) { try? await Task.sleep(for: .milliseconds(50)) }
  }

  /// Runs the handler once and waits until everything it emitted is acknowledged.
  private func attempt(_ job: Job) async throws -> Disposition {
    // The wait for a permit may have been long: a drain or a revoke could have come meanwhile.
    guard mayWork(on: job) else { throw Abandoned() }
    let output = JobOutput(producer: pipeline.producer, metrics: metrics)
    let emitter = Emitter { batch in
      guard consumer.owns(job.lease) else { throw Abandoned() }
      try await output.send(batch)
    } acknowledged: {
      try await output.acknowledged()
    }
    do {
      let disposition = try await handler.handle(job, emit: emitter)
      try await output.acknowledged()
      return disposition
    } catch let error as any ClassifiedError where error.errorClass == .data {
      try await output.acknowledged()
      return .reject(Rejection(error, stage: "handle"))
    }
  }

  /// - Returns: false when the job was abandoned, or the service stops.
  private func deadLetter(_ job: Job, _ rejection: Rejection) async -> Bool {
    var batch = OutgoingBatch()
    do { try pipeline.deadLetters.add(DeadLetter(job, rejection), to: &batch) } catch {
      stop(because: error)
      return false
    }
    let letter = batch
    let sent: Void? = await retrying(job) {
      guard consumer.owns(job.lease) else { throw Abandoned() }
      try await pipeline.deadLetters.send(letter, through: pipeline.producer)
    }
    return sent != nil
  }
}

/// What one attempt at a job has sent and not yet seen acknowledged.
private actor JobOutput {
  private let producer: Producer
  private let metrics: PipelineMetrics
  private var sent: [(acks: PendingAcks, counts: [String: Int])] = []

  init(producer: Producer, metrics: PipelineMetrics) {
    self.producer = producer
    self.metrics = metrics
  }

  func send(_ batch: OutgoingBatch) async throws {
    let acks = try await producer.enqueue(batch)
    sent.append((acks, batch.countsByTopic))
  }

  /// Waits for all of it, also behind a failure: nothing may be in flight when the record's disposition is decided.
  func acknowledged() async throws {
    let waiting = sent
    sent = []
    var failure: KafkaError?
    for (acks, counts) in waiting {
      if let error = await refusal(of: acks) {
        // A refused message dead-letters the record, but only when no outage kept it from being produced.
        if failure.map({ $0.errorClass == .data }) ?? true { failure = error }
      } else {
        for (topic, count) in counts { metrics.produced(topic, by: count) }
      }
    }
    if let failure { throw failure }
  }

  private func refusal(of acks: PendingAcks) async -> KafkaError? {
    do { try await acks.value } catch { return error }
    return nil
  }
}
