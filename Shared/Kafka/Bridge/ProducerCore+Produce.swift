import CRdKafka
import Synchronization

extension ProducerCore {
  struct Outcome {
    /// The first record that was not taken.
    var next: Int
    /// Why it was not; nil when the batch is through.
    var error: KafkaError?
  }

  /// Hands records to librdkafka, which copies them, until one is not taken.
  func produce(_ batch: OutgoingBatch, from first: Int, _ ticket: AckTicket, _ counts: [Int32]) -> Outcome {
    var handles: [TopicHandle] = []
    for topic in batch.topics {
      guard let handle = topicHandle(topic) else {
        return Outcome(next: first, error: KafkaError("produce", rd_kafka_last_error(), detail: "topic \(topic)"))
      }
      handles.append(handle)
    }
    let templates = batch.headerSets.map { HeaderTemplate($0) }
    let topics = handles.map(\.pointer)
    defer { withExtendedLifetime((handles, templates)) {} }
    return batch.bytes.withUnsafeBytes { bytes in
      var fields = [rd_kafka_vu_t](repeating: rd_kafka_vu_t(), count: 8)
      for index in first..<batch.count {
        let item = batch.items[index]
        let routed = item.routing.count >= 0
        let partition = routed
          ? Murmur2.partition(of: bytes.slice(item.routing), count: counts[item.topic]) : RD_KAFKA_PARTITION_UA
        fields[0].vtype = RD_KAFKA_VTYPE_RKT
        fields[0].u.rkt = topics[item.topic]
        fields[1].vtype = RD_KAFKA_VTYPE_PARTITION
        fields[1].u.i32 = partition
        fields[2].vtype = RD_KAFKA_VTYPE_VALUE
        fields[2].u.mem = .init(ptr: bytes.pointer(item.value), size: max(0, item.value.count))
        fields[3].vtype = RD_KAFKA_VTYPE_KEY
        fields[3].u.mem = .init(ptr: bytes.pointer(item.key), size: max(0, item.key.count))
        fields[4].vtype = RD_KAFKA_VTYPE_MSGFLAGS
        fields[4].u.i = RD_KAFKA_MSG_F_COPY
        fields[5].vtype = RD_KAFKA_VTYPE_TIMESTAMP
        fields[5].u.i64 = item.timestamp
        fields[6].vtype = RD_KAFKA_VTYPE_OPAQUE
        fields[6].u.ptr = UnsafeMutableRawPointer(bitPattern: UInt(ticket.id))
        // The list as a whole, never single headers: those crash 2.0.2 when the partition is unknown. It becomes
        // the library's when the record is taken.
        let headers = item.headers >= 0 ? templates[item.headers].copy() : nil
        fields[7].vtype = RD_KAFKA_VTYPE_HEADERS
        fields[7].u.headers = headers
        let refusal = client.call { rd_kafka_produceva($0, fields, headers == nil ? 7 : 8) }
        if let error = refusal {
          if let headers { rd_kafka_headers_destroy(headers) }
          return Outcome(next: index, error: KafkaError("produce", consuming: error))
        }
      }
      return Outcome(next: batch.count, error: nil)
    }
  }

  private func topicHandle(_ topic: String) -> TopicHandle? {
    state.withLock { state in
      if let known = state.topics[topic] { return known }
      let made = TopicHandle(client, topic)
      state.topics[topic] = made
      return made
    }
  }

  /// A topic of a client, freed with its last user, which may be a batch that is still being handed over.
  final class TopicHandle: @unchecked Sendable {
    private let client: ClientHandle
    fileprivate let pointer: OpaquePointer

    init?(_ client: ClientHandle, _ topic: String) {
      let made = client.call { rd_kafka_topic_new($0, client.names.onCluster(topic), nil) }
      guard let made else { return nil }
      (self.client, pointer) = (client, made)
    }

    deinit { rd_kafka_topic_destroy(pointer) }
  }
}

/// Headers in C form, copied for every record that has them.
private final class HeaderTemplate {
  private let list: OpaquePointer

  init(_ headers: [Header]) {
    list = rd_kafka_headers_new(headers.count)
    for header in headers {
      var name = header.name
      name.withUTF8 { name in
        name.withMemoryRebound(to: CChar.self) { name in
          _ = header.value.withUnsafeBytes { value in
            let start = value.baseAddress ?? UnsafeRawPointer(emptyField)
            return rd_kafka_header_add(list, name.baseAddress, name.count, start, value.count)
          }
        }
      }
    }
  }

  deinit { rd_kafka_headers_destroy(list) }

  func copy() -> OpaquePointer? { rd_kafka_headers_copy(list) }
}

/// Where an empty but present field points to: for the library a null pointer is an absent one.
nonisolated(unsafe) private let emptyField = UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1)

extension UnsafeRawBufferPointer {
  fileprivate func slice(_ field: OutgoingBatch.Field) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: self[field.start..<(field.start + field.count)])
  }

  fileprivate func pointer(_ field: OutgoingBatch.Field) -> UnsafeMutableRawPointer? {
    switch field.count {
    case ..<0: nil
    case 0: emptyField
    default: UnsafeMutableRawPointer(mutating: baseAddress! + field.start)
    }
  }
}
