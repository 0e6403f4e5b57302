import Catalogue

/// The catalogue of topics as custom resources of Strimzi's topic operator.
package enum TopicManifests {
  package static func yaml(_ topics: [Topic] = Topics.allWithDeadLetters) -> String {
    let head = """
      # Made by `make reference` from the catalogue of topics (Shared/Catalogue/Topics.swift): change that.

      """
    return head + topics.map(manifest).joined()
  }

  private static func manifest(_ topic: Topic) -> String {
    let name = resourceName(of: topic.name)
    let settings = topic.configuration.map { "\($0.name): \($0.value)" }.joined(separator: ", ")
    return """
      ---
      apiVersion: kafka.strimzi.io/v1
      kind: KafkaTopic
      metadata: {name: \(name)}
      spec:
      \(name == topic.name ? "" : "  topicName: \(topic.name)\n")\
        partitions: \(topic.partitions)
        config: {\(settings)}

      """
  }

  /// Names of resources have no underscores (RFC 1123); `topicName` holds the real one where it is another.
  static func resourceName(of topic: String) -> String { topic.replacing("_", with: "-") }
}
