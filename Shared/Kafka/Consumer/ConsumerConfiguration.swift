import Logging

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
