import Kafka
import Runtime
import ServiceKit

/// Whether this member has its place in the group, for `/readyz`: a member that was given nothing (more members
/// than partitions) is ready, one that was thrown out or waits for a rebalance is not.
struct Assignment {
  private let condition: ReadinessCondition
  private var held: Set<TopicPartition> = []

  init(_ health: Health) { condition = health.readiness("assignment") }

  mutating func took(_ partitions: some Sequence<TopicPartition>) {
    held.formUnion(partitions)
    condition.set(ready: true, reason: "\(held.count) partitions")
  }

  mutating func gave(_ partitions: Set<TopicPartition>) {
    held.subtract(partitions)
    if held.isEmpty {
      condition.set(ready: false, reason: "waiting for the group to hand out partitions")
    } else {
      condition.set(ready: true, reason: "\(held.count) partitions")
    }
  }
}

extension Consumer {
  /// Those of these positions whose lease is still held.
  func owned(_ positions: [Lease: Int64]) -> [TopicPartition: Int64] {
    var owned: [TopicPartition: Int64] = [:]
    for (lease, offset) in positions where owns(lease) { owned[lease.partition] = offset }
    return owned
  }
}

extension Failure {
  /// What is kept by offset (in a database, in the names of objects) belongs to the log that was there before.
  static func otherLog(_ gap: Gap) -> Failure {
    Failure(
      .fatal, code: "kafka_log_replaced",
      "\(gap); what was written of the old log is kept by its offsets. Give the new one a place of its own: another "
        + "group and, for objects, another prefix")
  }
}
