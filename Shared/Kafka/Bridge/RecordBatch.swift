import CRdKafka

/// Records that still lie in librdkafka's fetch buffers, in the order of their partitions.
///
/// The last reference frees them. One live record pins the whole response it came with, and the client cannot
/// be freed while one lives: copy what has to outlive a flush.
package final class RecordBatch: Sendable {
  /// Consecutive records of one partition.
  struct Run: Sendable {
    var lease: Lease
    var range: Range<Int>
  }

  /// C events and the one message in each. Shared by the batches that `removing(_:)` makes of one another.
  final class Storage: Sendable {
    nonisolated(unsafe) let events: [OpaquePointer]
    nonisolated(unsafe) let messages: [UnsafePointer<rd_kafka_message_t>]
    private let client: ClientHandle

    init(events: [OpaquePointer], messages: [UnsafePointer<rd_kafka_message_t>], client: ClientHandle) {
      self.events = events
      self.messages = messages
      self.client = client
    }

    deinit { for event in events { rd_kafka_event_destroy(event) } }
  }

  private let storage: Storage
  private let runs: [Run]
  package let count: Int
  /// Bytes of keys and values.
  package let byteCount: Int
  /// The next offset to commit for every partition that has a record here.
  package let positions: [TopicPartition: Int64]

  init(storage: Storage, runs: [Run]) {
    self.storage = storage
    self.runs = runs
    var (count, bytes) = (0, 0)
    var positions: [TopicPartition: Int64] = [:]
    for run in runs {
      count += run.range.count
      for index in run.range { bytes += storage.messages[index].pointee.len + storage.messages[index].pointee.key_len }
      positions[run.lease.partition] = storage.messages[run.range.upperBound - 1].pointee.offset + 1
    }
    self.count = count
    byteCount = bytes
    self.positions = positions
  }

  /// The leases the records were read under.
  package var leases: Set<Lease> { Set(runs.map(\.lease)) }

  /// The batch without these partitions, or nil when nothing is left.
  func removing(_ partitions: Set<TopicPartition>) -> RecordBatch? {
    let kept = runs.filter { !partitions.contains($0.lease.partition) }
    if kept.count == runs.count { return self }
    return kept.isEmpty ? nil : RecordBatch(storage: storage, runs: kept)
  }

  /// A view of one record; the compiler keeps it inside the closure.
  package struct Record: ~Copyable, ~Escapable {
    package let lease: Lease
    package let offset: Int64
    /// Milliseconds since 1970, UTC; -1 when the record has none.
    package let timestamp: Int64
    /// nil when the record has no key, which is not the same as an empty key.
    package let key: RawSpan?
    /// Empty for a tombstone.
    package let value: RawSpan
    package let isTombstone: Bool
    private let message: UnsafePointer<rd_kafka_message_t>

    @_lifetime(borrow message)
    init(_ message: borrowing UnsafePointer<rd_kafka_message_t>, lease: Lease, timestamp: Int64) {
      let body = message.pointee
      self.lease = lease
      self.timestamp = timestamp
      offset = body.offset
      isTombstone = body.payload == nil
      let start = UnsafeRawPointer(body.payload ?? Self.nothing)
      let value = RawSpan(_unsafeStart: start, byteCount: isTombstone ? 0 : body.len)
      self.value = _overrideLifetime(value, borrowing: message)
      if let start = body.key {
        let key = RawSpan(_unsafeStart: start, byteCount: body.key_len)
        self.key = _overrideLifetime(key, borrowing: message)
      } else {
        key = nil
      }
      self.message = copy message
    }

    /// The address of empty spans.
    nonisolated(unsafe) private static let nothing = UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1)

    package var topicPartition: TopicPartition { lease.partition }
    package var topic: String { lease.partition.topic }
    package var partition: Int32 { lease.partition.partition }

    /// Copies the headers out, in the record's order. A header without a value has an empty one.
    package var headers: [Header] {
      var list: OpaquePointer?
      guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return [] }
      var headers: [Header] = []
      headers.reserveCapacity(rd_kafka_header_cnt(list))
      var name: UnsafePointer<CChar>?
      var value: UnsafeRawPointer?
      var size = 0
      while rd_kafka_header_get_all(list, headers.count, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR,
        let text = name
      {
        headers.append(Header(String(cString: text), Array(UnsafeRawBufferPointer(start: value, count: size))))
      }
      return headers
    }

    /// Copies the value of the last header of this name out.
    package func header(_ name: String) -> [UInt8]? {
      var list: OpaquePointer?
      var value: UnsafeRawPointer?
      var size = 0
      guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list,
        rd_kafka_header_get_last(list, name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR
      else { return nil }
      return Array(UnsafeRawBufferPointer(start: value, count: size))
    }

    /// Copies the key out.
    package var keyBytes: [UInt8]? {
      guard let key else { return nil }
      return key.withUnsafeBytes { Array($0) }
    }
    /// Copies the value out.
    package var valueBytes: [UInt8] { value.withUnsafeBytes { Array($0) } }
  }

  package func forEach<E: Error>(_ body: (borrowing Record) throws(E) -> Void) throws(E) {
    // A batch that is a temporary would else be freed at its last use, which is before `body` has read the record.
    defer { withExtendedLifetime(self) {} }
    for run in runs {
      for index in run.range {
        let message = storage.messages[index]
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let timestamp = rd_kafka_message_timestamp(message, &kind)
        let record = Record(message, lease: run.lease, timestamp: timestamp)
        try body(record)
      }
    }
  }
}
