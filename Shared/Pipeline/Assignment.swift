import Kafka
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
