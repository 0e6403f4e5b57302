import Kafka
import Logging
import Runtime
import ServiceKit

/// The loop of a service that turns records into effects one by one: reads, works on many at a time, keeps the
/// order of each key, retries outages for ever, dead-letters bad records, and commits what is done.
///
/// At least once: an offset is committed only after every message its record led to is acknowledged, and all
/// records before it in its partition are done too. See `TransactionalJobs` for `--delivery exactly-once`.
package struct JobPipeline<Handler: JobHandler>: Sendable {
  let service: ServiceIdentity
  let consumer: Consumer
  let producer: Producer
  let handler: Handler
  let options: PipelineOptions
  let context: ServiceContext
  let metrics: PipelineMetrics
  let deadLetters: DeadLetterQueue
  let permits: Permits
  let table: JobTable
  private let sink: ReadinessCondition
  private let heartbeat: Heartbeat

  /// The longest time without any job coming to its end before the process is taken for stuck.
  private static var longestJob: Duration { .seconds(900) }
  /// How often the loop looks up when nothing happens; shows that the poll thread is alive.
  private static var tick: Duration { .seconds(15) }

  /// - Parameter concurrency: jobs that run at the same time; up to eight times as many are begun, so that jobs
  ///   which wait for their turn behind one of the same key do not keep others from running.
  package init(
    service: ServiceIdentity, consumer: Consumer, producer: Producer, handler: Handler, concurrency: Int,
    options: PipelineOptions, context: ServiceContext
  ) {
    self.service = service
    self.consumer = consumer
    self.producer = producer
    self.handler = handler
    self.options = options
    self.context = context
    metrics = PipelineMetrics()
    deadLetters = DeadLetterQueue(service: service, budget: options.deadLetterBudget, logger: context.logger)
    permits = Permits(concurrency)
    table = JobTable(window: concurrency * 8)
    sink = context.health.readiness("work")
    heartbeat = context.health.liveness("worker", maxAge: Self.longestJob)
  }

  /// Works until the consumer is closed (by `context.drain` or by a failure) and drained.
  package func run() async throws {
    sink.set(ready: true)
    let background = [
      Task {
        await context.drain.wait()
        consumer.close()
      },
      Task { await commitRegularly() },
    ]
    defer { for task in background { task.cancel() } }
    var intake = Intake(assignment: Assignment(context.health))
    var failure: (any Error)?
    do { try await readElements(&intake) } catch {
      failure = error
      // The consumer still hands out the revoke of everything: what is done gets committed.
      consumer.close()
      try? await readElements(&intake)
    }
    await table.cancelAll()
    metrics.returned(by: intake.backlog.count)
    table.setWaiting(0)
    noteInFlight()
    if let error = table.failure ?? failure { throw error }
  }

  // MARK: The loop

  /// What the loop itself holds.
  private struct Intake {
    /// Read and not yet begun.
    var backlog: ArraySlice<Job> = []
    /// Positions behind offsets that hold no records, which wait for the records before them to be begun.
    var ends: [Lease: Int64] = [:]
    var assignment: Assignment

    /// - Returns: how many records were given back.
    mutating func give(_ partitions: Set<TopicPartition>) -> Int {
      assignment.gave(partitions)
      ends = ends.filter { !partitions.contains($0.key.partition) }
      let count = backlog.count
      backlog.removeAll { partitions.contains($0.topicPartition) }
      return count - backlog.count
    }
  }

  private func readElements(_ intake: inout Intake) async throws {
    while true {
      startJobs(from: &intake)
      heartbeat.beat()
      observe()
      if !intake.backlog.isEmpty {
        await table.waitForRoom(or: consumer.revokeWaiting)
        if !consumer.revokeWaiting.isRaised { continue }
      }
      let wait = intake.backlog.isEmpty ? Self.tick : .milliseconds(50)
      guard let element = try await consumer.next(before: .now + wait) else { return }
      switch element {
      case .assigning(_, let answer): answer.start(at: [:])
      case .assigned(let positions):
        intake.assignment.took(positions.keys)
        context.logger.info("assigned", metadata: ["partitions": "\(positions.keys.map(\.description).sorted())"])
      case .batch(let batch):
        let jobs = Job.all(in: batch)
        metrics.consumed(jobs)
        intake.backlog.append(contentsOf: jobs)
        // Committing records that come later commits what lies before them too.
        for lease in batch.leases { intake.ends[lease] = nil }
      case .passed(let ends): intake.ends.merge(ends) { $1 }
      case .revoking(let partitions, let answer):
        metrics.returned(by: intake.give(partitions))
        await revoke(partitions, answer)
      case .lost(let partitions):
        metrics.returned(by: intake.give(partitions) + table.close(partitions))
      case .gap, .idle: break
      }
    }
  }

  private func startJobs(from intake: inout Intake) {
    while let job = intake.backlog.first, table.hasRoom {
      intake.backlog.removeFirst()
      let started =
        consumer.owns(job.lease)
        && table.start(job, orderKey: handler.orderKey(of: job)) { await self.work(on: job) }
      if !started { metrics.returned(by: 1) }
    }
    if !intake.ends.isEmpty {
      let waiting = Set(intake.backlog.map(\.lease))
      for (lease, next) in intake.ends where !waiting.contains(lease) {
        if consumer.owns(lease) { table.pass(lease, to: next) }
        intake.ends[lease] = nil
      }
    }
    table.setWaiting(intake.backlog.count)
    noteInFlight()
  }

  func noteInFlight() { metrics.setInFlight { table.inFlight } }

  private func revoke(_ partitions: Set<TopicPartition>, _ answer: Consumer.RevokeAnswer) async {
    table.beginClosing(partitions)
    // Well before the consumer gives the partitions up by itself, because an answer after that commits nothing, and
    // on a busy machine the answer itself may take its time.
    let patience = min(context.drainTimeout, consumer.configuration.drainDeadline) * 0.75
    await table.drained(partitions, before: .now + patience)
    let positions = table.committable(partitions)
    answer.done(
      committing: Dictionary(uniqueKeysWithValues: positions.map { ($0.key.partition, $0.value) }))
    let returned = table.close(partitions)
    metrics.returned(by: returned)
    context.logger.info(
      "handed over",
      metadata: ["partitions": "\(partitions.map(\.description).sorted())", "undone": "\(returned)"])
  }

  private func commitRegularly() async {
    while !Task.isCancelled, (try? await Task.sleep(for: options.commitInterval.duration)) != nil {
      observe()
      let positions = table.committable()
      guard !positions.isEmpty else { continue }
      do {
        try await consumer.commit(positions)
        table.markCommitted(positions)
      } catch where error.errorClass == .transient {
        // The next round commits these and more; a member that left commits nothing, its answer did.
        context.logger.debug("commit put off", metadata: ["reason": "\(error)"])
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
  private func observe() {
    if table.isStalled {
      heartbeat.retrying("waiting for an outage to end", atMost: options.retryCap.duration * 10)
      sink.set(ready: false, reason: "every job waits for an outage to end")
    } else {
      sink.set(ready: true)
    }
  }
}
