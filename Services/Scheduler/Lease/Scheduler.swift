import Core
import Kafka
import Logging
import Messages
import Pipeline
import ServiceKit
import Values

/// Sends due jobs while it holds the lease: the only partition of a topic without records, which Kafka assigns to one
/// member of the group. The metadata of the partition's committed offset is the checkpoint.
///
/// The scheduler commits a checkpoint after the jobs before it are acknowledged, in batches. So a failover skips no
/// job, and repeats at most the batch whose checkpoint was not committed, each time the lease moves. Kafka refuses the
/// commit of a replica that lost the lease without noticing; a replica that has not committed for a while commits
/// before it sends.
package final class Scheduler: PartitionStrategy {
  package struct Settings: Sendable {
    /// Jobs that are acknowledged and committed together.
    package var batch = 1_000
    /// A run that is later than this counts as missed.
    package var grace: Duration = .seconds(300)
    /// Where to begin without a checkpoint, in seconds since 1970; nil: now.
    package var start: Int64?
    /// The greatest age of the last commit when jobs are sent: well below the session timeout.
    package var confirmation: Duration = .seconds(5)
    /// How often the checkpoint is committed while no job is due.
    package var idleCommit: Duration = .seconds(30)
    /// How long acknowledgements may take before the service reports that it is not ready.
    package var moment: Duration = .seconds(5)
    package var backoff = Backoff()
  }

  private struct HeldLease {
    let lease: Lease
    /// The partition's offset; a commit changes its metadata, never the offset.
    let offset: Int64
    var position: PlanPosition
    var committed: ContinuousClock.Instant
  }

  package let loop: LoopContext
  private let plan: SchedulePlan
  private let consumer: Consumer
  private let queue: JobQueue
  private let settings: Settings
  private let metrics: SchedulerMetrics
  private let context: ServiceContext
  /// Microseconds since 1970.
  private let now: @Sendable () -> Int64
  private let leaseReadiness: ReadinessCondition
  private var holding: HeldLease?

  package init(
    plan: SchedulePlan, consumer: Consumer, queue: JobQueue, settings: Settings, metrics: SchedulerMetrics,
    context: ServiceContext, now: @escaping @Sendable () -> Int64
  ) {
    self.plan = plan
    self.consumer = consumer
    self.queue = queue
    self.settings = settings
    self.metrics = metrics
    self.context = context
    self.now = now
    leaseReadiness = context.health.readiness("lease")
    loop = LoopContext(
      consumer: consumer, service: context, readiness: "kafka",
      heartbeat: context.health.liveness("scheduler", maxAge: .seconds(120)), backoff: settings.backoff
    ) { metrics.retried($0) }
  }

  /// Works until the consumer is closed (by `context.drain` or by a failure) and drained.
  package func run() async throws {
    defer { metrics.active(false) }
    try await PartitionLoop(self).run()
  }

  // MARK: The loop

  package func assigned(_ positions: [TopicPartition: Int64], unknown: [TopicPartition: Int64]) async throws {
    // An assignment without partitions changes nothing for the holder.
    if holding == nil || !positions.isEmpty { try await acquire(positions) }
  }

  /// The topic of the lease has no records; any that exist are ignored.
  package func take(_ batch: RecordBatch) async throws {}
  package func passed(_ ends: [Lease: Int64]) {}

  package func work() async throws -> ContinuousClock.Instant? {
    try await sendDue()
    return wake()
  }

  package func settle(_ partitions: Set<TopicPartition>) async throws -> Handover {
    guard let holding, partitions.contains(holding.lease.partition) else { return Handover() }
    let partition = holding.lease.partition
    release("revoked")
    return Handover(
      [partition: holding.offset],
      metadata: [partition: ScheduleCheckpoint(holding.position, plan: plan.digest).text])
  }

  package func leave(_ partitions: Set<TopicPartition>) -> Int {
    if let holding, partitions.contains(holding.lease.partition) { release("lost") }
    return 0
  }

  /// When the next job is due.
  private func wake() -> ContinuousClock.Instant? {
    guard let holding, let due = plan.next(after: holding.position.instant - 1) else { return nil }
    return .now + .microseconds(max(0, due * 1_000_000 - now()))
  }

  // MARK: The lease

  private func acquire(_ offsets: [TopicPartition: Int64]) async throws {
    guard let (partition, offset) = offsets.first,
      let lease = consumer.leases.first(where: { $0.partition == partition })
    else {
      leaseReadiness.set(ready: true, reason: "standing by")
      return
    }
    var found: CommittedOffset?
    guard try await retrying("committed", lease, { found = try await self.consumer.committed([partition])[partition] })
    else { return }
    let position: PlanPosition
    if let text = found?.metadata, !text.isEmpty {
      guard let checkpoint = ScheduleCheckpoint(text) else {
        throw Failure(
          .configuration, code: "progress_unreadable",
          "the group's commit on \(partition) is not a scheduler's progress; give the scheduler its own group "
            + "(--group-id) and its own topic")
      }
      position = checkpoint.position(in: plan)
    } else {
      position = PlanPosition(instant: settings.start ?? now() / 1_000_000)
    }
    holding = HeldLease(lease: lease, offset: offset, position: position, committed: .now)
    // Commits the beginning too, so that a failover before the first job skips nothing.
    guard try await commit() else { return }
    metrics.active(true)
    leaseReadiness.set(ready: true, reason: "active")
    let ahead = position.instant - now() / 1_000_000
    context.logger.log(
      level: ahead > 60 ? .warning : .notice, ahead > 60 ? "active, but the clock is behind the checkpoint" : "active",
      metadata: ["next": "\(SchedulePlan.timestamp(position.instant))", "plan": "\(plan.digest)"])
  }

  private func release(_ why: String) {
    guard holding != nil else { return }
    holding = nil
    metrics.active(false)
    leaseReadiness.set(ready: false, reason: "waiting for the group to hand out the lease")
    context.logger.notice("no longer active", metadata: ["reason": "\(why)"])
  }

  /// - Returns: false when this replica no longer holds the lease.
  private func commit() async throws -> Bool {
    guard let held = holding else { return false }
    let checkpoint = ScheduleCheckpoint(held.position, plan: plan.digest).text
    var late: Set<TopicPartition> = []
    let done = try await retrying("commit", held.lease) {
      late = try await self.consumer.commit([held.lease: held.offset], metadata: [held.lease.partition: checkpoint])
    }
    guard done, late.isEmpty else {
      // A pending revoke still commits the position; otherwise another replica has the lease.
      if !consumer.owns(held.lease) { release("fenced") }
      return false
    }
    holding?.committed = .now
    metrics.progressed(to: held.position.instant)
    return true
  }

  // MARK: Jobs

  /// Sends all due jobs, until the lease is revoked.
  private func sendDue() async throws {
    while let held = holding, consumer.owns(held.lease), !consumer.revokeWaiting.isRaised, !context.drain.isRaised {
      loop.heartbeat.beat()
      let seconds = now() / 1_000_000
      let slice = plan.due(from: held.position, now: seconds, grace: settings.grace, count: settings.batch)
      if slice.jobs.isEmpty {
        note(slice)
        if slice.end != held.position { holding?.position = slice.end }
        if .now - held.committed >= settings.idleCommit || !slice.omitted.isEmpty { _ = try await commit() }
        return
      }
      guard try await send(slice) else { return }
      note(slice)
      if slice.isLast { return }
    }
  }

  /// Sends a slice batch by batch.
  /// - Returns: false when it was interrupted.
  private func send(_ slice: SchedulePlan.Slice) async throws -> Bool {
    var start = 0
    while start < slice.jobs.count {
      guard let held = holding else { return false }
      if .now - held.committed >= settings.confirmation {
        guard try await commit() else { return false }
      }
      let end = min(start + settings.batch, slice.jobs.count)
      let batch = slice.jobs[start..<end]
      let tasks = batch.map { plan.task(of: $0) }
      guard try await retrying("send", held.lease, { try await self.deliver(tasks) }) else { return false }
      count(batch)
      holding?.position = end == slice.jobs.count ? slice.end : position(behind: slice.jobs[end - 1])
      guard try await commit() else { return false }
      start = end
      loop.heartbeat.beat()
      if consumer.revokeWaiting.isRaised { return end == slice.jobs.count }
    }
    return true
  }

  /// Sends, and reports when that takes long: an outage that the library waits out is not an error. When the lease is
  /// revoked in the meantime, acknowledgements get `moment` more.
  private func deliver(_ tasks: [PlannedTask]) async throws {
    let (queue, wanted, moment) = (queue, consumer.revokeWaiting, settings.moment)
    let (readiness, heartbeat) = (loop.readiness, loop.heartbeat)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await queue.send(tasks) }
      group.addTask {
        if await !wanted.sleep(for: moment) {
          readiness.set(ready: false, reason: "send: no acknowledgement for \(DurationSetting(moment))")
          // The library gives up after its own timeout of five minutes.
          heartbeat.retrying("send: no acknowledgement", atMost: .seconds(360))
          await wanted.wait()
        }
        try await Task.sleep(for: moment)
        throw Failure(.transient, code: "send_given_up", "the lease is revoked before the jobs are acknowledged")
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  /// The position after a job; others of the same time may follow.
  private func position(behind job: DueJob) -> PlanPosition {
    let same = plan.jobs(in: job.dueAt..<(job.dueAt + 1))
    let place = same.firstIndex(of: job) ?? same.count - 1
    return place + 1 == same.count
      ? PlanPosition(instant: job.dueAt + 1) : PlanPosition(instant: job.dueAt, done: place + 1)
  }

  private func count(_ batch: ArraySlice<DueJob>) {
    let now = now()
    var counts: [String: Int] = [:]
    for job in batch {
      counts[plan.name(of: job), default: 0] += 1
      metrics.late(max(0, Double(now - job.dueAt * 1_000_000) / 1e6))
    }
    for (schedule, count) in counts { metrics.sent(schedule, by: count) }
    context.logger.info("sent", metadata: [
      "jobs": .stringConvertible(batch.count),
      "due": "\(batch.last.map { SchedulePlan.timestamp($0.dueAt) } ?? .epoch)",
    ])
  }

  private func note(_ slice: SchedulePlan.Slice) {
    for (schedule, reasons) in slice.omitted {
      for (reason, count) in reasons {
        metrics.missed(schedule, reason, by: count)
        context.logger.warning(
          "jobs are not sent",
          metadata: ["schedule": "\(schedule)", "reason": "\(reason.rawValue)", "jobs": .stringConvertible(count)])
      }
    }
  }

  /// Retries `operation` through outages.
  /// - Returns: false when the lease was revoked or lost in the meantime.
  private func retrying(
    _ what: String, _ lease: Lease, _ operation: () async throws -> Void
  ) async throws -> Bool {
    try await loop.retry(
      what, until: consumer.revokeWaiting, while: { self.consumer.owns(lease) }, operation) != nil
  }
}
