import Core
import Kafka
import KafkaFlags
import Synchronization
import Testing
import TestSupport

@Suite struct TableReaderTests {
  /// The batches of a reader, in order.
  private final class Log: Sendable {
    private let content = Mutex<[Seen]>([])
    func append(_ batch: RecordBatch) { content.withLock { $0 += batch.seen } }
    var seen: [Seen] { content.withLock { $0 } }
    var values: Set<String> { Set(seen.map(\.value)) }
  }

  private func reader(_ cluster: Cluster, _ topic: String, _ log: Log) throws -> TableReader {
    var configuration = try cluster.options().tableConfiguration(
      clientID: "test", topic: topic, logger: Cluster.logger)
    configuration.missingTopicGrace = .seconds(2)
    return try TableReader(configuration) { log.append($0) }
  }

  @Test func everyReaderSeesAllOfItAndWhatFollows() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic(3)
    let first = (0..<300).map { "a\($0)" }
    try await cluster.fill(topic, first, partitions: 3)
    let logs = [Log(), Log()]
    let readers = try logs.map { try reader(cluster, topic, $0) }
    for (reader, log) in zip(readers, logs) {
      #expect(try await reader.waitUntilCurrent(orUntil: Interruption()))
      #expect(log.values.isSuperset(of: first), "current means that all that was there is applied")
    }
    let second = (0..<30).map { "b\($0)" }
    try await cluster.fill(topic, second, partitions: 3)
    for (reader, log) in zip(readers, logs) {
      try await eventually { log.seen.count >= 330 }
      #expect(log.values == Set(first + second))
      let byPartition = Dictionary(grouping: log.seen, by: \.partition)
      #expect(byPartition.values.allSatisfy { $0.map(\.offset) == (0..<110).map { Int64($0) } })
      #expect(reader.applied == 330 && reader.lost == 0)
      await reader.closeAndWait()
    }
  }

  @Test func anEmptyTableIsCurrent() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic(2)
    let log = Log()
    let reader = try reader(cluster, topic, log)
    #expect(try await reader.waitUntilCurrent(orUntil: Interruption()))
    #expect(log.seen.isEmpty)
    await reader.closeAndWait()
  }

  /// Only with `SOUK_TEST_KAFKA`: the embedded broker makes every topic it is asked about.
  @Test func aMissingTopicIsSaid() async throws {
    guard Cluster.external != nil else { return }
    let cluster = try Cluster()
    let reader = try reader(cluster, Cluster.unique("missing"), Log())
    let error = try await #require(throws: KafkaError.self) {
      _ = try await reader.waitUntilCurrent(orUntil: Interruption())
    }
    #expect(error.errorClass == .configuration)
    await reader.waitUntilEnded()
  }

  @Test func aDrainEndsTheWaiting() async throws {
    guard Cluster.external == nil else { return }
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    cluster.broker?.takeDown()
    let reader = try reader(cluster, topic, Log())
    let drain = Interruption()
    drain.raise()
    #expect(try await reader.waitUntilCurrent(orUntil: drain) == false)
    reader.close()
  }

  /// The embedded broker keeps about 5 MB of a partition: what it trimmed is counted, the rest is read.
  @Test func trimmedRowsAreLoud() async throws {
    guard Cluster.external == nil else { return }
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let producer = try cluster.producer { $0.kafkaProperty.append("compression.type=none") }
    for _ in 0..<80 {
      var batch = OutgoingBatch()
      for _ in 0..<10 { batch.append(topic: topic, key: nil, value: [UInt8](repeating: 7, count: 10_000)) }
      try await producer.send(batch)
    }
    await producer.close()
    let log = Log()
    let reader = try reader(cluster, topic, log)
    #expect(try await reader.waitUntilCurrent(orUntil: Interruption()))
    #expect(reader.lost > 0)
    #expect(log.seen.first?.offset == Int64(reader.lost) && log.seen.last?.offset == 799)
    await reader.closeAndWait()
  }
}
