import ArgumentParser
import Catalogue
import Core
import Foundation
@testable import Kafka
import KafkaFlags
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Operations
@testable import SoukService

private let realServers = ProcessInfo.processInfo.environment["SOUK_TEST_KAFKA"]

/// What an embedded broker cannot show: transactions, members, times. Only with `SOUK_TEST_KAFKA`.
@Suite(.enabled(if: realServers != nil)) struct RealBrokerTests {
  private func withTopic(_ body: (Cluster, KafkaOptions, String) async throws -> Void) async throws {
    let cluster = try Cluster(ClusterOptions.parse(["--kafka-bootstrap-servers", realServers ?? ""]))
    var options = try KafkaOptions.parse([])
    options.kafkaBootstrapServers = realServers ?? ""
    let topic = "souk-\(TestServers.uniqueName())"
    _ = try await cluster.admin.createTopics([TopicSpecification(name: topic, partitions: 2, replicationFactor: 1)])
    do { try await body(cluster, options, topic) } catch {
      try? await cluster.admin.deleteTopics([topic])
      throw error
    }
    try await cluster.admin.deleteTopics([topic])
  }

  private func group(_ topic: String) -> ConsumerGroup {
    ConsumerGroup(
      name: "g-\(topic)",
      inputs: [Topic(name: topic, partitions: 2, retention: .seconds(60), key: "k", summary: "")])
  }

  private func reading(_ cluster: Cluster, _ topic: String) async throws -> GroupLag {
    try #require(try await LagSurvey(cluster: cluster).read([group(topic)], window: .milliseconds(100)).first)
  }

  @Test(.timeLimit(.minutes(10))) func transactionsMembersAndTimes() async throws {
    try await withTopic { cluster, options, topic in
      let silent = Logger(label: "test")
      var transactional = options
      transactional.delivery = .exactlyOnce
      let producer = try Producer(
        transactional.producerConfiguration(clientID: "test", transactionalID: "t-\(topic)", logger: silent))
      try await producer.initTransactions()
      let now = WallClock.microseconds() / 1_000
      for part in 0..<2 {
        try await producer.beginTransaction()
        var batch = OutgoingBatch()
        for index in 0..<5 {
          let age = Int64(100 - part * 50 - index) * 60_000
          batch.append(topic: topic, key: Array("k".utf8), value: [UInt8(part * 5 + index)], timestamp: now - age)
        }
        try await producer.send(batch)
        try await producer.commitTransaction()
      }
      await producer.close()
      let place = try #require(
        try await cluster.admin.watermarks(try await cluster.partitions(of: topic)).first { $0.value.high > 0 }?.key)

      var lag = try await reading(cluster, topic)
      #expect(lag.verdict(slowAfter: .seconds(60)) == .neverRan && lag.state?.members.isEmpty == true)
      // Behind the last record lies the marker of the second transaction: twelve offsets, ten records.
      try await cluster.admin.commit(group: group(topic).name, [place: 11])
      lag = try await reading(cluster, topic)
      #expect(lag.partitions.first { $0.place == place }?.end == 12)
      #expect(lag.lag == 0 && lag.verdict(slowAfter: .seconds(60)) == .stopped)

      // A member that commits nothing: stuck, and named.
      try await cluster.admin.commit(group: group(topic).name, [place: 7])
      var joined = options
      joined.groupId = group(topic).name
      let consumer = try Consumer(joined.consumerConfiguration(clientID: "watched", topics: [topic], logger: silent))
      while true {
        guard let element = try await consumer.next(before: .now + .seconds(60)) else { break }
        if case .batch = element { break }
      }
      lag = try await reading(cluster, topic)
      #expect(lag.state?.members.count == 1 && lag.state?.members.first?.hasPrefix("watched @ ") == true)
      #expect(lag.verdict(slowAfter: .seconds(60)) == .stuck && lag.lag == 5)
      // The first record behind offset 7 (behind the first marker) is the second of the second half.
      let age = try #require(lag.timeLag)
      #expect(age >= .seconds(49 * 60) && age < .seconds(90 * 60), "\(age)")
      let rewind = Rewind(cluster: cluster, databaseURL: nil)
      let plan = try await rewind.plan(group(topic).name, [topic], to: now - 97 * 60_000 - 30_000)
      #expect(plan.moves == [RewindPlan.Move(place: place, from: 7, to: 3)])
      let refused = try await #require(throws: Failure.self) { try await rewind.carryOut(plan, group(topic).name) }
      #expect(refused.message.contains("1 member") && refused.message.contains("stop the service first"))
      consumer.close()
      while let element = try await consumer.next() {
        if case .revoking(_, let answer) = element { answer.done(committing: [:]) }
      }
      while try await !cluster.admin.members(of: group(topic).name).isEmpty {
        try await Task.sleep(for: .milliseconds(50))
      }
      try await rewind.carryOut(plan, group(topic).name)
      #expect(try await cluster.admin.committed(group: group(topic).name, [place])[place]?.offset == 3)

      // A tap from a time begins there, and passes over nothing but what is older.
      #expect(try await cluster.starts([place], at: now - 97 * 60_000 - 30_000) == [place.partition: 3])
      let seen = Mutex<[ReadRecord]>([])
      try await cluster.read(topic, from: [place.partition: 3], stop: Interruption()) { record in
        let copy = ReadRecord(record)
        seen.withLock { $0.append(copy) }
      }
      #expect(seen.withLock { $0 }.compactMap { $0.value?.first } == [3, 4, 5, 6, 7, 8, 9])
    }
  }
}
