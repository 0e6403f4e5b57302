import Core
import Synchronization
import Testing
import TestSupport

import Glibc

@testable import Kafka

/// Every question to a cluster while its brokers come and go.
@Suite struct AdminTests {
  /// On a producer's handle this query ended the process by SIGSEGV.
  @Test func aCoordinatorThatMovesOnlyDelaysTheAnswer() async throws {
    guard Cluster.external == nil else { return }
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let group = Cluster.unique("moves")
    let partition = TopicPartition(topic, 0)
    try await cluster.fill(topic, (0..<9).map { "\($0)" })
    let member = try cluster.consumer(topic, group: group)
    _ = try await member.records(9)
    try await member.drain(committing: [partition: 4])
    // NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, COORDINATOR_LOAD_IN_PROGRESS
    for codes in [[16], [15, 14], [16, 16, 15, 16]] as [[Int32]] {
      cluster.broker?.fail(.offsetFetch, with: codes)
      let lag = try await cluster.admin.lag(group: group, topics: [topic], within: .seconds(30))
      #expect(lag.map(\.committed) == [4] && lag.map(\.lag) == [5])
      cluster.broker?.fail(.findCoordinator, with: codes)
      let other = Cluster.unique("fresh")
      #expect(try await cluster.admin.committed(group: other, [partition], within: .seconds(30)).isEmpty)
    }
  }

  @Test(.timeLimit(.minutes(10))) func everyQuestionSurvivesBrokersThatComeAndGo() async throws {
    guard Cluster.external == nil else { return }
    let broker = try EmbeddedBroker(brokers: 3, topics: [("t", 3)])
    let admin = try Admin(properties: ["bootstrap.servers": broker.bootstrapServers], logger: Cluster.logger)
    let partitions = Set((0..<3).map { TopicPartition("t", Int32($0)) })
    let isOver = Mutex(false)
    // The coordinator moves, loads, and every other connection is cut (-195). Ports are not closed: one that the
    // embedded broker gives up may be another program's before it wants it back.
    let requests: [EmbeddedBroker.Request] = [.metadata, .offsetFetch, .findCoordinator, .listOffsets]
    let storm = Task {
      while !isOver.withLock({ $0 }) {
        for request in requests { broker.fail(request, with: request == .metadata ? [-195] : [16, -195, 15]) }
        try? await Task.sleep(for: .milliseconds(200))
      }
      for request in requests { broker.clearFaults(request) }
    }
    func survives(_ question: () async throws -> Void) async throws {
      do { try await question() } catch let error as KafkaError { #expect(error.errorClass == .transient, "\(error)") }
    }
    for round in 0..<4 {
      try await survives { _ = try await admin.clusterID(within: .seconds(1)) }
      try await survives { _ = try await admin.topics(within: .seconds(1)) }
      try await survives { _ = try await admin.watermarks(partitions, within: .seconds(1)) }
      try await survives { _ = try await admin.committed(group: "g\(round % 3)", partitions, within: .seconds(1)) }
      try await survives { _ = try await admin.lag(group: "g", topics: ["t"], within: .seconds(1)) }
    }
    isOver.withLock { $0 = true }
    await storm.value
    let lag = try await eventuallySome("the brokers are back") {
      try? await admin.lag(group: "g", topics: ["t"], within: .seconds(5))
    }
    #expect(lag.count == 3)
  }

  @Test func theMembersOfAGroupAreNamed() async throws {
    // The embedded broker does not list groups.
    guard Cluster.external != nil else { return }
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let group = Cluster.unique("members")
    #expect(try await cluster.admin.members(of: group).isEmpty)
    try await cluster.fill(topic, ["a"])
    let member = try cluster.consumer(topic, group: group)
    _ = try await member.records(1)
    #expect(try await cluster.admin.members(of: group).map { $0.hasPrefix("test @ ") } == [true])
    try await member.drain()
    try await eventually("it has left") { try await cluster.admin.members(of: group).isEmpty }
  }

  /// `make test` runs this suite a second time with a current library.
  @Test func theLibraryIsTheOneThatWasAskedFor() {
    guard let wanted = getenv("SOUK_TEST_LIBRDKAFKA").map({ String(cString: $0) }) else { return }
    #expect(Library.versionText == wanted)
    #expect(Library.assignmentStrategy == "cooperative-sticky")
  }
}
