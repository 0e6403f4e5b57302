import Logging
import Runtime

extension KafkaOptions {
  /// Connects, logs in, and looks whether the topics are there.
  /// - Returns: what was found, for a report.
  /// - Throws: a `ClassifiedError` that says what to change.
  package func check(
    clientID: String, topics: [String], within limit: Duration = .seconds(10), logger: Logger
  ) async throws -> String {
    let admin = try makeAdmin(clientID: clientID, logger: logger)
    let metadata: Metadata
    do {
      metadata = try await admin.metadata(within: limit)
    } catch {
      let advice = error.errorClass == .configuration
        ? "check the login and TLS properties" : "check --kafka-bootstrap-servers and that the brokers run"
      throw Failure(
        error.errorClass, code: error.code, "no answer from \(kafkaBootstrapServers): \(error.message); \(advice)")
    }
    let known = Dictionary(metadata.topics.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let missing = topics.filter { known[$0]?.partitions.isEmpty ?? true }
    guard missing.isEmpty else {
      let reasons = missing.map { topic in known[topic]?.error.map { "\(topic) (\($0.message))" } ?? topic }
      throw Failure(
        .configuration, code: "kafka_topics_missing",
        "topics missing or not visible to this user on \(kafkaBootstrapServers): \(reasons.joined(separator: ", "))")
    }
    return "\(metadata.brokers.count) brokers, \(topics.count) topics present, librdkafka \(Library.versionText)"
  }
}
