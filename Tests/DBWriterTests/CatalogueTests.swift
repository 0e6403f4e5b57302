import ArgumentParser
import Catalogue
import Core
@testable import DBWriterService
import Kafka
import LocalServers
import Messages
import Pipeline
import Testing
import TestSupport
import Values

/// Stores, masters and the ledger of files.
@Suite struct CatalogueTests {
  private func write(_ topic: Topic, _ messages: [[UInt8]], each: Bool, to fixture: StoreFixture) async throws {
    let store = fixture.store()
    let source = TopicPartition(topic.name, 0)
    var next = try await store.start([source])[source] ?? 0
    for message in messages {
      #expect(try store.append(source, next, message) == .keep)
      next += 1
      if each { _ = try await store.flushStaged() }
    }
    _ = try await store.flushStaged()
  }

  private func stores(hour: Int, _ stores: [StoresIngest.Store]) -> [UInt8] {
    StoresIngest(fileID: fileID(hour), fileTime: hourTime(hour), chain: "chain", stores: stores).encoded()
  }

  /// Three statements of one flush, each within its limit, that together take longer than the limit and the five
  /// seconds after which the client gives up.
  @Test func aFlushMayTakeLongerThanAnyOfItsStatements() async throws {
    let fixture = try await StoreFixture()
    _ = try await fixture.psql("""
      CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(5); RETURN NULL; END $$;
      CREATE TRIGGER slow AFTER INSERT ON chains FOR EACH STATEMENT EXECUTE FUNCTION slow();
      CREATE TRIGGER slow AFTER INSERT ON sub_chains FOR EACH STATEMENT EXECUTE FUNCTION slow();
      CREATE TRIGGER slow AFTER INSERT ON stores FOR EACH STATEMENT EXECUTE FUNCTION slow();
      """)
    let store = fixture.store(statementTimeout: .seconds(8))
    let source = TopicPartition(Topics.storesIngest.name, 0)
    _ = try await store.start([source])
    #expect(try store.append(source, 0, stores(hour: 1, [StoresIngest.Store(chainID: "729", storeID: "1")])) == .keep)
    #expect(try await store.flushStaged().positions == [source: 1])
    #expect(try await fixture.psql("SELECT chain_id, store_id FROM stores") == "729|1\n")
  }

  @Test(arguments: [true, false]) func storesMoveForwardAndStay(each: Bool) async throws {
    let fixture = try await StoreFixture()
    typealias Store = StoresIngest.Store
    try await write(Topics.storesIngest, [
      stores(hour: 2, [
        Store(chainID: "729", subChainID: "1", storeID: "1", name: "old", city: "חיפה"),
        Store(
          chainID: "729", chainName: "Chain", subChainID: "1", subChainName: "Sub", storeID: "2", type: 1,
          latitude: ExactDecimal("32.10")),
      ]),
      stores(hour: 1, [Store(chainID: "729", chainName: "Older", subChainID: "1", storeID: "1", name: "late")]),
      stores(hour: 3, [
        Store(chainID: "729", chainName: "Newer", subChainID: "1", storeID: "1", name: "new"),
        Store(storeID: "1", name: "no chain id"),
      ]),
      stores(hour: 3, [Store(chainID: "729", subChainID: "1", storeID: "1", name: "same file again")]),
    ], each: each, to: fixture)
    #expect(try await fixture.psql("SELECT chain_id, store_id, name, city, type, latitude FROM stores ORDER BY 1, 2")
      == "|1|no chain id|||\n729|1|new|||\n729|2|||1|32.10\n")
    #expect(try await fixture.psql("SELECT chain_id, name FROM chains ORDER BY 1") == "|\n729|Newer\n")
    #expect(try await fixture.psql("SELECT sub_chain_id, name FROM sub_chains ORDER BY 1, 2") == "|\n1|\n")
    #expect(try await fixture.psql("SELECT count(*) FROM store_names") == "2\n")
  }

  @Test func anInvalidStoreIsRefusedAlone() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    let source = TopicPartition(Topics.storesIngest.name, 0)
    _ = try await store.start([source])
    let text = String(decoding: stores(hour: 1, ["1", "2", "3"].map { .init(storeID: $0) }), as: UTF8.self)
    let broken = text.replacing(#""store_id":"2""#, with: #""store_id":2"#)
    #expect(broken != text)
    guard case .reject(let rejection) = try store.append(source, 0, Array(broken.utf8)) else {
      Issue.record("the store with a number for an id was not refused")
      return
    }
    #expect(rejection.message.contains("1 of 3 stores") && rejection.code == "wrong_type")
    #expect(String(decoding: rejection.excerpts[0].value, as: UTF8.self).contains(#""store_id":2"#))
    _ = try await store.flushStaged()
    #expect(try await fixture.psql("SELECT string_agg(store_id, ',' ORDER BY store_id) FROM stores") == "1,3\n")
  }

  @Test(arguments: [true, false]) func theLastRecordOfAMasterCounts(each: Bool) async throws {
    let fixture = try await StoreFixture()
    func master(_ name: String) -> [UInt8] {
      ProductMaster(
        masterID: "gtin:07290000000001", gtin: "07290000000001", name: name, quantity: ExactDecimal("1.50"),
        sourceFileID: fileID(1), mintedAt: hourTime(1)
      ).encoded()
    }
    try await write(Topics.productsMasters, [master("b"), master("a"), master("c")], each: each, to: fixture)
    #expect(try await fixture.psql("SELECT gtin, name, quantity FROM masters") == "07290000000001|c|1.50\n")
  }

  @Test func theLedgerShowsTheResultOfAFile() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    let files = TopicPartition(Topics.filesParsed.name, 0)
    _ = try await store.start([source(), files])
    func parsed(_ hour: Int, _ outcome: String, at minute: Int) -> [UInt8] {
      var parsed = FileParsed(
        fileID: fileID(hour), chain: "chain", fileName: "PriceFull\(hour).gz", outcome: outcome,
        fileTime: hourTime(hour))
      (parsed.storeID, parsed.kind, parsed.rows, parsed.duplicates) = ("1", .priceFull, 3, 1)
      parsed.unknownElements = ["Foo": 2, "Bar": 1]
      parsed.parsedAt = Timestamp(microseconds: hourTime(hour).microseconds + Int64(minute) * 60_000_000)
      parsed.parseMilliseconds = 12
      return parsed.encoded()
    }
    try store.append(source(), 0, ingest(hour: 1, [item("1", "5"), item("2", "6", row: 1)]))
    try store.append(source(), 1, ingest(hour: 2, [item("1", "5"), item("2", "7", row: 1), item("3", "8", row: 2)]))
    try store.append(files, 0, parsed(1, "ok", at: 5))
    try store.append(files, 1, parsed(2, "truncated", at: 9))
    try store.append(files, 2, parsed(2, "ok", at: 3))
    let report = try await store.flushStaged()
    #expect(report.positions == [source(): 2, files: 3])
    // Everything again, as a parser that was killed sends it.
    try store.append(source(), 2, ingest(hour: 1, [item("1", "5"), item("2", "6", row: 1)]))
    try store.append(files, 3, parsed(1, "ok", at: 5))
    _ = try await store.flushStaged()
    #expect(try await fixture.psql("""
      SELECT file_name, outcome, rows_in, written, unchanged, prices_new, prices_changed, duplicates, parse_ms,
        unknown_elements->>'Foo', written_at IS NOT NULL
      FROM files ORDER BY file_time
      """) == """
      PriceFull1.gz|ok|3|2|0|2|0|1|12|2|t
      PriceFull2.gz|truncated|3|2|1|1|1|1|12|2|t

      """)
  }

  @Test func tablesAreChosenByNameOrTopic() throws {
    #expect(try WriteTargets.named("files, gogobe.products.ingest").map(\.name) == ["files", "prices"])
    #expect(throws: Failure.self) { try WriteTargets.named("prices,nothing") }
    #expect(throws: Failure.self) { try WriteTargets.named(" , ") }
    // Everything that the catalogue says is consumed by default, and nothing else.
    let all = try WriteTargets.named(DBWriterOptions.parse([]).tables)
    #expect(Set(all.flatMap(\.topics)) == Set(ServiceCatalogue.dbWriter.inputs))
  }
}
