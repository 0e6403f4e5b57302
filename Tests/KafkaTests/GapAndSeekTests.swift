import Core
@testable import Kafka
import KafkaFlags
import Synchronization
import Testing
import TestSupport

@Suite struct GapAndSeekTests {
  /// Produces more than the embedded broker keeps of a partition (about 5 MB), in requests of 100 kB.
  private func overfill(_ cluster: Cluster, _ topic: String) async throws -> Int64 {
    let producer = try cluster.producer { $0.kafkaProperty.append("compression.type=none") }
    for _ in 0..<80 {
      var batch = OutgoingBatch()
      for _ in 0..<10 { batch.append(topic: topic, key: nil, value: [UInt8](repeating: 7, count: 10_000)) }
      try await producer.send(batch)
    }
    await producer.close()
    return 800
  }

  private func behind(
    _ policy: GapPolicy
  ) async throws -> (cluster: Cluster, consumer: Consumer, partition: TopicPartition, end: Int64)? {
    // Only the embedded broker trims on demand; on a real one DeleteRecords would be needed.
    guard Cluster.external == nil else { return nil }
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let group = Cluster.unique("gap")
    try await cluster.fill(topic, ["first"])
    let early = try cluster.consumer(topic, group: group)
    #expect(try await early.records(1).count == 1)
    try await early.drain(committing: [TopicPartition(topic, 0): 1])
    let end = try await overfill(cluster, topic) + 1
    let consumer = try cluster.consumer(topic, group: group) { $0.onGap = policy }
    return (cluster, consumer, TopicPartition(topic, 0), end)
  }

  private func gap(_ consumer: Consumer, assigned: () -> Void = {}) async throws -> Gap? {
    while let element = try await consumer.element() {
      switch element {
      case .assigned: assigned()
      case .gap(let gap): return gap
      case .idle: return nil
      case .batch: Issue.record("records were delivered across a gap")
      default: break
      }
    }
    return nil
  }

  @Test func aTrimmedPositionIsReportedAndStops() async throws {
    guard let (cluster, consumer, partition, end) = try await behind(.stop) else { return }
    defer { cluster.broker?.close() }
    let gap = try #require(try await gap(consumer))
    #expect(gap.partition == partition && gap.wanted == 1 && gap.end == end)
    #expect(gap.available > 1 && gap.lost == gap.available - 1)
    let error = try await #require(throws: Failure.self) { try await consumer.next() }
    #expect(error.errorClass == .fatal && error.code == "kafka_gap")
    guard case .revoking(_, let answer) = try await consumer.element() else {
      Issue.record("it drains after it failed")
      return
    }
    answer.done(committing: [:])
    #expect(try await consumer.next() == nil)
  }

  @Test func aTrimmedPositionCanBeGoneOnFrom() async throws {
    guard let (cluster, consumer, _, end) = try await behind(.continue) else { return }
    defer { cluster.broker?.close() }
    let lease = Mutex<Lease?>(nil)
    let gap = try #require(try await gap(consumer) { lease.withLock { $0 = consumer.leases.first } })
    let held = try #require(lease.withLock { $0 })
    #expect(consumer.owns(held), "what was read before the gap is still ours to finish")
    #expect(try await consumer.passed() == [held: gap.available])
    for offset in [1, gap.available] { #expect(try await consumer.commit([held: offset]).isEmpty) }
    let seen = try await consumer.records(Int(end - gap.available))
    #expect(seen.first?.offset == gap.available)
    #expect(seen.map(\.offset) == Array(gap.available..<end))
    try await consumer.drain()
  }

  @Test func aPositionBeyondTheEndIsReportedToo() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    try await cluster.fill(topic, ["only"])
    let consumer = try cluster.consumer(topic, group: Cluster.unique("beyond"), externalOffsets: true) {
      $0.onGap = .continue
    }
    guard case .assigning(_, let answer) = try await consumer.element() else {
      Issue.record("expected to be asked first")
      return
    }
    answer.start(at: [TopicPartition(topic, 0): 500])
    let gap = try #require(try await gap(consumer))
    #expect(gap == Gap(partition: TopicPartition(topic, 0), wanted: 500, available: 0, end: 1))
    #expect(gap.lost == 0)
    #expect(try await consumer.records(1).map(\.value) == ["only"])
    try await consumer.drain()
  }

  @Test func seekingMovesFencesAndDropsWhatWasReadAhead() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let partition = TopicPartition(topic, 0)
    let producer = try cluster.producer()
    for number in 0..<10 {
      var batch = OutgoingBatch()
      batch.append(
        topic: topic, key: nil, value: Array("\(number)".utf8), timestamp: 1_700_000_000_000 + Int64(number) * 100)
      try await producer.send(batch)
    }
    let consumer = try cluster.consumer(topic, group: Cluster.unique("seek")) { $0.maxBatchRecords = 3 }
    #expect(try await consumer.records(3).prefix(3).map(\.value) == ["0", "1", "2"])
    let before = try #require(consumer.leases.first)
    var targets = [(SeekTarget.offset(7), "7"), (.beginning, "0")]
    // The embedded broker does not know times.
    if Cluster.external != nil { targets.append((.timestamp(1_700_000_000_450), "5")) }
    for (target, expected) in targets {
      try await consumer.seek([partition: target])
      #expect(try await consumer.records(1).first?.value == expected)
    }
    #expect(!consumer.owns(before))
    #expect(try await consumer.commit([before: 3]) == [partition], "what was left out is named")
    #expect(try await consumer.committed([partition])[partition]?.offset == 0, "work from before the seek is late")
    try await consumer.seek([partition: .end])
    var batch = OutgoingBatch()
    batch.append(topic: topic, key: nil, value: Array("new".utf8))
    try await producer.send(batch)
    #expect(try await consumer.records(1).map(\.value) == ["new"])
    await #expect(throws: KafkaError.self) { try await consumer.seek([TopicPartition(topic, 9): .beginning]) }
    try await consumer.drain()
    await producer.close()
  }
}
