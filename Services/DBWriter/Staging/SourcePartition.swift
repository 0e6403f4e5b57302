/// The topic partition of some rows. A separate type, so that the core works without the module Kafka.
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

/// The owner of offsets. The cluster's id is part of it, because a recreated cluster counts from zero again.
package struct OffsetScope: Hashable, Sendable {
  package let clusterID: String
  package let consumerGroup: String

  package init(clusterID: String, consumerGroup: String) {
    self.clusterID = clusterID
    self.consumerGroup = consumerGroup
  }
}
