import Core
@testable import KafkaFlags
import Synchronization
import Testing
import TestSupport

@testable import Kafka

/// Offsets that hold no records, as transactions leave them.
@Suite struct EndsTests {
  @Test func thePositionMovesBehindMarkersAndLagReachesZero() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let (partition, group) = (TopicPartition(topic, 0), Cluster.unique("ends"))
    try await cluster.fill(topic, ["a", "b"])
    let end = 2 + (try await cluster.passOffsets(topic))
    let consumer = try cluster.consumer(topic, group: group)
    #expect(try await consumer.records(2).map(\.offset) == [0, 1])
    let lease = try #require(consumer.leases.first)
    #expect(try await consumer.passed() == [lease: end])
    #expect(try await consumer.commit([lease: end]).isEmpty, "it may be committed")
    let lag = try await cluster.admin.lag(group: group, topics: [topic])
    #expect(lag.map(\.lag) == [0] && lag.first?.watermarks.high == end)

    try await cluster.fill(topic, ["c"])
    #expect(try await consumer.records(1).map(\.offset) == [end])
    let later = end + 1 + (try await cluster.passOffsets(topic))
    #expect(try await consumer.passed() == [lease: later])
    try await consumer.drain(committing: [partition: later])
    #expect(try await cluster.admin.lag(group: group, topics: [topic]).map(\.lag) == [0])

    let next = try cluster.consumer(topic, group: group)
    guard case .assigned([partition: later]) = try await next.element() else {
      Issue.record("the next owner begins behind the markers")
      return
    }
    try await cluster.fill(topic, ["d"])
    #expect(try await next.records(1).map(\.offset) == [later])
    try await next.drain()
  }

  @Test func aPartitionOfMarkersAloneIsPassed() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic(2)
    let end = try await cluster.passOffsets(topic, 1, of: 2)
    let consumer = try cluster.consumer(topic, group: Cluster.unique("markers"))
    let passed = try await consumer.passed()
    #expect(passed.map(\.key.partition) == [TopicPartition(topic, 1)] && passed.map(\.value) == [end])
    try await consumer.drain()
  }

  @Test func aSeekReadsAgainAndPassesAgain() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let partition = TopicPartition(topic, 0)
    try await cluster.fill(topic, ["a", "b"])
    let end = 2 + (try await cluster.passOffsets(topic))
    let consumer = try cluster.consumer(topic, group: Cluster.unique("again"))
    #expect(try await consumer.records(2).count == 2)
    let first = try await consumer.passed()
    for _ in 0..<3 {
      try await consumer.seek([partition: .offset(1)])
      #expect(try await consumer.records(1).map(\.value) == ["b"])
      let again = try await consumer.passed()
      #expect(again.map(\.value) == [end] && again.keys != first.keys, "under a new lease")
    }
    try await consumer.drain()
  }

  /// Waiting for a table means waiting for its end, not for a record at its last offset.
  @Test(arguments: [0, 3]) func aTableThatEndsInMarkersIsCurrent(records: Int) async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic(2)
    try await cluster.fill(topic, (0..<records).map { "row \($0)" }, partitions: 2)
    for partition in Int32(0)..<2 { _ = try await cluster.passOffsets(topic, partition, of: 2) }
    let rows = Mutex(0)
    let reader = try TableReader(
      cluster.options().tableConfiguration(clientID: "test", topic: topic, logger: Cluster.logger)
    ) { batch in rows.withLock { $0 += batch.count } }
    let late = Interruption()
    let clock = Task {
      try await Task.sleep(for: .seconds(60))
      late.raise()
    }
    #expect(try await reader.waitUntilCurrent(orUntil: late))
    clock.cancel()
    #expect(rows.withLock { $0 } == records)
    await reader.closeAndWait()
  }

  /// Answers and records have separate queues: without records, answers must not wait for the poll to end.
  @Test func answersEndAPollThatWaitsForRecords() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let partition = TopicPartition(topic, 0)
    try await cluster.fill(topic, ["a", "b", "c"])
    let consumer = try cluster.consumer(
      topic, group: Cluster.unique("quiet"), configure: { $0.idlePoll = .seconds(3_600) })
    #expect(try await consumer.records(3).count == 3)
    for offset in Int64(1)...3 { #expect(try await consumer.commit([partition: offset]).isEmpty) }
    #expect(try await consumer.committed([partition])[partition]?.offset == 3)
    try await consumer.drain()
  }

  @Test func whatAGroupCommittedSaysNothingOfASinkThatDoesNotKnowThePartition() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let (partition, group) = (TopicPartition(topic, 0), Cluster.unique("emptied"))
    try await cluster.fill(topic, ["a", "b", "c"])
    let before = try cluster.consumer(topic, group: group)
    #expect(try await before.records(3).count == 3)
    try await before.drain(committing: [partition: 2])
    for (adopts, expected) in [(false, Int64(0)), (true, 2)] {
      let consumer = try cluster.consumer(
        topic, group: group, externalOffsets: true, configure: { $0.adoptsCommits = adopts })
      guard case .assigning(_, let answer) = try await consumer.element() else {
        Issue.record("expected to be asked first")
        return
      }
      answer.start(at: [:])
      guard case .assigned([partition: expected]) = try await consumer.element() else {
        Issue.record("expected to start at \(expected)")
        return
      }
      try await consumer.drain()
    }
  }

  @Test func theTextOfTheBeginningStaysBesideCommitsAndOutOfTheWorkersSight() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic(2)
    let (partition, group) = (TopicPartition(topic, 0), Cluster.unique("beginning"))
    let text = GroupBeginning(partitions: 2).text
    let consumer = try cluster.consumer(topic, group: group) { $0.startFrom = .latest }
    guard case .assigned = try await consumer.element() else {
      Issue.record("expected the assignment")
      return
    }
    try await cluster.fill(topic, ["a", "b"], partitions: 2)
    #expect(try await consumer.records(2).count == 2)
    func committed() async throws -> CommittedOffset? {
      try await cluster.admin.committed(group: group, [partition])[partition]
    }
    try await eventually("pinned") { try await committed() == CommittedOffset(offset: 0, metadata: text) }
    try await consumer.commit([partition: 1])
    #expect(try await committed() == CommittedOffset(offset: 1, metadata: text))
    #expect(try await consumer.committed([partition])[partition] == CommittedOffset(offset: 1))
    try await consumer.commit([partition: 1], metadata: [partition: "mine"])
    #expect(try await committed()?.metadata == "mine")
    try await consumer.drain()
  }
}
