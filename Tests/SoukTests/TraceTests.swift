import ArgumentParser
import Catalogue
import Compression
import Core
import DBWriterService
import Influx
import InfluxFlags
import Kafka
import LocalServers
import ObjectStore
import ObjectStoreFlags
import Postgres
import TestSupport
import Testing

@testable import Operations
@testable import SoukService

/// `souk trace` over a broker.
@Suite struct TraceTests {
  private static let trace = "0af7651916cd43dd8448eb211c80319c"
  private static let other = "11111111111111111111111111111111"
  private static let fileID = "0123456789abcdef0123456789abcdef"
  private static let file = "PriceFull7290027600007-029-202603021000.gz"

  /// A parent of its own in each service, as they write it.
  private static func parent(_ trace: String, _ number: Int) -> Header {
    Header(HeaderName.traceparent, "00-\(trace)-b7ad6b716920333\(number)-01")
  }

  private struct Flow {
    let broker: EmbeddedBroker
    let cluster: Cluster
    let kafka: [String]
    let now = WallClock.microseconds() / 1_000

    init() async throws {
      let topics = [
        Topics.filesDiscovered, Topics.filesDownloaded, Topics.productsIngest,
      ]
      let letters = (Topics.productsIngest.deadLetterName, 2)
      broker = try EmbeddedBroker(topics: topics.map { ($0.name, 2) } + [letters])
      kafka = ["--kafka-bootstrap-servers", broker.bootstrapServers]
      cluster = try Cluster(ClusterOptions.parse(kafka))
      try await produce()
    }

    /// One file from its announcement to two batches, the second of which is dead-lettered; and another file.
    private func produce() async throws {
      typealias Made = (topic: String, key: String, value: String, headers: [Header], age: Int64)
      func discovered(_ file: String, _ trace: String, _ age: Int64) -> Made {
        (Topics.filesDiscovered.name, "c/\(file)",
         #"{"chain":"c","url":"https://h/d/\#(file)?sig=1","timestamp":"2026-03-02T10:00:00Z","file_name":"\#(file)"}"#,
         [TraceTests.parent(trace, 1)], age)
      }
      func batch(_ topic: String, _ number: Int, _ age: Int64, _ more: [Header] = []) -> Made {
        (topic, "c/29",
         #"{"batch_id":"\#(TraceTests.fileID)-00000\#(number)","chain":"c","store_id":"29","#
           + #""file_id":"\#(TraceTests.fileID)","file_name":"\#(TraceTests.file)","items":[]}"#,
         [TraceTests.parent(TraceTests.trace, 3), Header(HeaderName.producedBy, "parser/1.0.0")] + more, age)
      }
      let letter = [
        (HeaderName.errorCode, "bad_price"), (HeaderName.errorMessage, "price: no number"),
        (HeaderName.service, "db-writer"), (HeaderName.topic, Topics.productsIngest.name),
        (HeaderName.partition, "0"), (HeaderName.offset, "1"),
      ].map { Header($0.0, $0.1) }
      let records: [Made] = [
        discovered("Price7290027600007-001-202603020900.gz", TraceTests.other, 7_200),
        discovered("Price7290027600007-001-202603021000.gz", TraceTests.other, 50),
        // The newest is produced first: what is printed follows the time.
        batch(Topics.productsIngest.deadLetterName, 1, 5, letter),
        batch(Topics.productsIngest.name, 0, 20), batch(Topics.productsIngest.name, 1, 19),
        (Topics.filesDownloaded.name, "c/29",
         #"{"chain":"c","s3_path":"s3://b/files/\#(TraceTests.file)","file_name":"\#(TraceTests.file)"}"#,
         [TraceTests.parent(TraceTests.trace, 2)], 30),
        discovered(TraceTests.file, TraceTests.trace, 40),
      ]
      try await cluster.withProducer { producer in
        var batch = OutgoingBatch()
        for record in records {
          batch.append(
            topic: record.topic, key: Array(record.key.utf8), value: Array(record.value.utf8),
            headers: record.headers, timestamp: now - record.age * 1_000)
        }
        try await producer.send(batch)
      }
    }

    func trace(_ arguments: String...) async throws -> TraceReport {
      try await TraceCommand.parse(arguments + ["--system", "prices"] + kafka).trace(cluster)
    }
  }

  private func withFlow(_ body: (Flow) async throws -> Void) async throws {
    let flow = try await Flow()
    defer { flow.broker.close() }
    try await body(flow)
  }

  private static let all = [
    Topics.filesDiscovered.name, Topics.filesDownloaded.name, Topics.productsIngest.name, Topics.productsIngest.name,
    Topics.productsIngest.deadLetterName,
  ]

  @Test(.timeLimit(.minutes(10))) func oneFileByAnyOfItsNames() async throws {
    try await withFlow { flow in
      let batch = "\(Self.fileID)-000001"
      for name in [
        Self.file, "c/\(Self.file)", Self.trace, "00-\(Self.trace)-ffffffffffffffff-01", batch, Self.fileID, "c/29",
      ] {
        let found = try await flow.trace(name)
        #expect(found.hits.map(\.place.topic) == Self.all, "\(name)")
      }
      // Without the traces only what names it itself.
      let batches = try await flow.trace(batch, "--no-traces")
      #expect(batches.hits.map(\.place.topic) == [Topics.productsIngest.name, Topics.productsIngest.deadLetterName])
      #expect(batches.hits.allSatisfy { $0.why == "batch_id" })
      #expect(try await flow.trace("c/2").hits.isEmpty, "a part of a key is no key")
      #expect(try await flow.trace("0").hits.isEmpty)
    }
  }

  @Test(.timeLimit(.minutes(10))) func whatIsSaidOfIt() async throws {
    try await withFlow { flow in
      // downloader has read all of the first topic, and db-writer nothing.
      let places = try await flow.cluster.partitions(of: Topics.filesDiscovered.name)
      try await flow.cluster.admin.commit(
        group: "downloader", Dictionary(uniqueKeysWithValues: places.map { ($0, Int64(3)) }))
      let found = try await flow.trace(Self.file)
      let report = found.report
      guard case .list(let records)? = report.data["records"] else { return #expect(Bool(false)) }
      let waits: [DataValue?] = [.null, .number(10), .number(10), .number(1), .number(14)]
      #expect(records.map { $0["after_seconds"] } == waits)
      #expect(records[0]["read_by"] == .list([.text("downloader")]) && records[0]["not_yet_read_by"] == .list([]))
      guard case .list(let waited)? = records[2]["not_yet_read_by"] else { return #expect(Bool(false)) }
      #expect(waited.contains(.text("db-writer")))
      #expect(records[1]["object"] == .text("s3://b/files/\(Self.file)"))
      #expect(records[2]["produced_by"] == .text("parser/1.0.0"))
      #expect(records[4]["dead_letter"]?["code"] == .text("bad_price"))
      #expect(records[4]["dead_letter"]?["origin"] == .text("gogobe.products.ingest[0]@1"))
      #expect(records.allSatisfy { $0["trace"] == .text(Self.trace) })
      #expect(report.notes.first == "5 records in 4 topics over 35s, 1 dead letter")
      #expect(report.notes.contains(
        "not asked: PostgreSQL, where db-writer writes: --database-url asks it"), "\(report.notes)")
      #expect(report.notes.contains { $0.hasPrefix("not asked: the object store") })
      let parsed = Topics.filesParsed.name
      #expect(report.notes.contains("not read: \(parsed): the cluster has no such topic"), "\(report.notes)")

      let lines = report.lines(Terminal(width: nil, hasColour: false))
      #expect(lines.contains { $0.contains("dead letter of db-writer, bad_price: price: no number") })
      #expect(lines.contains { $0.contains("+14s") && $0.contains("gogobe.products.ingest.dlq") })
      let narrow = report.lines(Terminal(width: 80, hasColour: false))
      #expect(narrow.allSatisfy { $0.count <= 80 }, "\(narrow.joined(separator: "\n"))")
      #expect(DataValue(parsing: Array(report.data.prettyJSON.utf8))?["not_shown"] == .integer(0)
        || DataValue(parsing: Array(report.data.prettyJSON.utf8))?["not_shown"] == .literal("0"))
      #expect(report.data.yaml.contains("topic: gogobe.files.discovered"))
    }
  }

  @Test(.timeLimit(.minutes(10))) func timesAndNumbersAreBounded() async throws {
    try await withFlow { flow in
      let some = try await flow.trace(Self.file, "--limit", "2")
      #expect(some.hits.map(\.place.topic) == Array(Self.all.prefix(2)) && some.left == 3)
      #expect(some.report.notes.first == "2 records in 2 topics over 10s; 3 more match, --limit prints more")
      // One of the other trace is older than the hour that is looked at without --from.
      #expect(try await flow.trace(Self.other).hits.count == 1)
      #expect(try await flow.trace(Self.other, "--from", "3h").hits.count == 2)
      let failure = try await #require(throws: Failure.self) {
        try await TraceCommand.parse(["nothing", "--system", "prices"] + flow.kafka).run()
      }
      #expect(failure.code == "no_records")
    }
  }

  /// The table of files and what is of a file in the tables of prices and products now.
  @Test(.timeLimit(.minutes(10))) func theRowsAreAsked() async throws {
    let (url, name, server) = try await TestServers.database()
    try await withFlow { flow in
      let empty = try await flow.trace(Self.file, "--database-url", url)
      #expect(empty.files == nil)
      #expect(empty.report.notes.contains { $0.contains("the database has none of its tables") })
      _ = try await DBWriterSchema.migrator().migrate(
        try await PostgresConnection.open(PostgresConfiguration(url: url)))
      let none = try await flow.trace(Self.file, "--database-url", url)
      #expect(none.report.notes.contains("PostgreSQL has no file of these records"))
      _ = try await server.psql("""
        INSERT INTO file_effects (file_id, chain, store_id, file_time, prices_new, prices_changed, prices_unchanged,
                                  written_at)
        VALUES ('\(Self.fileID)', 'c', '29', now(), 2, 0, 0, '2026-03-02T10:05:00Z');
        INSERT INTO prices (chain, store_id, ean, price, price_since, file_time, file_id, row_number)
        VALUES ('c', '29', '1', 1, now(), now(), '\(Self.fileID)', 1),
               ('c', '29', '2', 1, now(), now(), '\(Self.fileID)', 2),
               ('c', '30', '2', 1, now(), now(), '\(Self.other)', 2);
        INSERT INTO products (chain, ean, master_id, file_time, file_id, row_number)
        VALUES ('c', '1', 'm', now(), '\(Self.fileID)', 1)
        """, database: name)
      let found = try await flow.trace(Self.file, "--database-url", url)
      let file = try #require(found.files?.first)
      #expect(found.files?.count == 1 && file.id == Self.fileID && file.storeID == "29")
      #expect(file.prices == 2 && file.products == 1 && file.promotions == 0)
      #expect(file.outcome == nil && file.writtenAt == "2026-03-02T10:05:00Z")
      #expect(found.report.notes.contains { $0.contains("now of it: prices 2, products 1, promotions 0") })
      #expect(!found.report.notes.contains { $0.contains("db-writer writes") })
      // When Kafka has nothing of it any more, the rows are still found by the id.
      let late = try await flow.trace("\(Self.fileID)-000001", "--from", "1s", "--database-url", url)
      #expect(late.hits.isEmpty && late.files?.map(\.id) == [Self.fileID] && !late.isEmpty)
    }
  }

  @Test(arguments: [[""], ["x", "--limit", "0"], ["x", "--from", "noon"], ["x", "--database-url", "http://h"], []])
  func wrongArgumentsAreFoundFirst(_ arguments: [String]) {
    #expect(throws: (any Error).self) { _ = try TraceCommand.parse(arguments) }
  }

  /// A bar of the exchange in a real object store, as s3-consumer names it, and in a real InfluxDB; and a stored file.
  @Test(.timeLimit(.minutes(10))) func objectsAndPointsAreAsked() async throws {
    let topics = [Topics.marketData, Topics.filesDownloaded]
    let broker = try EmbeddedBroker(topics: topics.map { ($0.name, 1) })
    defer { broker.close() }
    let kafka = ["--kafka-bootstrap-servers", broker.bootstrapServers]
    let cluster = try Cluster(ClusterOptions.parse(kafka))
    let (seaweed, influx) = (try await TestServers.seaweed(), try await TestServers.influx())
    let (bucket, database) = ("s3://\(TestServers.uniqueName())", TestServers.uniqueName())
    func bar(_ minute: Int) -> String {
      #"{"symbol":"COMI","exchange":"EGX","interval":"1 Minute","datetime":"2026-03-02 10:0\#(minute):00","open":1,"#
        + #""high":2,"low":1,"close":2,"volume":5,"observed_at":"2026-03-02T10:0\#(minute):00+02:00"}"#
    }
    let file = #"{"chain":"c","s3_path":"\#(bucket)/files/\#(Self.file)","file_name":"\#(Self.file)"}"#
    try await cluster.withProducer { producer in
      var batch = OutgoingBatch()
      for minute in 0..<4 {
        batch.append(topic: Topics.marketData.name, key: Array("COMI".utf8), value: Array(bar(minute).utf8))
      }
      batch.append(topic: Topics.filesDownloaded.name, key: Array("c/29".utf8), value: Array(file.utf8))
      try await producer.send(batch)
    }
    let storeFlags = [
      "--object-store", bucket, "--s3-endpoint", seaweed.endpoint,
      "--aws-access-key-id", seaweed.environment["AWS_ACCESS_KEY_ID"] ?? "",
      "--aws-secret-access-key", seaweed.environment["AWS_SECRET_ACCESS_KEY"] ?? "",
    ]
    let influxFlags = ["--influx-url", influx.url, "--influx-database", database]
    let store = try ObjectStoreOptions.parse(storeFlags).makeStore()
    defer { store.close() }
    try await store.prepare()
    let client = try InfluxClient(try InfluxOptions.parse(influxFlags + ["--influx-create-database"]).configuration())
    defer { client.close() }
    _ = try await client.prepare()
    func trace(_ text: String, _ system: String) async throws -> TraceReport {
      try await TraceCommand.parse(
        [text, "--system", system, "--from", "1h", "--objects", "--points"] + storeFlags + influxFlags + kafka
      ).trace(cluster)
    }
    let absent = try await trace("COMI", "egx")
    #expect(absent.ends.count == 8 && absent.ends.allSatisfy { !$0.isThere }, "\(absent.ends)")
    #expect(try await trace(Self.file, "prices").ends.map(\.found) == ["no such object"])

    // The first three bars are one object, which begins at offset 0; the last is in none yet.
    let lines = (0..<3).map { bar($0) + "\n" }.joined()
    let name = "streaming/date=2026-03-02/symbol=COMI/part-00000-00000000000000000000.jsonl.gz"
    let packed = try #require(Deflate.gzip(Array(lines.utf8)))
    _ = try await store.put(ObjectBody(packed), at: ObjectKey(name), contentType: "application/gzip")
    _ = try await store.put(ObjectBody([1, 2, 3]), at: ObjectKey("files/\(Self.file)"), contentType: "application/gzip")
    // 10:02 in Cairo is 08:02 UTC.
    _ = try await client.write(Array(
      "stock_price,exchange=EGX,interval=1\\ Minute,symbol=COMI close=2 1772438520000000\n".utf8))
    let found = try await trace("COMI", "egx")
    let objects = found.ends.filter { $0.kind == "object" }
    #expect(objects.map(\.isThere) == [true, true, true, false], "\(found.ends)")
    #expect(objects.first?.place == "\(bucket)/\(name)" && objects.first?.found == "one of 3 lines")
    #expect(objects.last?.found == "none of its 3 lines")
    let points = found.ends.filter { $0.kind == "point" }
    #expect(points.map(\.isThere) == [false, false, true, false], "\(found.ends)")
    #expect(points[2].found == "close 2.0" && points[2].record == "egx_market_data[0]@2")
    #expect(!found.report.notes.contains { $0.hasPrefix("not asked") }, "\(found.report.notes)")
    let stored = try await trace(Self.file, "prices")
    #expect(stored.ends.map(\.found) == ["3 bytes"])
    guard case .list(let data)? = stored.report.data["ends"] else { return #expect(Bool(false)) }
    #expect(data.first?["is_there"] == .bool(true))
    // The name of an object is not broken.
    let narrow = found.report.lines(Terminal(width: 80, hasColour: false)).filter { !$0.contains("streaming/date=") }
    #expect(narrow.allSatisfy { $0.count <= 80 }, "\(narrow)")
  }
}
