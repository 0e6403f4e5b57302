import Core
import Logging

/// A member of a consumer group: a stream of ordered elements, read by one task.
///
/// One thread owns the C handle. It hands over one batch at a time, so that a slow worker only slows the fetching
/// down: membership, heartbeats, rebalances and commits go on meanwhile.
///
/// Delivery is at least once: an offset is committed only when the worker says so. What the worker took from a
/// partition before it left can neither be committed nor, when the worker asks `owns(_:)`, written afterwards.
package final class Consumer: Sendable {
  private let mailbox: ConsumerMailbox
  package let configuration: Configuration

  /// Connects in the background and joins the group.
  /// - Throws: `Failure(.configuration)` for a property librdkafka refuses.
  package init(_ configuration: Configuration) throws {
    self.configuration = configuration
    mailbox = ConsumerMailbox()
    try ConsumerThread.start(configuration, mailbox: mailbox)
  }

  deinit { mailbox.send(.abandon) }

  /// The next element, or nil when the consumer is closed and drained.
  ///
  /// - Parameter deadline: return `.idle` when nothing came until then; nil waits for ever.
  /// - Throws: a `ClassifiedError` of class `fatal` or `configuration`, or `CancellationError`. After a
  ///   classified error the consumer closes by itself: further calls see the revoke of everything, then nil.
  package func next(before deadline: ContinuousClock.Instant? = nil) async throws -> Element? {
    try await mailbox.next(before: deadline)
  }

  /// Commits next offsets (last record + 1) and waits for the broker.
  ///
  /// Positions of partitions that are not ours, or that lie outside what was read in this assignment, are left
  /// out without an error: they are late, and their new owner decides.
  ///
  /// - Parameter metadata: texts to keep beside the offsets; a commit without one removes what was there.
  /// - Returns: what was left out.
  @discardableResult
  package func commit(
    _ positions: [TopicPartition: Int64], metadata: [TopicPartition: String] = [:]
  ) async throws(KafkaError) -> Set<TopicPartition> {
    try await mailbox.ask("commit") { $0.commit(positions, metadata, [:], $1) }
  }

  /// As above, but only where the lease is still held: for work that may outlive an assignment.
  @discardableResult
  package func commit(
    _ positions: [Lease: Int64], metadata: [TopicPartition: String] = [:]
  ) async throws(KafkaError) -> Set<TopicPartition> {
    var offsets: [TopicPartition: Int64] = [:]
    var epochs: [TopicPartition: UInt64] = [:]
    for (lease, offset) in positions where epochs[lease.partition, default: 0] <= lease.epoch {
      offsets[lease.partition] = offset
      epochs[lease.partition] = lease.epoch
    }
    let (sent, held) = (offsets, epochs)
    return try await mailbox.ask("commit") { $0.commit(sent, metadata, held, $1) }
  }

  /// What the group has committed; partitions without a committed offset are missing.
  package func committed(
    _ partitions: Set<TopicPartition>
  ) async throws(KafkaError) -> [TopicPartition: CommittedOffset] {
    try await mailbox.result("committed") { thread throws(KafkaError) in try thread.committed(partitions) }
  }

  /// Moves partitions that are ours. Records read before are not delivered any more, and leases begin anew.
  package func seek(_ positions: [TopicPartition: SeekTarget]) async throws(KafkaError) {
    try await mailbox.result("seek") { thread throws(KafkaError) in try thread.seek(positions) }
  }

  /// First and end offsets, asked of the brokers.
  package func watermarks(_ partitions: Set<TopicPartition>) async throws(KafkaError) -> [TopicPartition: Watermarks] {
    try await mailbox.result("watermarks") { thread throws(KafkaError) in
      try OffsetQuestions.watermarks(thread.client, partitions, within: .seconds(5))
    }
  }

  /// Whether work begun under this lease may still have an effect.
  package func owns(_ lease: Lease) -> Bool { mailbox.epoch(of: lease.partition) == lease.epoch }

  /// The leases held now.
  package var leases: Set<Lease> { Set(mailbox.epochs.map { Lease(partition: $0.key, epoch: $0.value) }) }

  /// Raised while a revoke or a close waits for the worker. Take it anew for every wait: it is replaced once
  /// the revoke is over, and stays raised after a close.
  package var revokeWaiting: Interruption { mailbox.interruption }

  /// Drains: a revoke of everything is delivered, then `next()` returns nil. Returns at once.
  package func close() { mailbox.tell { $0.carryOut($0.machine.close()) } }

  /// Names the cluster, so that offsets kept elsewhere are not used on another one. Every start of an embedded
  /// broker is another cluster.
  package var clusterID: String {
    get async throws(KafkaError) {
      try await mailbox.result("cluster id") { thread throws(KafkaError) in
        try ClusterID.ask(thread.client, within: .seconds(5))
      }
    }
  }

  /// Identifies this member in `Producer.sendOffsets`; take it anew for every transaction.
  package func groupMetadata() async throws(KafkaError) -> ConsumerGroupMetadata {
    try await mailbox.result("group metadata") { thread throws(KafkaError) in try thread.groupMetadata() }
  }
}

extension Consumer {
  package struct Configuration: Sendable {
    /// Everything librdkafka is told, from `ClientProperties`.
    package var properties: [String: String]
    package var topics: [String]
    /// As the properties have it.
    package let groupID: String
    package var startFrom: StartPosition = .earliest
    package var onGap: GapPolicy = .stop
    /// The worker's sink keeps the offsets: every assignment asks for them with `.assigning`.
    package var externalOffsets = false
    /// With `externalOffsets`: a partition that the worker does not know starts where the group has committed. Without,
    /// it starts at `startFrom`, because the group's commit says nothing of what is in the sink.
    package var adoptsCommits = false
    /// How long one poll waits when nothing is due. Any event ends it.
    var idlePoll: Duration = .milliseconds(100)
    /// Most records in one batch.
    package var maxBatchRecords = 5_000
    /// Most bytes (keys and values) in one batch; a single larger record is a batch of its own.
    package var maxBatchBytes = 4 << 20
    /// How long a revoke waits for its answer before the partitions are given up.
    package var drainDeadline: Duration = .seconds(20)
    /// How long an assignment waits for its start offsets before the group goes on without us on them.
    package var startDeadline: Duration = .seconds(15)
    /// How long leaving the group may take; the library is known to hang there after a broker restart.
    package var closeDeadline: Duration = .seconds(10)
    /// How long subscribed topics may be missing before that is a configuration error.
    package var missingTopicGrace: Duration = .seconds(60)
    /// Called on the client's thread with the reason why the cluster does not let this client in, as soon as that is
    /// known, and with nil once it does again.
    package var onAccessProblem: @Sendable (KafkaError?) -> Void = { _ in }
    package var logger: Logger

    package init(properties: [String: String], groupID: String, topics: [String], logger: Logger) {
      self.properties = properties
      self.groupID = groupID
      self.topics = topics
      self.logger = logger
    }
  }
}
