import ArgumentParser
import Catalogue
@testable import DBWriterService
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import Testing
import TestSupport
import Values

import Glibc

/// The executable, as an operator runs it, with a real PostgreSQL and the embedded broker.
@Suite struct DBWriterProcessTests {
  @Test func aSchemaThatIsMissingStopsItWithTheCommandToRun() async throws {
    let (url, name, server) = try await TestServers.database()
    let broker = try EmbeddedBroker(topics: Self.topics)
    defer { broker.close() }
    let environment = ["DATABASE_URL": url, "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "HTTP_PORT": "0"]
    let refused = try await ServiceProcess.run("db-writer", [], environment: environment)
    #expect(refused.status == .exited(78))
    #expect(refused.errorOutput.contains("db-writer migrate"))
    let unchecked = try await ServiceProcess.run("db-writer", ["--check"], environment: environment)
    #expect(unchecked.status == .exited(78))
    for answer in ["migrated: steps 1, 2, 3, 4, 5, 6, 7, 8, 9\n", "up to date: step 9\n"] {
      let migrated = try await ServiceProcess.run("db-writer", ["migrate"], environment: ["DATABASE_URL": url])
      #expect(migrated.status.isSuccess)
      #expect(migrated.output == answer)
    }
    let checked = try await ServiceProcess.run("db-writer", ["--check"], environment: environment)
    #expect(checked.status.isSuccess, "\(checked.output)\(checked.errorOutput)")
    // A database that a newer release has migrated.
    _ = try await server.psql(
      "INSERT INTO schema_migrations SELECT 'db-writer', max(number) + 1, 'later', 'x' FROM schema_migrations",
      database: name)
    let older = try await ServiceProcess.run("db-writer", ["migrate"], environment: ["DATABASE_URL": url])
    #expect(older.status == .exited(78))
  }

  @Test func settingsThatCannotWorkAreRefusedWithoutSayingThePassword() async throws {
    let none = try await ServiceProcess.run("db-writer", [], environment: ["HTTP_PORT": "0"])
    #expect(none.status == .exited(78))
    #expect(none.errorOutput.contains("DATABASE_URL"))
    let url = try await TestServers.postgres().url.replacing("@", with: "HIDDEN@")
    let wrong = try await ServiceProcess.run("db-writer", ["migrate"], environment: ["DATABASE_URL": url])
    #expect(wrong.status == .exited(78))
    #expect(!(wrong.output + wrong.errorOutput).contains("HIDDEN"))
  }

  @Test func messagesBecomeRowsAndBadOnesDeadLettersAcrossARestart() async throws {
    let fixture = try await StoreFixture()
    // A rule that only the database knows.
    _ = try await fixture.psql("ALTER TABLE prices ADD CONSTRAINT cheap CHECK (price < 100)")
    let broker = try EmbeddedBroker(topics: Self.topics)
    defer { broker.close() }
    let options = try KafkaOptions.parse(["--kafka-bootstrap-servers", broker.bootstrapServers])
    let producer = try Producer(options.producerConfiguration(clientID: "test", logger: Self.logger))
    let environment: [String: String?] = [
      "DATABASE_URL": fixture.url, "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "LINGER": "50ms",
      "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500",
    ]

    var batch = OutgoingBatch()
    for store in 0..<20 {
      var items = [item("1", "1.00"), item("2", "2.00", row: 1), item("3", "3.00", row: 2)]
      if store == 7 { items[1].price = ExactDecimal("700")! }
      if store == 9 { items[0].price = ExactDecimal("-1")! }
      Self.add(ingest(store: "\(store)", items), store, to: &batch)
    }
    Self.add(Array("not json".utf8), 11, to: &batch)
    try await producer.send(batch)
    let first = try await ServiceProcess.start("db-writer", environment: environment)
    try await first.awaitReady()
    try await eventually("20 stores are written", timeout: .seconds(180)) {
      try await fixture.psql("SELECT count(*) FROM prices") == "58\n"
    }
    try await eventually("three dead letters") { try await Self.deadLetters(options) == 3 }
    #expect(await first.terminate() == .exited(0))
    #expect(try await fixture.psql("SELECT sum(next_offset + (next_offset < 0)::int) FROM kafka_offsets") == "21\n")

    // The offsets come from the database: nothing is read twice, and the records of the pause are read.
    batch = OutgoingBatch()
    for store in 0..<20 { Self.add(ingest(store: "\(store)", hour: 1, [item("1", "1.50")]), store, to: &batch) }
    try await producer.send(batch)
    let second = try await ServiceProcess.start("db-writer", environment: environment)
    try await second.awaitReady()
    try await eventually("20 changes are written", timeout: .seconds(180)) {
      try await fixture.psql("SELECT count(*) FROM prices WHERE price = 1.50") == "20\n"
    }
    #expect(await second.terminate() == .exited(0))
    #expect(try await Self.deadLetters(options) == 3)
    // Store 9 had no valid price before, so this one is no change.
    #expect(try await fixture.psql("SELECT count(*), min(previous_price), max(price) FROM price_history")
      == "19|1.00|1.50\n")
    await producer.close()
  }

  private static let logger = Logger(label: "db-writer-tests")
  private static let topics = ServiceCatalogue.dbWriter.inputs.flatMap { [$0, $0.deadLetters] }
    .map { (name: $0.name, partitions: Int($0.partitions)) }

  private static func add(_ value: [UInt8], _ store: Int, to batch: inout OutgoingBatch) {
    batch.append(
      topic: Topics.productsIngest.name, key: RecordKey.bytes(chain: "chain", "\(store)"), value: value, headers: [])
  }

  private static func deadLetters(_ options: KafkaOptions) async throws -> Int64 {
    let topic = Topics.productsIngest.deadLetters
    let admin = try options.makeAdmin(clientID: "test", logger: logger)
    let marks = try await admin.watermarks(Set((0..<topic.partitions).map { TopicPartition(topic.name, $0) }))
    return marks.values.reduce(0) { $0 + $1.high }
  }
}
