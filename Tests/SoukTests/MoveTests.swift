import ArgumentParser
import Catalogue
import Core
import DBWriterService
import Foundation
@testable import Kafka
import LocalServers
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Operations
@testable import SoukService

@Suite struct RewindPlanTests {
  private let places = (0..<4).map { TopicPartition("t", Int32($0)) }
  private func by(_ offsets: [Int64?]) -> [TopicPartition: Int64] {
    Dictionary(uniqueKeysWithValues: zip(places, offsets).compactMap { place, offset in offset.map { (place, $0) } })
  }

  @Test func offsetsGoBackOnly() {
    var marks: [TopicPartition: Watermarks] = [:]
    for (place, low) in zip(places, [0, 40, 0, 0] as [Int64]) { marks[place] = Watermarks(low: low, high: 100) }
    let plan = RewindPlan(committed: by([90, 80, 10, nil]), wanted: by([50, 20, 60, 0]), marks: marks)
    #expect(plan.moves.map(\.from) == [90, 80] && plan.moves.map(\.to) == [50, 40])
    #expect(plan.repeated == 80 && plan.untouched == 2)
    #expect(plan.overtaken == [places[1]], "its records of that time are gone")
    let lines = RewindCommand.report(plan, "parser", ServiceCatalogue.parser, done: false)
      .lines(Terminal(width: 80, hasColour: false))
    #expect(lines.allSatisfy { $0.count <= 80 })
    #expect(lines.joined(separator: " ").contains("reads 80 records again"))
    #expect(lines.last?.contains("nothing was moved; --yes") == true)
  }

  /// For every service there is a word on what a repetition does; two of them must not be rewound.
  @Test func servicesWhoseRepeatsChangeSomethingAreRefused() {
    let refused = ServiceCatalogue.all.filter { !RewindPlan.effect(of: $0).allowed }.map(\.name)
    #expect(refused == ["s3-consumer", "archiver"])
    for name in refused {
      let error = #expect(throws: (any Error).self) { _ = try RewindCommand.parse([name, "--to", "1h"]) }
      #expect(RewindCommand.message(for: error!).contains("cannot be rewound"))
    }
  }

  @Test(arguments: [
    (["parsr", "--to", "1h"], "did you mean 'parser'?"), (["parser", "--to", "noon"], "noon"),
    (["parser", "--to", "1h", "--topic", "x"], "it reads gogobe.files.downloaded"),
    (["db-writer", "--to", "1h"], "--database-url"),
  ])
  func wrongArgumentsAreFoundFirst(_ arguments: [String], _ hint: String) {
    let error = #expect(throws: (any Error).self) { _ = try RewindCommand.parse(arguments) }
    #expect(RewindCommand.message(for: error!).contains(hint))
  }
}

@Suite struct ReplayPlanTests {
  private let a = TopicPartition("t", 0)
  private let b = TopicPartition("t", 1)
  private let c = TopicPartition("t", 2)

  @Test func rangesAreBetweenTheTimesAndBehindEarlierRuns() {
    let marks = [
      a: Watermarks(low: 10, high: 100), b: Watermarks(low: 0, high: 50), c: Watermarks(low: 5, high: 5),
    ]
    let plan = ReplayPlan(marks: marks, starts: [a: 0, b: 20], ends: [a: 60, b: 90], committed: [a: 30])
    #expect(plan.ranges == [a: 30..<60, b: 20..<50])
    #expect(plan.total == 60 && plan.passed == 20)
    #expect(plan.done([a: 45]) == 15 && plan.done([a: 70, b: 50]) == 60)
    #expect(plan.progress([a: 45], after: .seconds(10)) == "15 of 60 offsets, 30s left")
    #expect(plan.progress([:], after: .seconds(10)) == "0 of 60 offsets")
    // An end before the begin, and a run that is done.
    #expect(ReplayPlan(marks: marks, starts: [a: 60], ends: [a: 20, b: 0], committed: [:]).ranges.isEmpty)
    #expect(ReplayPlan(marks: [a: marks[a]!], starts: [:], ends: [:], committed: [a: 100]).total == 0)
  }

  @Test(arguments: [
    ["--from", "1h", "--into", "topic:t"], ["--from", "1h", "--into", "t2"], ["--from", "1h", "--into", "topic:"],
    ["--from", "1h", "--to", "10m", "--into", "group:g"], ["--from", "10m", "--to", "1h", "--into", "topic:x"],
    ["--from", "1h", "--into", "topic:x", "--rate", "0"],
  ])
  func wrongArgumentsAreFoundFirst(_ arguments: [String]) {
    #expect(throws: (any Error).self) { _ = try ReplayCommand.parse(["t"] + arguments) }
  }
}

/// Replay and rewind over a broker and a database.
@Suite struct MoveTests {
  private func withBroker(_ topics: [(String, Int)], _ body: (Cluster, [String]) async throws -> Void) async throws {
    let broker = try EmbeddedBroker(topics: topics.map { ($0.0, $0.1) })
    defer { broker.close() }
    let kafka = ["--kafka-bootstrap-servers", broker.bootstrapServers]
    try await body(try Cluster(ClusterOptions.parse(kafka)), kafka)
  }

  private func produce(
    _ cluster: Cluster, _ topic: String, _ count: Int, age: (Int) -> Int64 = { _ in 0 }
  ) async throws {
    let now = WallClock.microseconds() / 1_000
    try await cluster.withProducer { producer in
      var batch = OutgoingBatch()
      for index in 0..<count {
        batch.append(
          topic: topic, key: Array("k\(index)".utf8), value: Array("v\(index)".utf8),
          headers: [Header("h", "\(index)")], timestamp: now - age(index) * 1_000)
      }
      try await producer.send(batch)
    }
  }

  private func records(_ cluster: Cluster, _ topic: String) async throws -> [ReadRecord] {
    let seen = Mutex<[ReadRecord]>([])
    try await cluster.read(topic, stop: Interruption()) { record in
      let copy = ReadRecord(record)
      seen.withLock { $0.append(copy) }
    }
    return seen.withLock { $0 }
  }

  @Test(.timeLimit(.minutes(10))) func aReplayCopiesThePartOfATimeOnce() async throws {
    try await withBroker([("source", 2), ("target", 2)]) { cluster, _ in
      try await produce(cluster, "source", 40) { Int64(40 - $0) * 3_600 }
      let now = WallClock.microseconds() / 1_000
      let replay = Replay(
        cluster: cluster, topic: "source", from: now - 30 * 3_600_000 - 1_800_000,
        to: now - 10 * 3_600_000 - 1_800_000, rate: 10_000)
      let done = try await replay.copy(into: "target", stop: Interruption()) { _ in }
      #expect(done.records == 20)
      let copies = try await records(cluster, "target")
      let originals = Dictionary(
        uniqueKeysWithValues: try await records(cluster, "source").map { ($0.key ?? [], $0) })
      #expect(Set(copies.compactMap(\.key)) == Set((10..<30).map { Array("k\($0)".utf8) }))
      for copy in copies {
        let original = try #require(originals[copy.key ?? []])
        #expect(copy.value == original.value && copy.timestamp == original.timestamp)
        #expect(copy.header("h") == original.header("h"))
        #expect(copy.header(Replay.header) == "source[\(original.place.partition)]@\(original.offset)")
      }
      // The same once more copies nothing: an earlier run has passed it.
      let again = try await replay.copy(into: "target", stop: Interruption()) { _ in }
      #expect(again.records == 0 && again.earlier > 0)
      #expect(try await records(cluster, "target").count == 20)
    }
  }

  @Test(.timeLimit(.minutes(10))) func aNewGroupBeginsWhereItIsTold() async throws {
    try await withBroker([("source", 2)]) { cluster, _ in
      try await produce(cluster, "source", 10)
      let replay = Replay(cluster: cluster, topic: "source", from: 0, to: nil, rate: 1)
      #expect(try await replay.begin("again", dryRun: false) == 2)
      let places = try await cluster.partitions(of: "source")
      let committed = try await cluster.admin.committed(group: "again", places)
      #expect(committed.values.allSatisfy { $0.offset == 0 } && committed.count == 2)
      // A group that has read already is not touched.
      await #expect(throws: Failure.self) { try await replay.begin("again", dryRun: false) }
    }
  }

  @Test(.timeLimit(.minutes(10))) func aStoppedServiceIsRewound() async throws {
    let topic = Topics.filesDownloaded.name
    try await withBroker([(topic, 1)]) { cluster, _ in
      try await produce(cluster, topic, 10)
      let place = TopicPartition(topic, 0)
      try await cluster.admin.commit(group: "parser", [place: 8])
      let rewind = Rewind(cluster: cluster, databaseURL: nil)
      let plan = try await rewind.plan("parser", [topic], to: 0)
      #expect(plan.repeated == 8)
      try await rewind.carryOut(plan, "parser")
      #expect(try await cluster.admin.committed(group: "parser", [place])[place]?.offset == 0)
      #expect(try await rewind.plan("parser", [topic], to: 0).moves.isEmpty)
    }
  }

  /// db-writer begins where its database says, whatever the group has committed.
  @Test(.timeLimit(.minutes(10))) func offsetsInPostgreSQLAreMovedTogether() async throws {
    let (url, name, server) = try await TestServers.database()
    _ = try await DBWriterSchema.migrator().migrate(
      try await PostgresConnection.open(PostgresConfiguration(url: url)))
    let topic = Topics.productsIngest.name
    try await withBroker([(topic, 2)]) { cluster, _ in
      try await produce(cluster, topic, 20)
      let id = try await cluster.admin.clusterID()
      for (partition, next) in [(0, 3), (1, 4)] {
        _ = try await server.psql("""
          INSERT INTO kafka_offsets (cluster_id, consumer_group, topic, partition, next_offset)
          VALUES ('\(id)', 'db-writer', '\(topic)', \(partition), \(next)),
                 ('\(id)', 'other', '\(topic)', \(partition), 9)
          """, database: name)
      }
      let rewind = Rewind(cluster: cluster, databaseURL: url)
      let plan = try await rewind.plan("db-writer", [topic], to: 0)
      #expect(plan.moves.map(\.from) == [3, 4] && plan.repeated == 7)
      let stored = try await StoredOffsets(url, id, "db-writer")
      // A writer that has gone on meanwhile stops all of it.
      _ = try await server.psql(
        "UPDATE kafka_offsets SET next_offset = 5 WHERE consumer_group = 'db-writer' AND partition = 1", database: name)
      await #expect(throws: Failure.self) { try await stored.move(plan.moves) }
      #expect(try await stored.read().values.sorted() == [3, 5])
      let second = try await rewind.plan("db-writer", [topic], to: 0)
      try await rewind.carryOut(second, "db-writer")
      #expect(try await stored.read().values.sorted() == [0, 0])
      #expect(try await StoredOffsets(url, id, "other").read().values.sorted() == [9, 9])
    }
  }
}
