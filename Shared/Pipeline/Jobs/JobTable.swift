import Core
import Kafka
import Synchronization

/// What the job loop, its jobs and the committer share: the ledger, the order of jobs, who is at work.
final class JobTable: Sendable {
  private struct State {
    var ledger = OffsetLedger()
    /// Records that were read and not yet begun.
    var waiting = 0
    var nextID: UInt64 = 0
    var jobs: [UInt64: (lease: Lease, task: Task<Void, Never>)] = [:]
    /// The latest job of each order key: the next one waits for it.
    var tails: [[UInt8]: (id: UInt64, task: Task<Void, Never>)] = [:]
    /// Partitions under revoke: jobs there that have not begun are given back.
    var closing: Set<TopicPartition> = []
    var active = 0
    var retrying = 0
    var failure: (any Error)?
    /// Raised at the next change, and replaced by then.
    var changed = Interruption()
  }
  private let state = Mutex(State())
  private let window: Int
  private let reach: Int

  /// - Parameters:
  ///   - window: jobs begun and not yet done, over all partitions.
  ///   - reach: records begun and not yet committable. One record that is retried for years (a portal that is gone)
  ///     keeps everything after it from being committed; past this many the loop waits, so that a restart never has
  ///     to repeat more.
  init(window: Int, reach: Int = 100_000) {
    self.window = window
    self.reach = reach
  }

  private func mutate<Result: Sendable>(_ body: (inout sending State) -> sending Result) -> Result {
    let (result, changed) = state.withLock { state in
      let result = body(&state)
      defer { state.changed = Interruption() }
      return (result, state.changed)
    }
    changed.raise()
    return result
  }

  // MARK: Starting

  var hasRoom: Bool { state.withLock { $0.ledger.inFlight < window && $0.ledger.held < reach } }

  /// Begins a job and runs `work` for it after the job before it with the same order key has ended.
  /// - Returns: false when its partition is not ours any more.
  func start(_ job: Job, orderKey: [UInt8]?, work: @escaping @Sendable () async -> Void) -> Bool {
    state.withLock { state in
      let partition = job.topicPartition
      if !state.ledger.isOpen(partition, epoch: job.lease.epoch) {
        state.ledger.open(partition, epoch: job.lease.epoch)
        state.closing.remove(partition)
      }
      guard state.ledger.begin(partition, offset: job.offset, epoch: job.lease.epoch) else { return false }
      state.nextID += 1
      let id = state.nextID
      let previous = orderKey.flatMap { state.tails[$0]?.task }
      let task = Task {
        await previous?.value
        await work()
        self.ended(id, orderKey: orderKey)
      }
      state.jobs[id] = (job.lease, task)
      if let orderKey { state.tails[orderKey] = (id, task) }
      return true
    }
  }

  /// No record lies between the last one of the lease that was begun and `next`.
  func pass(_ lease: Lease, to next: Int64) {
    state.withLock { state in
      if !state.ledger.isOpen(lease.partition, epoch: lease.epoch) {
        state.ledger.open(lease.partition, epoch: lease.epoch)
        state.closing.remove(lease.partition)
      }
      state.ledger.pass(lease.partition, to: next, epoch: lease.epoch)
    }
  }

  private func ended(_ id: UInt64, orderKey: [UInt8]?) {
    mutate { state in
      state.jobs[id] = nil
      if let orderKey, state.tails[orderKey]?.id == id { state.tails[orderKey] = nil }
    }
  }

  // MARK: While a job works

  /// Whether a job may begin, or try again.
  func mayWork(_ lease: Lease) -> Bool {
    state.withLock { state in
      state.failure == nil && !state.closing.contains(lease.partition)
        && state.ledger.isOpen(lease.partition, epoch: lease.epoch)
    }
  }

  /// - Returns: false when its partition was closed meanwhile: the record counts as given back.
  func finish(_ job: Job) -> Bool {
    mutate { $0.ledger.finish(job.topicPartition, offset: job.offset, epoch: job.lease.epoch) }
  }

  func becameActive() { mutate { $0.active += 1 } }
  func becameInactive() { mutate { $0.active -= 1 } }
  /// From a job's first failed attempt until it is done or given up.
  func beganRetry() { mutate { $0.retrying += 1 } }
  func endedRetry() { mutate { $0.retrying -= 1 } }

  /// True while every job at work waits for an outage to end: nothing moves.
  var isStalled: Bool { state.withLock { $0.active > 0 && $0.retrying >= $0.active } }
  /// Records that were read and are not done, begun or not.
  var inFlight: Int { state.withLock { $0.ledger.inFlight + $0.waiting } }
  func setWaiting(_ count: Int) { state.withLock { $0.waiting = count } }

  // MARK: Giving partitions back

  func beginClosing(_ partitions: Set<TopicPartition>) { mutate { $0.closing.formUnion(partitions) } }

  /// Closes partitions and cancels what still works on them.
  /// - Returns: how many records were begun and given back undone.
  func close(_ partitions: Set<TopicPartition>) -> Int {
    let (returned, tasks) = mutate { state in
      let returned = partitions.reduce(0) { $0 + state.ledger.close($1) }
      state.closing.subtract(partitions)
      return (returned, state.jobs.values.filter { partitions.contains($0.lease.partition) }.map(\.task))
    }
    for task in tasks { task.cancel() }
    return returned
  }

  /// As above, unless the partition is already worked on under another lease.
  func close(_ lease: Lease) -> Int {
    state.withLock { $0.ledger.isOpen(lease.partition, epoch: lease.epoch) } ? close([lease.partition]) : 0
  }

  private func isIdle(_ partitions: Set<TopicPartition>) -> Bool {
    state.withLock { state in !state.jobs.values.contains { partitions.contains($0.lease.partition) } }
  }

  /// Returns once no job works on `partitions`, or at the deadline.
  func drained(_ partitions: Set<TopicPartition>, before deadline: ContinuousClock.Instant) async {
    while !isIdle(partitions), ContinuousClock.now < deadline {
      let changed = state.withLock { $0.changed }
      if isIdle(partitions) { return }
      _ = await changed.sleep(for: deadline - .now)
    }
  }

  /// Waits until a job may be started, or `other` is raised.
  func waitForRoom(or other: Interruption) async {
    let changed = state.withLock { $0.changed }
    if hasRoom || other.isRaised { return }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await changed.wait() }
      group.addTask { await other.wait() }
      await group.next()
      group.cancelAll()
    }
  }

  // MARK: Committing and stopping

  func committable(_ partitions: Set<TopicPartition>? = nil) -> [Lease: Int64] {
    state.withLock { state in
      var positions: [Lease: Int64] = [:]
      for (partition, offset) in state.ledger.committable(partitions) {
        if let epoch = state.ledger.epoch(of: partition) {
          positions[Lease(partition: partition, epoch: epoch)] = offset
        }
      }
      return positions
    }
  }

  /// Partitions that left or came back meanwhile are left out: their commit may have been too late to count.
  func markCommitted(_ positions: [Lease: Int64]) {
    state.withLock { state in
      for (lease, offset) in positions where state.ledger.isOpen(lease.partition, epoch: lease.epoch) {
        state.ledger.markCommitted([lease.partition: offset])
      }
    }
  }

  /// The first failure stops the service; later ones are consequences.
  func fail(_ error: any Error) { mutate { $0.failure = $0.failure ?? error } }

  var failure: (any Error)? { state.withLock { $0.failure } }

  /// Cancels everything and waits for it.
  func cancelAll() async {
    let tasks = state.withLock { $0.jobs.values.map(\.task) }
    for task in tasks { task.cancel() }
    for task in tasks { await task.value }
  }
}

/// Records that were read and are not begun, in the order of their partitions.
struct JobBacklog {
  var jobs: ArraySlice<Job> = []
  /// Positions behind offsets that hold no records, which wait for the records before them.
  private var ends: [Lease: Int64] = [:]

  mutating func take(_ batch: RecordBatch) -> [Job] {
    let taken = Job.all(in: batch)
    jobs += taken
    // Committing records that come later commits what lies before them too.
    for lease in batch.leases { ends[lease] = nil }
    return taken
  }

  mutating func passed(_ ends: [Lease: Int64]) { self.ends.merge(ends) { $1 } }

  /// Positions with no record of the backlog before them.
  var reachedEnds: [Lease: Int64] {
    if ends.isEmpty { return [:] }
    let waiting = Set(jobs.map(\.lease))
    return ends.filter { !waiting.contains($0.key) }
  }

  mutating func forget(_ ends: [Lease: Int64]) {
    for lease in ends.keys { self.ends[lease] = nil }
  }

  /// - Returns: how many records were given back.
  mutating func leave(_ partitions: Set<TopicPartition>) -> Int {
    ends = ends.filter { !partitions.contains($0.key.partition) }
    let count = jobs.count
    jobs.removeAll { partitions.contains($0.topicPartition) }
    return count - jobs.count
  }
}
