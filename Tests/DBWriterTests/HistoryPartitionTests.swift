@testable import DBWriterService
import LocalServers
import Pipeline
import Postgres
import Testing
import TestSupport

/// The history has one partition a month, created on demand.
@Suite struct HistoryPartitionTests {
  private static let day = 24
  private static let month = 31 * day

  private func partitions(_ fixture: StoreFixture) async throws -> String {
    try await fixture.psql("""
      SELECT tableoid::regclass::text AS part, count(*) FROM price_history GROUP BY part ORDER BY part
      """)
  }

  private func write(
    _ store: TableStore, _ partition: Int32, hours: [Int], from price: Int = 1, shop: String = "1"
  ) async throws {
    var next = try await store.start([source(partition)])[source(partition)] ?? 0
    for (index, hour) in hours.enumerated() {
      try store.append(source(partition), next, ingest(store: shop, hour: hour, [item("1", "\(price + index)")]))
      next += 1
    }
    _ = try await store.flushStaged()
  }

  @Test func aFlushOverSeveralMonthsMakesTheirPartitions() async throws {
    let fixture = try await StoreFixture()
    // 2025-01-20 and on; the first sighting is no change.
    try await write(fixture.store(), 0, hours: [0, 1, 12 * Self.day, 2 * Self.month, 2 * Self.month + 1])
    #expect(try await partitions(fixture) == """
      price_history_2025_01|1
      price_history_2025_02|1
      price_history_2025_03|2

      """)
    // A month that its owner dropped, or put away under its name, comes back when a file of it comes.
    _ = try await fixture.psql("""
      DROP TABLE price_history_2025_02; ALTER TABLE price_history DETACH PARTITION price_history_2025_01
      """)
    try await write(fixture.store(), 1, hours: [2, 3, 12 * Self.day + 1], shop: "2")
    #expect(try await partitions(fixture) == """
      price_history_2025_01_2|1
      price_history_2025_02|1
      price_history_2025_03|2

      """)
  }

  /// Files of every month from 1990 to 2100: impossible times are refused, record by record.
  @Test func impossibleTimesMakeNoPartitions() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    _ = try await store.start([source(0)])
    let oldest = (2014 - 2025) * 365 * Self.day
    let hours = Array(stride(from: -300_000, to: 660_000, by: Self.month))
    var refused = 0
    for (offset, hour) in hours.enumerated() {
      let message = ingest(hour: hour, file: offset, [item("1", "\(offset + 1)")])
      let disposition = try store.append(source(0), Int64(offset), message)
      guard case .reject(let rejection) = disposition else { continue }
      refused += 1
      #expect(rejection.message.contains("file_time"), "\(rejection.message)")
      #expect(hour < oldest + 2 * Self.month || hour > 0, "\(hour) is plausible")
    }
    _ = try await store.flushStaged()
    #expect(refused > 700)
    let made = try await fixture.psql("""
      SELECT count(*) <= 12 * (extract(year FROM now()) - 2013) FROM pg_inherits
      WHERE inhparent = 'price_history'::regclass
      """)
    #expect(made == "t\n")
  }

  @Test func twoWritersMakeTheSameMonthsAtTheSameTime() async throws {
    let fixture = try await StoreFixture()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<3 {
        group.addTask {
          let store = fixture.store()
          for month in 0..<6 {
            let hour = month * Self.month
            try await write(
              store, Int32(writer), hours: [hour, hour + 1 + writer], from: 1 + month * 2, shop: "\(writer)")
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try await fixture.psql("SELECT count(*), count(DISTINCT tableoid) FROM price_history") == "33|6\n")
  }

  @Test func aLongQueryOnTheHistoryBlocksNoWriter() async throws {
    let fixture = try await StoreFixture()
    try await write(fixture.store(), 0, hours: [0, 1])
    let reader = try await fixture.connect()
    try await reader.perform { try $0.script("BEGIN; SELECT count(*) FROM price_history; SELECT * FROM price_changes") }
    // A new month, while the reader's transaction goes on: it would wait for ever if it needed the table alone.
    try await write(fixture.store(), 0, hours: [Self.month, Self.month + 1], from: 7)
    #expect(try await fixture.psql("SELECT count(*) FROM price_history_2025_02") == "2\n")
    try await reader.perform { try $0.script("COMMIT") }
  }

  @Test func aFileOfAnImpossibleTimeIsRefusedAndMakesNoPartition() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    _ = try await store.start([source()])
    guard case .reject(let rejection) = try store.append(source(), 0, ingest(hour: 24 * 365 * 100, [item("1", "1")]))
    else {
      Issue.record("the file of 2125 was not refused")
      return
    }
    #expect(rejection.code == "bad_timestamp")
  }

  @Test func releasedMigrationsNeverChange() {
    let sums = DBWriterSchema.migrator().migrations.prefix(8).map(\.checksum)
    #expect(sums == [
      "1e69ea9e9885a5c2", "5b16de89fc0d7393", "4d0d1b93b925f526", "db0ba43eb9639150", "7ee2c7bcd31ae343",
      "643c0f492e16419f", "b08fd700de341d06", "dca8915bcc736b06",
    ])
  }

  @Test func anOldDatabaseKeepsItsHistory() async throws {
    let (url, name, server) = try await TestServers.database()
    let connection = try await PostgresConnection.open(PostgresConfiguration(url: url))
    let old = Migrator(component: "db-writer", migrations: Array(DBWriterSchema.migrator().migrations.prefix(2)))
    _ = try await old.migrate(connection)
    _ = try await server.psql("""
      INSERT INTO price_history
      SELECT 'chain', '1', ean::text, '2024-12-31T22:00:00Z'::timestamptz + hour * interval '1 hour',
        '00000000-0000-0000-0000-000000000001', 0, hour + 1, hour, '2024-01-01'
      FROM generate_series(1, 10) ean, generate_series(0, 5) hour
      """, database: name)
    let before = try await server.psql(Self.digest, database: name)
    _ = try await DBWriterSchema.migrator().migrate(connection)
    #expect(try await server.psql(Self.digest, database: name) == before)
    #expect(try await server.psql("""
      SELECT tableoid::regclass::text AS part, count(*) FROM price_history GROUP BY part ORDER BY part
      """, database: name) == "price_history_2024_12|20\nprice_history_2025_01|40\n")
    #expect(try await server.psql("SELECT count(*) FROM price_changes", database: name) == "60\n")
    #expect(try await server.psql("SELECT to_regclass('unpartitioned_history')", database: name) == "\n")
  }

  private static let digest = """
    SELECT count(*), md5(string_agg(h::text, ',' ORDER BY chain, store_id, ean, file_time)) FROM price_history h
    """
}
