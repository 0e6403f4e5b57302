import ArgumentParser
import Core
@testable import KafkaFlags
import Synchronization
import Testing
import TestSupport

@testable import Kafka

/// Fleets that share a cluster behind prefixes of their own.
@Suite struct PrefixTests {
  /// Both use the same names, and neither sees anything of the other.
  @Test(.timeLimit(.minutes(10))) func twoFleetsShareACluster() async throws {
    let plain = try Cluster()
    let run = Cluster.unique("")
    let fleets = try ["blue\(run).", "green\(run)."].map { try Cluster(plain, prefix: $0) }
    let (topic, group) = (try await fleets[0].topic(), Cluster.unique("group"))
    if let broker = fleets[1].broker {
      try broker.createTopic(fleets[1].prefix + topic, partitions: 1)
    } else {
      try await fleets[1].admin.createTopics([.init(name: topic, partitions: 1, replicationFactor: 1)])
    }
    let place = TopicPartition(topic, 0)
    for (fleet, values) in zip(fleets, [["a", "b", "c"], ["x"]]) {
      try await fleet.fill(topic, values)
      let consumer = try fleet.consumer(topic, group: group)
      #expect(try await consumer.records(values.count).map(\.value) == values)
      let clusterID = try await plain.admin.clusterID()
      // Offsets that a database keeps are those of the fleet.
      #expect(try await consumer.clusterID == "\(clusterID)/\(fleet.prefix)")
      try await consumer.drain(committing: [place: Int64(values.count)])
      #expect(try await fleet.admin.topics() == [topic: [0]])
    }
    // What each has committed, by the names of the catalogue and by those of the cluster.
    for (fleet, count) in zip(fleets, [Int64(3), 1]) {
      let lag = try await fleet.admin.lag(group: group, topics: [topic])
      #expect(lag.map(\.committed) == [count] && lag.map(\.lag) == [0])
      let inside = TopicPartition(fleet.prefix + topic, 0)
      let seen = try await plain.admin.committed(group: fleet.prefix + group, [inside])
      #expect(seen[inside]?.offset == count)
      #expect(try await plain.admin.watermarks([inside])[inside]?.high == count)
    }
    #expect(try await plain.admin.committed(group: group, [TopicPartition(fleets[0].prefix + topic, 0)]).isEmpty)
    // A commit by the tool, and a consumer that goes on from it.
    try await eventually("the broker misses the member") {
      do throws(KafkaError) { try await fleets[0].admin.commit(group: group, [place: 1]) } catch {
        guard error.name == "UNKNOWN_MEMBER_ID" else { throw error }
        return false
      }
      return true
    }
    let again = try fleets[0].consumer(topic, group: group)
    #expect(try await again.records(2).map(\.value) == ["b", "c"])
    try await again.drain()
  }

  @Test(.timeLimit(.minutes(10))) func tablesAndTransactionsHaveThePrefix() async throws {
    let plain = try Cluster()
    let fleet = try Cluster(plain, prefix: "p\(Cluster.unique(""))_")
    let (input, output) = (try await fleet.topic(), try await fleet.topic())
    try await fleet.fill(input, ["a", "b"])
    let consumer = try fleet.consumer(input, group: "g")
    #expect(try await consumer.records(2).count == 2)
    let producer = try fleet.producer(transactionalID: Cluster.unique("tx")) { $0.delivery = .exactlyOnce }
    try await producer.initTransactions()
    try await producer.beginTransaction()
    var batch = OutgoingBatch()
    batch.append(topic: output, key: nil, value: Array("one".utf8))
    try await producer.send(batch)
    try await producer.sendOffsets([TopicPartition(input, 0): 2], metadata: try await consumer.groupMetadata())
    try await producer.commitTransaction()
    await producer.close()
    try await consumer.drain()

    let seen = Mutex<[Seen]>([])
    let reader = try TableReader(
      try fleet.options().tableConfiguration(clientID: "test", topic: output, logger: Cluster.logger)
    ) { batch in seen.withLock { $0 += batch.seen } }
    #expect(try await reader.waitUntilCurrent(orUntil: Interruption()))
    #expect(seen.withLock { $0.map(\.value) } == ["one"])
    await reader.closeAndWait()
    #expect(try await plain.admin.topics()[fleet.prefix + output] == [0])
  }

  @Test(arguments: ["a b", "a/b", "é", String(repeating: "x", count: 101)])
  func aPrefixThatNoTopicMayHaveIsRefused(_ prefix: String) {
    #expect(throws: (any Error).self) { _ = try KafkaOptions.parse(["--topic-prefix", prefix]) }
  }

  /// The library does not know the property, and an operator sets it by its own flag only.
  @Test func thePropertyIsReserved() throws {
    let options = try KafkaOptions.parse(["--kafka-property", "\(ClusterNames.property)=x"])
    #expect(throws: Failure.self) { _ = try options.adminProperties() }
    let names = ClusterNames(prefix: "x.")
    #expect(names.inFleet("x.t") == "t" && names.inFleet("t") == nil && names.onCluster("t") == "x.t")
    #expect(ClusterNames().inFleet("t") == "t")
  }
}
