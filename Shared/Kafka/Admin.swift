import Logging

/// A topic as it should be.
package struct TopicSpecification: Sendable, Hashable {
  package var name: String
  package var partitions: Int
  /// -1 is the cluster's default.
  package var replicationFactor: Int
  /// Broker-side settings, such as `retention.ms`.
  package var settings: [String: String]

  package init(name: String, partitions: Int, replicationFactor: Int = -1, settings: [String: String] = [:]) {
    self.name = name
    self.partitions = partitions
    self.replicationFactor = replicationFactor
    self.settings = settings
  }
}

/// How far a group is behind in one partition.
package struct PartitionLag: Sendable, Hashable {
  package var partition: TopicPartition
  /// nil when the group never committed here.
  package var committed: Int64?
  package var watermarks: Watermarks

  /// Records between the group's position (or, without one, the first record) and the end.
  package var lag: Int64 { max(0, watermarks.high - max(committed ?? watermarks.low, watermarks.low)) }
}

/// Administrative requests to a cluster. All calls run on a thread of their own, one after the other.
package struct Admin: Sendable {
  private let worker: AdminWorker

  /// - Throws: `Failure(.configuration)` for a property librdkafka refuses.
  package init(properties: [String: String], logger: Logger) throws {
    worker = try AdminWorker(properties: properties, logger: logger)
  }

  /// Names one cluster; embedded brokers differ at every start.
  package func clusterID(within limit: Duration = .seconds(10)) async throws(KafkaError) -> String {
    try await worker.clusterID(within: limit)
  }

  package func metadata(within limit: Duration = .seconds(10)) async throws(KafkaError) -> Metadata {
    try await worker.metadata(within: limit)
  }

  /// All topics with their partitions; never creates one.
  package func topics(within limit: Duration = .seconds(10)) async throws(KafkaError) -> [String: [Int32]] {
    let metadata = try await worker.metadata(within: limit)
    return Dictionary(metadata.topics.map { ($0.name, $0.partitions) }, uniquingKeysWith: { first, _ in first })
  }

  /// One topic as a consumer of the group is shown it. Never creates it on a real cluster; an embedded broker makes
  /// every topic it is asked about.
  package func topic(_ name: String, group: String, within limit: Duration) async throws(KafkaError) -> Metadata.Topic {
    try await worker.topic(name, group: group, within: limit)
  }

  /// Creates those that are missing and leaves existing ones as they are.
  /// - Returns: the names that were created.
  /// - Throws: class `configuration` where the cluster does not create topics on request (the embedded broker:
  ///   use `EmbeddedBroker.createTopic`) or refuses.
  @discardableResult
  package func createTopics(
    _ topics: [TopicSpecification], within limit: Duration = .seconds(30)
  ) async throws(KafkaError) -> [String] {
    try await worker.createTopics(topics, within: limit)
  }

  package func deleteTopics(_ names: [String], within limit: Duration = .seconds(30)) async throws(KafkaError) {
    try await worker.deleteTopics(names, within: limit)
  }

  package func watermarks(
    _ partitions: Set<TopicPartition>, within limit: Duration = .seconds(10)
  ) async throws(KafkaError) -> [TopicPartition: Watermarks] {
    try await worker.watermarks(partitions, within: limit)
  }

  /// What a group committed; partitions without a committed offset are missing.
  package func committed(
    group: String, _ partitions: Set<TopicPartition>, within limit: Duration = .seconds(10)
  ) async throws(KafkaError) -> [TopicPartition: CommittedOffset] {
    try await worker.committed(group: group, partitions, within: limit)
  }

  /// Who is in a group now: `client id @ host` of each member, sorted; empty for a group that does not exist. The
  /// embedded broker cannot say.
  package func members(of group: String, within limit: Duration = .seconds(10)) async throws(KafkaError) -> [String] {
    try await worker.members(of: group, within: limit)
  }

  /// How far a group is behind in every partition of these topics, sorted; topics that do not exist are left out.
  package func lag(
    group: String, topics: [String], within limit: Duration = .seconds(10)
  ) async throws(KafkaError) -> [PartitionLag] {
    let known = try await self.topics(within: limit)
    let partitions = Set(topics.flatMap { topic in (known[topic] ?? []).map { TopicPartition(topic, $0) } })
    let committed = try await worker.committed(group: group, partitions, within: limit)
    let marks = try await worker.watermarks(partitions, within: limit)
    return partitions.sorted().compactMap { partition in
      marks[partition].map {
        PartitionLag(partition: partition, committed: committed[partition]?.offset, watermarks: $0)
      }
    }
  }
}
