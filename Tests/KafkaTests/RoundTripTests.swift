import Core
import Kafka
import KafkaFlags
import Testing
import TestSupport

@Suite struct RoundTripTests {
  @Test func bytesHeadersKeysTimestampsAndTombstonesSurvive() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let producer = try cluster.producer()
    let headers = [
      Header("souk-schema", "a"), Header("souk-schema", "b"), Header("empty", [UInt8]()), Header("binary", [0, 255, 7]),
    ]
    let binary = (0...255).map { UInt8($0) }
    var batch = OutgoingBatch()
    batch.append(topic: topic, key: Array("k".utf8), value: binary, headers: headers, timestamp: 1_700_000_000_123)
    batch.append(topic: topic, key: [], value: [UInt8](), timestamp: 1_700_000_000_124)
    batch.append(topic: topic, key: Array("gone".utf8), value: nil, timestamp: 1_700_000_000_125)
    batch.append(topic: topic, key: nil, value: binary.span.bytes, headers: headers, timestamp: 1_700_000_000_126)
    #expect(batch.count == 4)
    try await producer.send(batch)
    try await eventually("the budget is whole again") { producer.inFlightBytes == 0 }

    struct Copy: Equatable {
      var key: [UInt8]?
      var value: [UInt8]
      var isTombstone: Bool
      var timestamp: Int64
      var headers: [Header]
    }
    var copies: [Copy] = []
    let consumer = try cluster.consumer(topic, group: Cluster.unique("roundtrip"))
    while copies.count < 4 {
      guard let element = try await consumer.element() else { break }
      if case .idle = element { break }
      guard case .batch(let batch) = element else { continue }
      batch.forEach { record in
        copies.append(Copy(
          key: record.keyBytes, value: record.valueBytes, isTombstone: record.isTombstone,
          timestamp: record.timestamp, headers: record.headers))
        #expect(record.topic == topic)
        #expect(consumer.owns(record.lease))
      }
    }
    #expect(copies == [
      Copy(key: Array("k".utf8), value: binary, isTombstone: false, timestamp: 1_700_000_000_123, headers: headers),
      Copy(key: [], value: [], isTombstone: false, timestamp: 1_700_000_000_124, headers: []),
      Copy(key: Array("gone".utf8), value: [], isTombstone: true, timestamp: 1_700_000_000_125, headers: []),
      Copy(key: nil, value: binary, isTombstone: false, timestamp: 1_700_000_000_126, headers: headers),
    ])
    try await consumer.drain()
    await producer.close()
  }

  @Test func batchesKeepTheirBounds() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    // 10 bytes each but for one of 500, which is larger than a whole batch may be.
    let values = (0..<200).map { $0 == 50 ? String(repeating: "x", count: 5_000) : "value-\(1_000 + $0)" }
    try await cluster.fill(topic, values)
    let consumer = try cluster.consumer(topic, group: Cluster.unique("bounds")) {
      $0.maxBatchRecords = 64
      $0.maxBatchBytes = ByteSize(1_024)
    }
    var seen: [Seen] = []
    while seen.count < values.count, let element = try await consumer.element() {
      if case .idle = element { break }
      guard case .batch(let batch) = element else { continue }
      let records = batch.seen
      #expect(records.count == batch.count && batch.count <= 64)
      #expect(batch.byteCount == records.reduce(0) { $0 + $1.value.utf8.count })
      #expect(batch.byteCount <= 1_024 || batch.count == 1)
      #expect(batch.positions == [TopicPartition(topic, 0): records.last!.offset + 1])
      seen += records
    }
    #expect(seen.map(\.value) == values)
    #expect(seen.map(\.offset) == (0..<200).map { Int64($0) })
    try await consumer.drain()
  }

  @Test func anIdleReaderIsToldSoAndACancelledOneReturns() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let consumer = try cluster.consumer(topic, group: Cluster.unique("idle"))
    var idle = false
    while !idle {
      if case .idle = try await consumer.next(before: .now + .milliseconds(50)) { idle = true }
    }
    let reader = Task { while try await consumer.next() != nil {} }
    reader.cancel()
    await #expect(throws: CancellationError.self) { try await reader.value }
    try await consumer.drain()
    #expect(try await consumer.next() == nil)
  }

  @Test func placementEqualsTheLibrarys() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic(7)
    let producer = try cluster.producer()
    let keys = (0..<50).map { Array("chain-\($0)/store-\($0 * 7)".utf8) }
    var batch = OutgoingBatch()
    for key in keys {
      // The same bytes once as a key, which librdkafka places, and once as a route, which we place.
      batch.append(topic: topic, key: key, value: key)
      batch.append(topic: topic, key: Array("other".utf8), value: key, partitionBy: key)
    }
    try await producer.send(batch)
    await producer.close()
    let consumer = try cluster.consumer(topic, group: Cluster.unique("placement"))
    let seen = try await consumer.records(100)
    for key in keys {
      let text = String(decoding: key, as: UTF8.self)
      let partitions = seen.filter { $0.value == text }.map(\.partition)
      #expect(partitions.count == 2 && Set(partitions) == [Murmur2.partition(of: key, count: 7)])
    }
    try await consumer.drain()
  }
}
