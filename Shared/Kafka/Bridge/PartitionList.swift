import CRdKafka

import Glibc

/// A C list of a client's partitions with offsets and metadata, freed with its last reference.
final class PartitionList {
  private let client: ClientHandle
  private let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

  init(_ client: ClientHandle, _ offsets: [TopicPartition: Int64], metadata: [TopicPartition: String] = [:]) {
    self.client = client
    pointer = rd_kafka_topic_partition_list_new(Int32(max(offsets.count, 1)))
    for (partition, offset) in offsets {
      let topic = client.names.onCluster(partition.topic)
      let element = rd_kafka_topic_partition_list_add(pointer, topic, partition.partition)!
      element.pointee.offset = offset
      if let text = metadata[partition] {
        // librdkafka frees the metadata with the list, so it has to come from malloc.
        element.pointee.metadata = UnsafeMutableRawPointer(strdup(text))
        element.pointee.metadata_size = text.utf8.count
      }
    }
  }

  convenience init(
    _ client: ClientHandle, _ partitions: some Sequence<TopicPartition>,
    offset: Int64 = Int64(RD_KAFKA_OFFSET_INVALID)
  ) {
    self.init(client, Dictionary(partitions.map { ($0, offset) }, uniquingKeysWith: { first, _ in first }))
  }

  deinit { rd_kafka_topic_partition_list_destroy(pointer) }

  /// Calls C with the client and the list, which both live at least until `body` returns.
  func call<E: Error, Value>(
    _ body: (OpaquePointer, UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) throws(E) -> Value
  ) throws(E) -> Value {
    defer { withExtendedLifetime(self) {} }
    return try client.call { (client) throws(E) in try body(client, pointer) }
  }

  static func partitions(
    _ client: ClientHandle, _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
  ) -> [TopicPartition] {
    elements(client, list).map(\.partition)
  }

  struct Element {
    var partition: TopicPartition
    var offset: Int64
    var metadata: String
    var error: rd_kafka_resp_err_t
  }

  static func elements(
    _ client: ClientHandle, _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
  ) -> [Element] {
    guard let list else { return [] }
    return (0..<Int(list.pointee.cnt)).map { index in
      let element = list.pointee.elems[index]
      let metadata = UnsafeRawBufferPointer(start: element.metadata, count: element.metadata_size)
      return Element(
        partition: TopicPartition(client.names.topic(element.topic), element.partition), offset: element.offset,
        metadata: String(decoding: metadata, as: UTF8.self), error: element.err)
    }
  }

  var elements: [Element] {
    defer { withExtendedLifetime(self) {} }
    return Self.elements(client, pointer)
  }
}

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
