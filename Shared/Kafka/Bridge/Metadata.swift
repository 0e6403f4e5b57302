import CRdKafka

/// What a cluster says about itself.
package struct Metadata: Sendable, Hashable {
  package struct Topic: Sendable, Hashable {
    package var name: String
    package var partitions: [Int32]
    /// Why the broker would not describe it: unknown, forbidden.
    package var error: KafkaError?
  }
  package var brokers: [String]
  package var topics: [Topic]

  /// All topics of the cluster, of one that fleets share those of this fleet. Asking for all never creates one.
  static func all(_ client: ClientHandle, within limit: Duration) throws(KafkaError) -> Metadata {
    try fetch(client, topic: nil, within: limit)
  }

  /// One topic. Producers' questions may create it where the broker allows that.
  static func topic(_ client: ClientHandle, _ name: String, within limit: Duration) throws(KafkaError) -> Topic {
    let handle = client.call { rd_kafka_topic_new($0, client.names.onCluster(name), nil) }
    guard let handle else { throw KafkaError("metadata", rd_kafka_last_error(), detail: "topic \(name)") }
    defer { rd_kafka_topic_destroy(handle) }
    let metadata = try fetch(client, topic: handle, within: limit)
    return metadata.topics.first { $0.name == name } ?? Topic(name: name, partitions: [])
  }

  private static func fetch(
    _ client: ClientHandle, topic: OpaquePointer?, within limit: Duration
  ) throws(KafkaError) -> Metadata {
    var answer: UnsafePointer<rd_kafka_metadata>?
    let code = client.call { rd_kafka_metadata($0, topic == nil ? 1 : 0, topic, &answer, limit.milliseconds) }
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let answer else {
      throw client.fatalError ?? KafkaError("metadata", code)
    }
    defer { rd_kafka_metadata_destroy(answer) }
    let brokers = (0..<Int(answer.pointee.broker_cnt)).map { index in
      let broker = answer.pointee.brokers[index]
      return "\(String(cString: broker.host)):\(broker.port)"
    }
    let topics: [Topic] = (0..<Int(answer.pointee.topic_cnt)).compactMap { index in
      let topic = answer.pointee.topics[index]
      guard let name = client.names.inFleet(String(cString: topic.topic)) else { return nil }
      return Topic(
        name: name,
        partitions: (0..<Int(topic.partition_cnt)).map { topic.partitions[$0].id }.sorted(),
        error: topic.err == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaError("metadata", topic.err))
    }
    return Metadata(brokers: brokers, topics: topics)
  }
}
