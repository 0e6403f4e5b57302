import Core
@testable import DBWriterService
import Kafka
import LocalServers
import Messages
import Pipeline
import Postgres
import Testing
import TestSupport
import Values

/// The contract of every sink, against a real PostgreSQL.
@Suite struct SinkContractTests {
  @Test func aFreshPartitionStartsAtTheGroupsOwnOffsetAndLaterAtTheTables() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    #expect(try await store.start([source(0), source(1)]) == [:])
    try store.append(source(0), 41, ingest([item("1", "12.90")]))
    try store.append(source(0), 42, ingest(hour: 1, [item("1", "9.90")]))
    #expect(store.load.rows == 2)
    let report = try await store.flushStaged()
    #expect(report.positions == [source(0): 43])
    #expect(store.load == SinkLoad())
    #expect(try await fixture.offsets() == "\(StoreFixture.topic)|0|43\n\(StoreFixture.topic)|1|-1\n")
    #expect(try await fixture.prices() == "chain|1|1|9.90\n")
    // Another process of the same group, one of another group, one of a recreated cluster.
    #expect(try await fixture.store().start([source(0), source(1)]) == [source(0): 43])
    #expect(try await fixture.store(group: "other").start([source(0)]) == [:])
    #expect(try await fixture.store(cluster: "recreated").start([source(0)]) == [:])
  }

  @Test func theSameBatchTwiceChangesNothing() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    _ = try await store.start([source()])
    let batch = ingest([item("1", "5"), item("2", "6.50", row: 1)])
    try store.append(source(), 0, batch)
    _ = try await store.flushStaged()
    let before = try await fixture.tables()
    // Below the offset the store knows, and as a new record with the same content.
    #expect(try store.append(source(), 0, batch) == .skip(reason: "written_before"))
    try store.append(source(), 1, batch)
    let report = try await store.flushStaged()
    #expect(report.positions == [source(): 2])
    #expect(report.written == ["prices": 0, "price_history": 0, "products": 0, "ended_prices": 0])
    #expect(report.changes == 0)
    #expect(try await fixture.tables() == before)
  }

  @Test func aCrashBeforeTheCommitWritesNothingAndTheSuccessorWritesIt() async throws {
    let fixture = try await StoreFixture()
    let crashed = fixture.store()
    _ = try await crashed.start([source()])
    try crashed.append(source(), 0, ingest([item("1", "5")]))
    // A trigger ends the backend in the middle of the merge, as a crash of the server's process would.
    try await fixture.breakWrites("PERFORM pg_terminate_backend(pg_backend_pid())")
    let error = await #expect(throws: PostgresError.self) { try await crashed.flushStaged() }
    #expect(error?.errorClass == .transient)
    #expect(try await fixture.tables() == "")
    #expect(try await fixture.offsets() == "\(StoreFixture.topic)|0|-1\n")
    try await fixture.repairWrites()
    let successor = fixture.store()
    #expect(try await successor.start([source()]) == [:])
    try successor.append(source(), 0, ingest([item("1", "5")]))
    _ = try await successor.flushStaged()
    #expect(try await fixture.prices() == "chain|1|1|5\n")
  }

  @Test func afterATransientFailureTheSameFlushSucceeds() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    _ = try await store.start([source()])
    try store.append(source(), 0, ingest([item("1", "5")]))
    for sabotage in [
      "PERFORM pg_terminate_backend(pg_backend_pid())", "RAISE EXCEPTION 'busy' USING ERRCODE = '40P01'",
      "RAISE EXCEPTION 'full' USING ERRCODE = '53100'",
    ] {
      try await fixture.breakWrites(sabotage)
      let error = await #expect(throws: PostgresError.self) { try await store.flushStaged() }
      #expect(error?.errorClass == .transient)
      #expect(store.load.rows == 1)
      try await fixture.repairWrites()
    }
    try store.append(source(), 1, ingest(hour: 1, [item("1", "6")]))
    #expect(try await store.flushStaged().positions == [source(): 2])
    #expect(try await fixture.prices() == "chain|1|1|6\n")
  }

  @Test func aMissingTableIsAConfigurationErrorAndKeepsStagedRows() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    _ = try await store.start([source()])
    try store.append(source(), 0, ingest([item("1", "5")]))
    _ = try await fixture.psql("ALTER TABLE price_history RENAME TO elsewhere")
    let error = await #expect(throws: PostgresError.self) { try await store.flushStaged() }
    #expect(error?.errorClass == .configuration)
    #expect(store.load.rows == 1)
  }

  @Test(arguments: [0, 3, 6]) func aRefusedRecordIsFoundAtEveryPosition(_ poison: Int) async throws {
    let fixture = try await StoreFixture()
    // A constraint of the operator that db-writer does not know.
    _ = try await fixture.psql("ALTER TABLE prices ADD CONSTRAINT cheap CHECK (price < 100)")
    let store = fixture.store()
    _ = try await store.start([source(0), source(1)])
    let messages = (0..<7).map { index in
      var items = [item("\(index)a", "1"), item("\(index)b", "2", row: 1), item("\(index)c", "3", row: 2)]
      if index == poison { items[1].price = ExactDecimal("100.00")! }
      return ingest(file: index, items)
    }
    for (index, message) in messages.enumerated() { try store.append(source(1), Int64(10 + index), message) }
    try store.append(source(0), 0, ingest(store: "2", [item("z", "1")]))
    var report = try await store.flushStaged()
    let refused = try #require(report.refused.first)
    #expect(report.refused.count == 1)
    #expect(refused.source == source(1))
    #expect(refused.offset == Int64(10 + poison))
    #expect(refused.elements == [1])
    #expect(refused.error.code == "postgres_23514")
    // The other partition is flushed; this one stays at the refused record until its dead letter is acknowledged.
    #expect(report.positions == [source(0): 1])
    #expect(try await fixture.offsets() == "\(StoreFixture.topic)|0|1\n\(StoreFixture.topic)|1|\(10 + poison)\n")
    // Read again, the valid elements of the refused record are staged with the records after it.
    #expect(try await store.start([source(1)]) == [source(1): Int64(10 + poison)])
    for index in poison..<7 {
      let disposition = try store.append(source(1), Int64(10 + index), messages[index])
      guard index == poison else {
        #expect(disposition == .keep)
        continue
      }
      guard case .reject(let rejection) = disposition else {
        Issue.record("the refused record was not rejected")
        continue
      }
      #expect(rejection.message.contains("1 of 3 items"))
      #expect(rejection.message.contains("cheap"))
      // Only the refused element is dead-lettered, as a separate message.
      let excerpt = try #require(rejection.excerpts.first)
      let whole = try ProductsIngest(decoding: messages[index])
      let alone = try ProductsIngest(decoding: excerpt.value)
      #expect(rejection.excerpts.count == 1)
      #expect(alone == ProductsIngest(header: whole.header, items: [whole.items[1]]))
      #expect(excerpt.code == "postgres_23514")
    }
    report = try await store.flushStaged()
    #expect(report.refused.isEmpty)
    #expect(report.positions == [source(1): 17])
    let codes = try await fixture.psql("SELECT count(*), count(*) FILTER (WHERE ean = '\(poison)b') FROM prices")
    #expect(codes == "21|0\n")
  }

  @Test func severalRefusedRecordsInOneFlushAreAllFound() async throws {
    let fixture = try await StoreFixture()
    _ = try await fixture.psql("ALTER TABLE prices ADD CONSTRAINT cheap CHECK (price < 100)")
    let store = fixture.store()
    _ = try await store.start([source()])
    let messages = (0..<6).map { index in
      let prices = index % 2 == 0 ? ["1", "200", "3", "400"] : ["1", "2", "3", "4"]
      return ingest(file: index, prices.enumerated().map { item("\(index)-\($0.offset)", $0.element, row: $0.offset) })
    }
    var blamed: [Int64: Set<Int>] = [:]
    var next = 0
    while true {
      for index in next..<6 { try store.append(source(), Int64(index), messages[index]) }
      guard let refused = try await store.flushStaged().refused.first else { break }
      blamed[refused.offset] = refused.elements
      next = Int(try #require(try await store.start([source()])[source()]))
      #expect(next == Int(refused.offset))
    }
    #expect(blamed == [0: [1, 3], 2: [1, 3], 4: [1, 3]])
    #expect(try await fixture.psql("SELECT count(*) FROM prices") == "18\n")
    #expect(try await fixture.offsets() == "\(StoreFixture.topic)|0|6\n")
  }

  @Test func anOutageInTheMiddleOfTheSearchLosesNoReport() async throws {
    let fixture = try await StoreFixture()
    _ = try await fixture.psql("ALTER TABLE prices ADD CONSTRAINT cheap CHECK (price < 100)")
    let store = fixture.store()
    _ = try await store.start([source(0), source(1), source(2)])
    try store.append(source(0), 0, ingest(store: "0", [item("1", "1")]))
    try store.append(source(1), 0, ingest(store: "1", [item("1", "100")]))
    try store.append(source(2), 0, ingest(store: "2", [item("1", "2")]))
    // Partition 0 is written, then an outage interrupts the bisection in partition 1.
    try await fixture.breakWrites("""
      IF NEW.store_id = '1' AND (SELECT count(*) FROM prices) > 0 THEN
        RAISE EXCEPTION 'busy' USING ERRCODE = '53100';
      END IF
      """)
    let error = await #expect(throws: PostgresError.self) { try await store.flushStaged() }
    #expect(error?.errorClass == .transient)
    try await fixture.repairWrites()
    let report = try await store.flushStaged()
    #expect(report.positions == [source(0): 1, source(2): 1])
    #expect(report.refused.map(\.source) == [source(1)])
  }

  @Test func positionsWithoutRecordsMoveTheOffsets() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    _ = try await store.start([source(0), source(1)])
    try store.append(source(0), 0, ingest([item("1", "1")]))
    let report = try await store.flushStaged(to: [source(0): 3, source(1): 7])
    #expect(report.positions == [source(0): 3, source(1): 7])
    // A position that is already committed is confirmed.
    #expect(try await store.flushStaged(to: [source(0): 3]).positions == [source(0): 3])
    #expect(try await fixture.offsets() == "\(StoreFixture.topic)|0|3\n\(StoreFixture.topic)|1|7\n")
  }

  @Test func tombstonesEmptyMessagesAndRejectsMoveTheOffsetAlone() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    _ = try await store.start([source()])
    #expect(try await store.flushStaged().positions == [:])
    #expect(try store.append(source(), 0, nil) == .skip(reason: "tombstone"))
    #expect(try store.append(source(), 1, ingest([])) == .skip(reason: "empty"))
    guard case .reject(let rejection) = try store.append(source(), 2, Array("{\"batch_id\":".utf8)) else {
      Issue.record("half a message was not rejected")
      return
    }
    #expect(rejection.code == "malformed_json")
    #expect(store.load.rows == 0)
    #expect(try await store.flushStaged().positions == [source(): 3])
    #expect(try await fixture.tables() == "")
    #expect(try await fixture.offsets() == "\(StoreFixture.topic)|0|3\n")
  }

  @Test func aFencedWriterWritesNothing() async throws {
    let fixture = try await StoreFixture()
    let zombie = fixture.store()
    let owner = fixture.store()
    for store in [zombie, owner] {
      _ = try await store.start([source(0)])
      try store.append(source(0), 0, ingest([item("1", store === owner ? "7" : "8")]))
    }
    // A partition that the fenced writer still owns is written.
    _ = try await zombie.start([source(1)])
    try zombie.append(source(1), 5, ingest(store: "2", [item("1", "9")]))
    #expect(try await owner.flushStaged().positions == [source(0): 1])
    let report = try await zombie.flushStaged()
    #expect(report.fenced == [source(0): 1])
    #expect(report.positions == [source(1): 6])
    #expect(zombie.load == SinkLoad())
    #expect(try await fixture.prices() == "chain|1|1|7\nchain|2|1|9\n")
    #expect(throws: Failure.self) { try zombie.append(source(0), 1, nil) }
    // After a restart it continues at the table's offset.
    #expect(try await zombie.start([source(0)]) == [source(0): 1])
  }

  @Test func twoWritersWithTheSameOffsetAtTheSameTimeWriteOnce() async throws {
    let fixture = try await StoreFixture()
    let partitions = (0..<4).map { source($0) }
    for round in 0..<10 {
      let stores = [fixture.store(), fixture.store()]
      for store in stores {
        _ = try await store.start(Set(partitions))
        for partition in partitions {
          let text = ingest(store: "\(partition.partition)", hour: round, [item("1", "\(round + 1)")])
          try store.append(partition, Int64(round), text)
        }
      }
      let reports = try await withThrowingTaskGroup(of: StoreReport.self) { group in
        for store in stores { group.addTask { try await store.flushStaged() } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(reports.map(\.positions.count).sorted() == [0, 4])
      #expect(reports.map(\.fenced.count).sorted() == [0, 4])
    }
    #expect(try await fixture.psql("SELECT count(*) FROM price_history") == "36\n")
  }

  @Test func writersThatShareProductsNeitherDeadlockNorDisagree() async throws {
    let fixture = try await StoreFixture()
    let codes = (0..<300).map { "\($0)" }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask {
          var random = TestRandom("shared products \(writer)")
          let store = fixture.store()
          _ = try await store.start([source(Int32(writer))])
          for round in 0..<15 {
            // Every writer has the same products in another order.
            let items = codes.shuffled(using: &random).enumerated()
              .map { item($0.element, "\(round + 1)", row: $0.offset, name: "\(writer) \(round)") }
            let message = ingest(store: "\(writer)", hour: round, file: round * 10 + writer, items)
            try store.append(source(Int32(writer)), Int64(round), message)
            // Not retried: a deadlock would be thrown.
            _ = try await store.flushStaged()
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try await fixture.psql("SELECT name, count(*) FROM products GROUP BY name") == "3 14|300\n")
    #expect(try await fixture.psql("SELECT price, count(*) FROM prices GROUP BY price") == "15|1200\n")
    #expect(try await fixture.psql("SELECT count(*) FROM price_history") == "16800\n")
  }

  @Test func aCommitWhoseAnswerIsLostIsRecognised() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    _ = try await store.start([source()])
    try store.append(source(), 0, ingest([item("1", "5")]))
    // A deferred trigger runs inside COMMIT: the answer is lost, and the commit with it.
    try await fixture.breakCommit()
    let error = await #expect(throws: PostgresError.self) { try await store.flushStaged() }
    #expect(error?.operation == "commit")
    try await fixture.repairCommit()
    // Not committed: the next flush finds the old offset and writes.
    #expect(try await store.flushStaged().positions == [source(): 1])
    // Committed: the answer is lost again, but the offset has moved (the test moves it) as the store intended.
    try store.append(source(), 1, ingest(hour: 1, [item("1", "6")]))
    try await fixture.breakCommit()
    await #expect(throws: PostgresError.self) { try await store.flushStaged() }
    try await fixture.repairCommit()
    try store.append(source(), 2, ingest(hour: 2, [item("1", "7")]))
    _ = try await fixture.psql("UPDATE kafka_offsets SET next_offset = 2; UPDATE prices SET price = 6")
    #expect(try await store.flushStaged().positions == [source(): 2])
    #expect(try await store.flushStaged().positions == [source(): 3])
    #expect(try await fixture.prices() == "chain|1|1|7\n")
  }

  @Test func droppedPartitionsAreForgotten() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    _ = try await store.start([source(0), source(1)])
    try store.append(source(0), 0, ingest([item("1", "5")]))
    try store.append(source(1), 0, ingest(store: "2", [item("1", "6")]))
    store.drop([source(0)])
    #expect(try await store.flushStaged().positions == [source(1): 1])
    #expect(try await fixture.prices() == "chain|2|1|6\n")
  }
}

extension StoreFixture {
  /// Makes every write to `prices` run `body` first.
  func breakWrites(_ body: String) async throws {
    _ = try await psql("""
      CREATE OR REPLACE FUNCTION sabotage() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN \(body); RETURN NEW; END $$;
      CREATE TRIGGER sabotage BEFORE INSERT OR UPDATE ON prices FOR EACH ROW EXECUTE FUNCTION sabotage()
      """)
  }

  func repairWrites() async throws { _ = try await psql("DROP TRIGGER sabotage ON prices") }

  func breakCommit() async throws {
    _ = try await psql("""
      CREATE OR REPLACE FUNCTION sabotage() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
      CREATE CONSTRAINT TRIGGER sabotage_commit AFTER INSERT OR UPDATE ON prices
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sabotage()
      """)
  }

  func repairCommit() async throws { _ = try await psql("DROP TRIGGER sabotage_commit ON prices") }
}
