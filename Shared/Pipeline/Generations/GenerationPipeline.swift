import Core
import Kafka
import Logging
import ServiceKit

/// Writes immutable objects: collects records into generations, one open in each partition, and closes them one after
/// the other while it reads on.
///
/// Closing `first..<next`: dead letters are acknowledged; offset `first` is committed with a ``ClosingMark``; the
/// contents are written; offset `next` is committed. An owner that finds the mark repeats exactly this range, so any
/// rule for when to close is safe, also one by the clock: nothing is lost, and nothing is written under two names.
///
/// One task runs it; each closing is a task of its own, at most one in a partition.
package final class GenerationPipeline<Sink: GenerationSink>: PartitionStrategy {
  /// A generation that takes records in.
  struct Open {
    var draft: Sink.Draft
    let format: String
    let first: Int64
    var next: Int64
    var records = 0
    /// Contexts of the records; nil when no traces are wanted.
    var links: SpanLinks?
    let since: ContinuousClock.Instant
    var letters = OutgoingBatch()
    /// Where it has to end, for one that is repeated.
    let limit: Int64?
    /// Its records are gone from the log: it cannot be repeated, and takes no more of them.
    var isSealed = false
  }
  /// A generation that is being closed.
  struct Closing {
    let generation: Generation<Sink.Draft.Contents>
    let task: Task<Void, Never>
    /// Raised when there is no time for another attempt.
    let lastCall: Interruption
  }

  let pipeline: PipelineContext
  let sink: Sink
  let policy: GenerationPolicy
  let meters = GenerationMeters()
  let closer: GenerationCloser<Sink>
  var account = SinkAccount()
  var open: [Lease: Open] = [:]
  var closings: [Lease: Closing] = [:]
  /// What has to be repeated first, by partitions just assigned.
  var marks: [TopicPartition: ClosingMark] = [:]
  /// Positions behind offsets that hold no records, to be committed once all before them is.
  var ends: [Lease: Int64] = [:]
  /// Written, but the commit did not go through.
  var uncommitted: [TopicPartition: Int64] = [:]

  package var loop: LoopContext { pipeline.loop }
  var consumer: Consumer { pipeline.consumer }
  package var metrics: PipelineMetrics { pipeline.metrics }

  /// How soon a finished closing is noticed.
  private static var shortWait: Duration { .milliseconds(20) }

  package init(
    service: ServiceIdentity, consumer: Consumer, producer: Producer, sink: Sink, policy: GenerationPolicy,
    options: PipelineOptions, context: ServiceContext
  ) {
    pipeline = PipelineContext(
      service, consumer: consumer, producer: producer, options: options, service: context, readiness: "offsets")
    self.sink = sink
    self.policy = policy
    closer = GenerationCloser(sink: sink, pipeline: pipeline)
  }

  /// Works until the consumer is closed (by `context.drain` or by a failure) and drained.
  package func run() async throws {
    closer.retry.readiness.set(ready: true)
    try await PartitionLoop(self).run()
  }

  // MARK: What is due

  package func work() async throws -> ContinuousClock.Instant? {
    try absorb()
    closeWhatIsDue()
    try await commitEnds()
    try await makeRoom()
    guard closings.isEmpty else { return .now + Self.shortWait }
    return open.values.lazy.filter { $0.limit == nil }.map { $0.since + self.policy.age }.min()
  }

  /// Nothing more is taken in while too much waits to be written, or a range that ends at a gap.
  private func makeRoom() async throws {
    while load > policy.budget || open.values.contains(where: \.isSealed), !closings.isEmpty,
      !consumer.revokeWaiting.isRaised
    {
      pipeline.heartbeat.retrying("waiting for room to write", atMost: pipeline.options.retryCap.duration)
      _ = await consumer.revokeWaiting.sleep(for: Self.shortWait)
      try absorb()
      closeWhatIsDue()
    }
  }

  var load: Int {
    open.values.reduce(0) { $0 + $1.draft.bytes } + closings.values.reduce(0) { $0 + $1.generation.bytes }
  }

  // MARK: Partitions come and go

  /// Finds out where newly assigned partitions start, and what of them has to be repeated.
  package func starts(of partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64] {
    let committed = try await consumer.committed(partitions)
    for partition in partitions {
      marks[partition] = committed[partition].flatMap { found in
        ClosingMark(found.metadata).flatMap { $0.next > found.offset ? $0 : nil }
      }
    }
    return committed.mapValues(\.offset)
  }

  package func assigned(_ positions: [TopicPartition: Int64], unknown: [TopicPartition: Int64]) async throws {
    account.started(positions)
    for (partition, mark) in marks where positions[partition] != nil {
      pipeline.logger.notice(
        "repeating what an earlier owner had begun to write",
        metadata: [
          "topic": "\(partition.topic)", "partition": .stringConvertible(partition.partition),
          "from_offset": .stringConvertible(positions[partition] ?? -1), "to_offset": .stringConvertible(mark.next),
        ])
    }
    do { if !unknown.isEmpty { try await consumer.commit(unknown) } } catch {
      pipeline.logger.debug("start offsets not committed yet", metadata: ["reason": "\(error)"])
    }
  }

  /// Closes what is open of these partitions and waits for it once.
  package func settle(_ partitions: Set<TopicPartition>) async throws -> Handover {
    // Two rounds: what is on its way, then what is open behind it. An outage is left to the next owner.
    try await finishClosings(of: partitions)
    for lease in open.keys where partitions.contains(lease.partition) {
      if open[lease]?.limit == nil { close(lease) }
    }
    try await finishClosings(of: partitions)
    // All others are committed, or have to keep their mark.
    let passed = passable.filter { partitions.contains($0.key.partition) }
    return Handover(
      uncommitted.filter { partitions.contains($0.key) }
        .merging(passed.map { ($0.key.partition, $0.value) }) { max($0, $1) })
  }

  private func finishClosings(of partitions: Set<TopicPartition>) async throws {
    let closings = closings.filter { partitions.contains($0.key.partition) }.values
    for closing in closings { closing.lastCall.raise() }
    for closing in closings { await closing.task.value }
    try absorb()
  }

  package func leave(_ partitions: Set<TopicPartition>) -> Int {
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
    let returned = account.forget(partitions)
    metrics.returned(by: returned)
    metrics.setInFlight(account.inFlight)
    recordLoad()
    return returned
  }

  /// What was read before the gap is written as it is.
  package func skip(_ gap: Gap) async throws {
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
}
