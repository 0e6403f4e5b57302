import CRdKafka

/// A member's identity and generation, which a transaction checks so that a fenced consumer cannot commit.
package final class ConsumerGroupMetadata: Sendable {
  nonisolated(unsafe) let pointer: OpaquePointer

  init(owning pointer: OpaquePointer) { self.pointer = pointer }

  deinit { rd_kafka_consumer_group_metadata_destroy(pointer) }
}
