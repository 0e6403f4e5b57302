import Kafka
import KafkaFlags
import Testing
import TestSupport

@Suite struct ExternalOffsetsTests {
  @Test func nothingIsFetchedBeforeTheAnswerAndReadingStartsThere() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic(2)
    try await cluster.fill(topic, (0..<20).map { "\($0)" }, partitions: 2)
    let consumer = try cluster.consumer(topic, group: Cluster.unique("external"), externalOffsets: true)
    guard case .assigning(let partitions, let answer) = try await consumer.element() else {
      Issue.record("expected to be asked first")
      return
    }
    let (first, second) = (TopicPartition(topic, 0), TopicPartition(topic, 1))
    #expect(partitions == [first, second])
    guard case .idle = try await consumer.next(before: .now + .milliseconds(500)) else {
      Issue.record("something was fetched before the answer")
      return
    }
    #expect(consumer.leases.isEmpty)
    answer.start(at: [first: 7])
    guard case .assigned(let starts) = try await consumer.element() else {
      Issue.record("expected the assignment")
      return
    }
    #expect(starts == [first: 7, second: 0])
    let seen = try await consumer.records(13)
    #expect(seen.filter { $0.partition == 0 }.map(\.offset) == [7, 8, 9])
    #expect(seen.filter { $0.partition == 1 }.map(\.offset) == Array(0..<10))
    answer.start(at: [first: 0])
    try await consumer.drain()
  }

  @Test func aLateAnswerIsTakenAndTheGroupIsNotHeldUp() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    try await cluster.fill(topic, ["a", "b", "c"])
    let consumer = try cluster.consumer(
      topic, group: Cluster.unique("late"), externalOffsets: true, start: .milliseconds(100))
    guard case .assigning(_, let answer) = try await consumer.element() else {
      Issue.record("expected to be asked first")
      return
    }
    // Well past the deadline: the group goes on, with nothing for us.
    guard case .idle = try await consumer.next(before: .now + .milliseconds(600)) else {
      Issue.record("nothing can come before the answer")
      return
    }
    answer.start(at: [TopicPartition(topic, 0): 1])
    #expect(try await consumer.records(2).map(\.value) == ["b", "c"])
    try await consumer.drain()
  }

  @Test func closingWhileAskedEndsTheStream() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let consumer = try cluster.consumer(topic, group: Cluster.unique("asked"), externalOffsets: true)
    guard case .assigning(let partitions, let answer) = try await consumer.element() else {
      Issue.record("expected to be asked first")
      return
    }
    consumer.close()
    guard case .lost(partitions) = try await consumer.element() else {
      Issue.record("expected to lose what was offered")
      return
    }
    #expect(try await consumer.next() == nil)
    answer.start(at: [:])
  }

  /// The embedded broker does not know times and answers "none", which is the end.
  @Test(arguments: [
    (StartPosition.earliest, ["0", "1", "2", "3"]),
    (.timestamp(1_700_000_000_200), Cluster.external == nil ? [] : ["2", "3"]),
    (.timestamp(1_900_000_000_000), []), (.latest, []),
  ])
  func partitionsWithoutACommitStartWhereToldTo(start: StartPosition, expected: [String]) async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let producer = try cluster.producer()
    for number in 0..<4 {
      // One request each: the embedded broker finds times by request, a real one by record.
      var batch = OutgoingBatch()
      batch.append(
        topic: topic, key: nil, value: Array("\(number)".utf8), timestamp: 1_700_000_000_000 + Int64(number) * 100)
      try await producer.send(batch)
    }
    let group = Cluster.unique("start")
    let consumer = try cluster.consumer(topic, group: group) { $0.startFrom = start }
    guard case .assigned = try await consumer.element() else {
      Issue.record("expected the assignment")
      return
    }
    var batch = OutgoingBatch()
    batch.append(topic: topic, key: nil, value: Array("after".utf8))
    try await producer.send(batch)
    #expect(try await consumer.records(expected.count + 1).map(\.value) == expected + ["after"])
    let partition = TopicPartition(topic, 0)
    try await eventually("the start is pinned by a commit") {
      try await cluster.admin.committed(group: group, [partition])[partition]?.offset == Int64(4 - expected.count)
    }
    try await consumer.drain()
    await producer.close()
  }
}
