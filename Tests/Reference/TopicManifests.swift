import Schemas

/// The catalogue of topics as custom resources of Strimzi's topic operator.
package enum TopicManifests {
  /// The label that says which cluster a topic belongs to; overlays may replace it.
  package static let cluster = "kafka"

  package static func yaml(_ topics: [Topic] = Topics.allWithDeadLetters) -> String {
    let head = """
      # Made by `make reference` from the catalogue of topics (Shared/Schemas/Catalogue/Topics.swift): change that.
      # Replicas and in-sync replicas are those of production; a smaller cluster patches them in its overlay.

      """
    return head + topics.map(manifest).joined()
  }

  private static func manifest(_ topic: Topic) -> String {
    """
    ---
    apiVersion: kafka.strimzi.io/v1
    kind: KafkaTopic
    metadata:
      name: \(resourceName(of: topic.name))
      labels:
        strimzi.io/cluster: \(cluster)
        app.kubernetes.io/part-of: souk
    spec:
      topicName: \(topic.name)
      partitions: \(topic.partitions)
      replicas: 3
      config:
        min.insync.replicas: 2
        cleanup.policy: \(topic.cleanup.rawValue)
        \(topic.cleanup == .compact ? "delete.retention.ms" : "retention.ms"): \
    \(topic.retention.components.seconds * 1_000)

    """
  }

  /// Names of resources have no underscores (RFC 1123); `topicName` holds the real one.
  static func resourceName(of topic: String) -> String { topic.replacing("_", with: "-") }
}
