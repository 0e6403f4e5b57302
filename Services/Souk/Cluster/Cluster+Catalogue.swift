import Catalogue
import Kafka
import KafkaFlags
import Logging
import Operations

/// A cluster and its topics of the catalogue.
extension Cluster {
  /// - Throws: `Failure` of class configuration for a property that Kafka's library refuses.
  init(_ options: ClusterOptions, bootstrapServers: String? = nil) throws {
    try self.init(options.kafkaOptions(servers: bootstrapServers), name: "souk")
  }

  /// - Parameter topics: those of the catalogue that are wanted.
  func plan(_ topics: [Topic]) async throws(KafkaError) -> TopicPlan {
    TopicPlan(catalogue: topics, existing: try await admin.topics().mapValues(\.count), names: admin.names)
  }

  /// Creates the missing topics of the plan; changes no other.
  /// - Parameter replicationFactor: nil for the cluster's default.
  func apply(_ plan: TopicPlan, replicationFactor: Int? = nil) async throws(KafkaError) {
    try await admin.createTopics(plan.missing.map { topic in
      TopicSpecification(
        name: topic.name, partitions: Int(topic.partitions), replicationFactor: replicationFactor ?? -1,
        settings: Dictionary(uniqueKeysWithValues: topic.configuration.map { ($0.name, $0.value) }))
    })
  }

  /// Records between what a group has committed and the end of its topics.
  func lag(group: String, topics: [String], within limit: Duration) async throws(KafkaError) -> Int {
    try await admin.lag(group: group, topics: topics, within: limit).reduce(0) { $0 + Int($1.lag) }
  }

  /// The members of these services' groups, each as `client id @ host`. Groups without members are omitted.
  func members(of services: [ServiceEntry]) async throws(KafkaError) -> [(group: String, members: [String])] {
    var held: [(group: String, members: [String])] = []
    for group in services.flatMap(\.groups) {
      let members = try await admin.members(of: group.name)
      if !members.isEmpty { held.append((group.name, members)) }
    }
    return held
  }

  /// The time after which brokers remove a silent member.
  func sessionTimeout() throws -> Duration {
    let configuration = try options.consumerConfiguration(clientID: name, topics: [], logger: Logger(label: "souk"))
    return .milliseconds(configuration.properties["session.timeout.ms"].flatMap { Int($0) } ?? 45_000)
  }
}
