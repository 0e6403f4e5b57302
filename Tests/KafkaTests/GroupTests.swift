import Core
@testable import Kafka
import KafkaFlags
import Synchronization
import Testing
import TestSupport

/// Members that join and leave. Each takes its partitions, commits every batch, and flushes on request.
@Suite struct GroupTests {
  /// Every record the members of a test consumed, with the committed offsets at that time.
  private final class Tally: Sendable {
    struct State {
      var seen: [Seen: Int] = [:]
      var refused: Set<Seen> = []
      var revokes = 0
    }
    let state = Mutex(State())
    var unique: Int { state.withLock { $0.seen.count } }
  }

  private func work(_ consumer: Consumer, _ tally: Tally, topic: String) async throws {
    var done: [TopicPartition: Int64] = [:]
    var open: [Seen] = []
    while let element = try await consumer.next() {
      switch element {
      case .batch(let batch):
        let records = batch.seen
        tally.state.withLock { state in for record in records { state.seen[record, default: 0] += 1 } }
        open += records
        done.merge(batch.positions) { _, new in new }
        do {
          try await consumer.commit(done)
          open = []
        } catch {
          // Refused while members join (the embedded broker does that): the next owner reads these again.
          #expect(error.isTransient)
        }
      case .revoking(let partitions, let answer):
        tally.state.withLock { state in
          state.revokes += 1
          state.refused.formUnion(open)
        }
        answer.done(committing: done)
        done = done.filter { !partitions.contains($0.key) }
        open = []
      case .lost(let partitions):
        tally.state.withLock { $0.refused.formUnion(open) }
        done = done.filter { !partitions.contains($0.key) }
      default: break
      }
    }
  }

  @Test(.timeLimit(.minutes(15))) func twoMembersShareAndOneLeaves() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic(4)
    let group = Cluster.unique("share")
    try await cluster.fill(topic, (0..<400).map { "first-\($0)" }, partitions: 4)
    let tally = Tally()
    let first = try cluster.consumer(topic, group: group) { $0.maxBatchRecords = 20 }
    async let firstEnd: Void = work(first, tally, topic: topic)
    try await eventually("the first member reads everything") { tally.unique == 400 }

    let second = try cluster.consumer(topic, group: group) { $0.maxBatchRecords = 20 }
    async let secondEnd: Void = work(second, tally, topic: topic)
    try await eventually("both have two partitions") { first.leases.count == 2 && second.leases.count == 2 }
    #expect(Set(first.leases.map(\.partition)).isDisjoint(with: second.leases.map(\.partition)))
    try await cluster.fill(topic, (0..<400).map { "second-\($0)" }, partitions: 4)
    try await eventually("both share the next records") { tally.unique == 800 }

    first.close()
    try await firstEnd
    #expect(first.leases.isEmpty)
    try await eventually("the other takes all over", timeout: .seconds(180)) { second.leases.count == 4 }
    try await cluster.fill(topic, (0..<400).map { "third-\($0)" }, partitions: 4)
    try await eventually("nothing is lost") { tally.unique == 1_200 }
    second.close()
    try await secondEnd

    tally.state.withLock { state in
      #expect(state.revokes >= 3)
      let repeated = state.seen.filter { $0.value > 1 }.map(\.key)
      #expect(Set(repeated).isSubset(of: state.refused), "only what could not be committed comes twice")
    }
    let lag = try await cluster.admin.lag(group: group, topics: [topic])
    #expect(lag.map(\.lag) == [0, 0, 0, 0])
    #expect(lag.reduce(0) { $0 + ($1.committed ?? 0) } == 1_200)
  }

  @Test func commitsKeepTheirMetadataAndARestartResumes() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let group = Cluster.unique("resume")
    let partition = TopicPartition(topic, 0)
    try await cluster.fill(topic, (0..<10).map { "\($0)" })
    let first = try cluster.consumer(topic, group: group)
    #expect(try await first.records(10).count == 10)
    try await first.commit([partition: 4], metadata: [partition: "closing=10"])
    #expect(try await first.committed([partition]) == [partition: CommittedOffset(offset: 4, metadata: "closing=10")])
    #expect(try await first.watermarks([partition]) == [partition: Watermarks(low: 0, high: 10)])
    let committed = try await cluster.admin.committed(group: group, [partition])
    #expect(committed == [partition: CommittedOffset(offset: 4, metadata: "closing=10")])
    #expect(try await first.clusterID == (try await cluster.admin.clusterID()))
    try await first.drain()
    await #expect(throws: KafkaError.self) { try await first.commit([partition: 5]) }
    await #expect(throws: KafkaError.self) { _ = try await first.clusterID }

    let second = try cluster.consumer(topic, group: group)
    #expect(try await second.records(6).map(\.value) == ["4", "5", "6", "7", "8", "9"])
    try await second.drain()
  }

  @Test func aRevokeIsAnsweredBeforeTheNextOwnerBegins() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic(2)
    let group = Cluster.unique("revoke")
    try await cluster.fill(topic, (0..<40).map { "\($0)" }, partitions: 2)
    let first = try cluster.consumer(topic, group: group)
    #expect(try await first.records(40).count == 40)
    let held = first.leases
    let interruption = first.revokeWaiting
    #expect(!interruption.isRaised)

    let second = try cluster.consumer(topic, group: group)
    async let late: Void = interruption.wait()
    guard case .revoking(let partitions, let answer) = try await first.element() else {
      Issue.record("expected a revoke")
      return
    }
    await late
    #expect(interruption.isRaised, "a stuck worker is told out of band")
    #expect(first.leases == held, "ours until answered")
    // All of them under range; only those that move under cooperative-sticky.
    let revoked = held.filter { partitions.contains($0.partition) }
    answer.done(committing: Dictionary(uniqueKeysWithValues: partitions.map { ($0, 20) }))
    try await eventually("fenced by the answer") { revoked.allSatisfy { !first.owns($0) } }
    try await eventually("armed again for the next revoke") { !first.revokeWaiting.isRaised }
    answer.done(committing: [:])
    // The group may need more than one round until they share: both answer whatever it asks.
    let tally = Tally()
    async let firstEnd: Void = work(first, tally, topic: topic)
    async let secondEnd: Void = work(second, tally, topic: topic)
    try await eventually("they share") { first.leases.count == 1 && second.leases.count == 1 }
    #expect(revoked.allSatisfy { !first.owns($0) }, "what came back has a new epoch")
    first.close()
    second.close()
    try await firstEnd
    try await secondEnd
  }

  @Test func aRevokeWithoutAnAnswerEndsAtTheDeadline() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    try await cluster.fill(topic, (0..<5).map { "\($0)" })
    let group = Cluster.unique("deadline")
    let partition = TopicPartition(topic, 0)
    let consumer = try cluster.consumer(topic, group: group, drain: .milliseconds(200))
    #expect(try await consumer.records(5).count == 5)
    consumer.close()
    guard case .revoking(_, let answer) = try await consumer.element() else {
      Issue.record("expected the revoke of a close")
      return
    }
    guard case .lost([partition]) = try await consumer.element() else {
      Issue.record("expected to lose what was not answered for")
      return
    }
    answer.done(committing: [partition: 5])
    #expect(try await consumer.element() == nil)
    #expect(try await cluster.admin.committed(group: group, [partition])[partition]?.offset == 0,
            "the late answer committed nothing")
  }

  /// Members join and leave in waves while records come: the assignor of the library we run with (cooperative-sticky
  /// from 2.10.1 on) assigns, revokes and keeps partitions many times.
  @Test(.timeLimit(.minutes(15))) func aStormOfRebalancesLosesNothing() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic(6)
    let group = Cluster.unique("storm")
    let tally = Tally()
    var members: [(consumer: Consumer, end: Task<Void, any Error>)] = []
    func join() throws {
      let consumer = try cluster.consumer(topic, group: group) { $0.maxBatchRecords = 10 }
      members.append((consumer, Task { try await self.work(consumer, tally, topic: topic) }))
    }
    try join()
    var sent = 0
    for round in 0..<4 {
      for _ in 0..<2 { try join() }
      try await cluster.fill(topic, (0..<300).map { "\(round)-\($0)" }, partitions: 6)
      sent += 300
      // In the midst of it: the oldest leaves while the new ones are being let in.
      let oldest = members.removeFirst()
      if round % 2 == 0 { try await eventually("records flow") { tally.unique > sent - 300 } }
      oldest.consumer.close()
      try await oldest.end.value
    }
    try await eventually("nothing is lost", timeout: .seconds(300)) { tally.unique == sent }
    try await eventually("each partition has one owner", timeout: .seconds(180)) {
      let owned = members.flatMap { $0.consumer.leases.map(\.partition) }
      return owned.count == 6 && Set(owned).count == 6
    }
    for member in members { member.consumer.close() }
    for member in members { try await member.end.value }
    tally.state.withLock { state in
      let repeated = state.seen.filter { $0.value > 1 }.map(\.key)
      #expect(Set(repeated).isSubset(of: state.refused), "only what could not be committed comes twice")
    }
  }

  @Test(.timeLimit(.minutes(15))) func anAbandonedMemberMakesRoom() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    try await cluster.fill(topic, (0..<5).map { "\($0)" })
    let group = Cluster.unique("abandoned")
    var first: Consumer? = try cluster.consumer(topic, group: group)
    #expect(try await first?.records(5).count == 5)
    first = nil
    let second = try cluster.consumer(topic, group: group)
    #expect(try await second.records(5).count == 5, "nothing was committed, so all comes again")
    try await second.drain()
  }

  @Test(.timeLimit(.minutes(15))) func aBrokerThatGoesForGoodDoesNotHoldTheClose() async throws {
    guard Cluster.external == nil else { return }
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    try await cluster.fill(topic, ["a"])
    let consumer = try cluster.consumer(topic, group: Cluster.unique("gone"), drain: .seconds(1))
    #expect(try await consumer.records(1).count == 1)
    cluster.broker?.close()
    try await consumer.drain(committing: [TopicPartition(topic, 0): 1])
    #expect(try await consumer.next() == nil)
  }
}
