/// A partition of a topic that rows come from. The core has its own word for it, so that it can be driven without
/// Kafka.
package struct SourcePartition: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let topic: String
  package let partition: Int32

  package init(_ topic: String, _ partition: Int32) {
    self.topic = topic
    self.partition = partition
  }

  /// The order in which rows of `kafka_offsets` are locked.
  package static func < (left: Self, right: Self) -> Bool {
    (left.topic, left.partition) < (right.topic, right.partition)
  }

  package var description: String { "\(topic)[\(partition)]" }
}

/// Whose offsets they are. A recreated cluster counts from zero again, so its offsets are kept apart by its id.
package struct OffsetScope: Hashable, Sendable {
  package let clusterID: String
  package let consumerGroup: String

  package init(clusterID: String, consumerGroup: String) {
    self.clusterID = clusterID
    self.consumerGroup = consumerGroup
  }
}
