import CRdKafka

/// A member's identity and generation, which a transaction checks so that a fenced consumer cannot commit.
package final class ConsumerGroupMetadata: Sendable {
  nonisolated(unsafe) private let pointer: OpaquePointer
  /// How many partitions each topic had when the group began, where that is kept beside commits.
  let beginnings: [String: Int32]

  init(owning pointer: OpaquePointer, beginnings: [String: Int32] = [:]) {
    self.pointer = pointer
    self.beginnings = beginnings
  }

  /// Calls C with the metadata, which lives at least until `body` returns.
  func call<Value>(_ body: (OpaquePointer) -> Value) -> Value {
    defer { withExtendedLifetime(self) {} }
    return body(pointer)
  }

  deinit { rd_kafka_consumer_group_metadata_destroy(pointer) }
}
