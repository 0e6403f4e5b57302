import ArgumentParser
import Catalogue
import Core
@testable import DBWriterService
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import Operations
import Pipeline
import Postgres
import Synchronization
import Testing
import TestSupport
import Values

@testable import SoukService

/// `souk masters` over a broker and a database: what it sends is applied by db-writer's store, as in a fleet.
@Suite struct MastersCommandTests {
  private static let (milk, drink) = ("gtin:07290000149844", "gtin:04006381333931")
  private static let new = "name:" + String(repeating: "9", count: 32)

  private struct Bench {
    let broker: EmbeddedBroker
    let url: String
    let name: String
    let server: PrivatePostgres

    init() async throws {
      broker = try EmbeddedBroker(topics: [(Topics.masterDecisions.name, 1), (Topics.productsMasters.name, 1)])
      (url, name, server) = try await TestServers.database()
      _ = try await DBWriterSchema.migrator().migrate(
        try await PostgresConnection.open(PostgresConfiguration(url: url)))
      _ = try await psql("""
        INSERT INTO masters (master_id, name, minted_at) VALUES
          ('\(milk)', 'milk', now()), ('\(drink)', 'almond drink', now()), ('\(new)', 'fresh milk', now());
        INSERT INTO products (chain, ean, master_id, name, unit_qty, quantity, file_time, file_id, row_number) VALUES
          ('a', '7290000149844', '\(milk)', 'milk 3%', 'l', 1, now(), '\(fileID)', 1),
          ('a', '4006381333931', '\(drink)', 'almond drink', 'l', 1, now(), '\(fileID)', 2),
          ('b', '17', '\(new)', 'fresh milk', 'l', 1, now(), '\(fileID)', 1);
        INSERT INTO master_candidates (master_id, candidate_id, probability, model, minted_at) VALUES
          ('\(new)', '\(milk)', 0.61, 'v1', now())
        """)
    }

    private static let fileID = "00000000000000000000000000000001"
    private var fileID: String { Self.fileID }
    private var milk: String { MastersCommandTests.milk }
    private var drink: String { MastersCommandTests.drink }
    private var new: String { MastersCommandTests.new }

    func psql(_ sql: String) async throws -> String { try await server.psql(sql, database: name) }

    /// Runs `souk masters ...`, then lets db-writer write what was sent.
    func souk(_ arguments: String...) async throws {
      let targets = ["--database-url", url]
        + (["candidates", "history"].contains(arguments[0])
          ? [] : ["--kafka-bootstrap-servers", broker.bootstrapServers])
      let command = try MastersCommand.parseAsRoot(arguments + targets)
      var asynchronous = try #require(command as? any AsyncParsableCommand)
      try await asynchronous.run()
      try await apply(Topics.productsMasters)
      try await apply(Topics.masterDecisions)
    }

    func apply(_ topic: Topic) async throws {
      let store = TableStore(
        configuration: PostgresConfiguration(url: url), scope: OffsetScope(clusterID: "c", consumerGroup: "g"),
        staging: StagingArea(WriteTargets.all, instance: TestServers.uniqueName()))
      let source = TopicPartition(topic.name, 0)
      let first = max(0, try await store.start([source])[source] ?? 0)
      for (offset, value) in try await records(of: topic).enumerated() where offset >= first {
        #expect(try store.append(source, offset: Int64(offset), value: value.span.bytes) == .keep)
      }
      _ = try await store.flushStaged()
    }

    private func records(of topic: Topic) async throws -> [[UInt8]] {
      let seen = Mutex<[[UInt8]]>([])
      var options = try KafkaOptions.parse([])
      options.kafkaBootstrapServers = broker.bootstrapServers
      let reader = try TableReader(
        options.tableConfiguration(clientID: "test", topic: topic.name, logger: Logger(label: "test"))
      ) { batch in
        batch.forEach { record in
          let value = record.valueBytes
          seen.withLock { $0.append(value) }
        }
      }
      _ = try await reader.waitUntilCurrent(orUntil: Interruption())
      await reader.closeAndWait()
      return seen.withLock { $0 }
    }

    func master(ofChain chain: String, _ code: String) async throws -> String {
      try await psql("SELECT master_id FROM product_masters WHERE chain = '\(chain)' AND ean = '\(code)'")
        .split(separator: "\n").joined()
    }
  }

  private func withBench(_ body: (Bench) async throws -> Void) async throws {
    let bench = try await Bench()
    defer { bench.broker.close() }
    try await body(bench)
  }

  private func lastDecision(_ bench: Bench) async throws -> String {
    try await bench.psql("SELECT decision_id FROM master_decisions ORDER BY decided_at DESC LIMIT 1")
      .filter(\.isHexDigit)
  }

  @Test func aCandidateIsAcceptedAndTheMergeUndone() async throws {
    try await withBench { bench in
      let book = try await MasterBook(PostgresConfiguration(url: bench.url))
      #expect(try await book.candidates(limit: 9, probability: 0.6).rows.contains { $0.cells[0].text == Self.new })
      let open = try await book.candidates(limit: 9, probability: 0.6)
      #expect(open.lines(Terminal(width: 80, hasColour: false)).allSatisfy { $0.count <= 80 })
      guard case .list(let rows)? = open.data["candidates"] else { return #expect(Bool(false)) }
      #expect(rows.first?["candidate"] == .text(Self.milk) && rows.first?["probability"] == .number(0.61))
      #expect(try await book.candidates(limit: 9, probability: 0.7).rows.isEmpty)
      try await bench.souk("merge", Self.new, Self.milk, "--by", "dana", "--reason", "the same carton")
      #expect(try await bench.master(ofChain: "b", "17") == Self.milk)
      let none = try await book.candidates(limit: 9, probability: 0)
      #expect(none.lines(Terminal(width: 80, hasColour: false)) == ["no open candidates"])
      #expect(try await bench.psql("SELECT decided_by, reason, model, probability FROM master_decisions")
        == "dana|the same carton|v1|0.61\n")
      // What is one product already cannot be merged or rejected.
      for command in ["merge", "reject"] {
        await #expect(throws: Failure.self) { try await bench.souk(command, Self.milk, Self.new) }
      }
      let id = try await lastDecision(bench)
      try await bench.souk("undo", id, "--by", "noa")
      #expect(try await bench.master(ofChain: "b", "17") == Self.new)
      #expect(try await bench.psql("SELECT decided_by, undone_by FROM master_decisions") == "dana|noa\n")
      #expect(try await book.history(of: Self.milk, limit: 9).rows.contains { row in
        row.cells[0].text == id && row.cells.contains { $0.text == "noa" }
      })
      await #expect(throws: Failure.self) { try await bench.souk("undo", id) }
    }
  }

  @Test func whatIsRejectedIsNotMerged() async throws {
    try await withBench { bench in
      try await bench.souk("reject", Self.new, Self.milk)
      #expect(try await bench.psql("SELECT count(*) FROM open_candidates") == "0\n")
      await #expect(throws: Failure.self) { try await bench.souk("merge", Self.new, Self.milk) }
      try await bench.souk("undo", try await lastDecision(bench))
      try await bench.souk("merge", Self.new, Self.milk)
      #expect(try await bench.master(ofChain: "b", "17") == Self.milk)
    }
  }

  @Test func aSplitMakesAMasterOrTakesAKnownOne() async throws {
    try await withBench { bench in
      try await bench.souk("merge", Self.new, Self.milk)
      // The product was written with the merged master; it is split from that one.
      try await bench.souk("split", Self.milk, "--product", "b/17")
      let made = try await bench.master(ofChain: "b", "17")
      #expect(MasterDecision.isMasterID(made) && made != Self.new && made != Self.milk)
      #expect(try await bench.psql("SELECT name FROM masters WHERE master_id = '\(made)'") == "fresh milk\n")
      try await bench.souk("split", made, "--product", "b/17", "--into", Self.drink)
      #expect(try await bench.master(ofChain: "b", "17") == Self.drink)
      #expect(try await bench.master(ofChain: "a", "7290000149844") == Self.milk)
      await #expect(throws: Failure.self) { try await bench.souk("split", Self.milk, "--product", "b/18") }
    }
  }

  @Test func unknownMastersAndDecisionsAreRefused() async throws {
    try await withBench { bench in
      for arguments in [("merge", "chain:1"), ("merge", "gtin:07290000000015"), ("merge", Self.milk)] {
        await #expect(throws: Failure.self) { try await bench.souk(arguments.0, Self.milk, arguments.1) }
      }
      await #expect(throws: Failure.self) { try await bench.souk("undo", "nothing") }
    }
  }

  /// A GTIN sold under exactly the name proves it; a merge that a person undid is not made again.
  @Test func whatGTINsProveIsMergedOnce() async throws {
    try await withBench { bench in
      try await bench.souk("settle")
      #expect(try await bench.psql("SELECT count(*) FROM master_decisions") == "0\n")
      _ = try await bench.psql("""
        INSERT INTO products (chain, ean, master_id, name, unit_qty, quantity, file_time, file_id, row_number)
        VALUES ('c', '7290000149844', '\(Self.milk)', 'fresh milk', 'l', 1.0, now(), gen_random_uuid(), 1)
        """)
      try await bench.souk("settle", "--dry-run")
      #expect(try await bench.psql("SELECT count(*) FROM master_decisions") == "0\n")
      try await bench.souk("settle")
      #expect(try await bench.master(ofChain: "b", "17") == Self.milk)
      let id = try await lastDecision(bench)
      try await bench.souk("undo", id)
      try await bench.souk("settle")
      #expect(try await bench.master(ofChain: "b", "17") == Self.new)
      #expect(try await bench.psql("SELECT count(*) FROM master_decisions") == "1\n")
    }
  }

  private static func settle(_ targets: [String], until stop: Interruption) async throws {
    let command = try MastersCommand.SettleCommand.parse(["--every", "20ms"] + targets)
    try await command.settle(every: .milliseconds(20), until: stop)
  }

  /// What is proved while `settle --every` runs is merged.
  @Test func settlingGoesOn() async throws {
    try await withBench { bench in
      let targets = ["--database-url", bench.url, "--kafka-bootstrap-servers", bench.broker.bootstrapServers]
      let stop = Interruption()
      async let settled: Void = Self.settle(targets, until: stop)
      _ = try await bench.psql("""
        INSERT INTO products (chain, ean, master_id, name, unit_qty, quantity, file_time, file_id, row_number)
        VALUES ('c', '7290000149844', '\(Self.milk)', 'fresh milk', 'l', 1.0, now(), gen_random_uuid(), 1)
        """)
      try await eventually("the merge is sent") {
        try await bench.apply(Topics.masterDecisions)
        return try await bench.master(ofChain: "b", "17") == Self.milk
      }
      stop.raise()
      try await settled
    }
  }

  /// With another GTIN of that name, or a chain that sells both, it is not proved.
  @Test(arguments: [false, true])
  func whatContradictsIsNoProof(isSoldBeside: Bool) async throws {
    try await withBench { bench in
      let (chain, other) = isSoldBeside ? ("b", Self.milk) : ("c", Self.drink)
      _ = try await bench.psql("""
        INSERT INTO products (chain, ean, master_id, name, unit_qty, quantity, file_time, file_id, row_number) VALUES
          ('d', '7290000149844', '\(Self.milk)', 'fresh milk', 'l', 1, now(), gen_random_uuid(), 1),
          ('\(chain)', '99', '\(other)', 'fresh milk', 'l', 1, now(), gen_random_uuid(), 1);
        INSERT INTO prices (chain, store_id, ean, price, price_since, file_time, file_id, row_number)
        SELECT chain, '1', ean, 5, now(), now(), file_id, 1 FROM products
        """)
      try await bench.souk("settle")
      #expect(try await bench.psql("SELECT count(*) FROM master_decisions") == "0\n")
    }
  }
}
