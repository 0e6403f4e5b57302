import Core
@testable import DBWriterService
import LocalServers
import Logging
import Messages
import Postgres
import Testing
import TestSupport

/// Materialized views follow changed tables, one replica at a time, without blocking ingest.
@Suite struct RefreshTests {
  private func refresher(
    _ fixture: StoreFixture, interval: Duration = .zero, timeout: Duration = .seconds(60)
  ) -> ViewRefresher {
    ViewRefresher(
      configuration: PostgresConfiguration(url: fixture.url), dialect: fixture.dialect, interval: interval,
      timeout: timeout, logger: Logger(label: "refresh-tests"))
  }

  private static let views = ["chain_price_index", "cheapest_by_product", "todays_changes"]

  private func product(_ price: String) -> ProductsIngest.Item {
    var product = item("7290000000001", price, name: "tea")
    product.masterID = "gtin:07290000000001"
    return product
  }

  @Test(arguments: Dialect.allCases)
  func viewsAreRefreshedOnlyAfterAChange(dialect: Dialect) async throws {
    let fixture = try await StoreFixture(dialect: dialect)
    let refresher = refresher(fixture)
    #expect(try await refresher.refreshDue() == [])
    let store = fixture.store()
    _ = try await store.start([source()])
    let messages = [
      ingest(chain: "a", store: "1", [product("4.00")]), ingest(chain: "b", store: "1", [product("6.00")]),
      ingest(chain: "b", store: "1", hour: 1, [product("12.00")]),
    ]
    for (offset, message) in messages.enumerated() { try store.append(source(), Int64(offset), message) }
    _ = try await store.flushStaged()
    #expect(try await refresher.refreshDue() == Self.views)
    #expect(try await refresher.refreshDue() == [])
    #expect(try await fixture.psql("SELECT chain, price, highest_price, offers FROM cheapest_by_product")
      == "a|4.00|12.00|2\n")
    #expect(try await fixture.psql("SELECT chain, products, price_index, cheapest FROM chain_price_index ORDER BY 1")
      == "a|1|50.00|1\nb|1|150.00|0\n")
    #expect(try await fixture.psql("SELECT chain, previous_price, price, change_percent FROM todays_changes")
      == "b|6.00|12.00|100.0\n")
    // Repeats, late files and files that say the same change nothing that the views show.
    for (offset, message) in (messages + [ingest(chain: "a", store: "1", hour: 5, [product("4.0")])]).enumerated() {
      try store.append(source(), Int64(3 + offset), message)
    }
    _ = try await store.flushStaged()
    #expect(try await refresher.refreshDue() == [])
  }

  /// Other programs can write to the table, so its names never become part of a statement.
  @Test func namesFromTheTableAreNeverExecuted() async throws {
    let fixture = try await StoreFixture()
    _ = try await fixture.psql("""
      INSERT INTO view_refreshes (view_name, version, refreshed_at, seconds, leased_until)
      VALUES ('todays_changes; DROP TABLE prices CASCADE', -1, now() - interval '1 day', 0, now())
      """)
    #expect(try await refresher(fixture).refreshDue() == [])
    #expect(try await fixture.prices() == "")
  }

  @Test func manyChangesMakeOneRefreshAnInterval() async throws {
    let fixture = try await StoreFixture()
    let (first, second) = (refresher(fixture, interval: .seconds(3_600)), refresher(fixture))
    let store = fixture.store()
    _ = try await store.start([source()])
    try store.append(source(), 0, ingest([item("1", "1")]))
    _ = try await store.flushStaged()
    // The tables were made, and with them the views, less than an hour ago.
    #expect(try await first.refreshDue() == [])
    #expect(try await second.refreshDue() == Self.views)
    // What another replica has just done is not done again.
    try store.append(source(), 1, ingest(hour: 1, [item("1", "2")]))
    _ = try await store.flushStaged()
    #expect(try await first.refreshDue() == [])
    _ = try await fixture.psql("UPDATE view_refreshes SET refreshed_at = now() - interval '2 hours'")
    #expect(try await first.refreshDue() == Self.views)
  }

  @Test(arguments: Dialect.allCases) func oneReplicaAtATime(dialect: Dialect) async throws {
    let fixture = try await StoreFixture(dialect: dialect)
    let store = fixture.store()
    _ = try await store.start([source()])
    try store.append(source(), 0, ingest([item("1", "1")]))
    _ = try await store.flushStaged()
    // A lock on the view keeps the first replica in the middle of its refresh.
    let reader = try await fixture.connect()
    try await reader.perform { try $0.script("BEGIN; REFRESH MATERIALIZED VIEW cheapest_by_product") }
    let (slow, other) = (refresher(fixture), refresher(fixture))
    async let done = slow.refreshDue()
    try await eventually("the first replica refreshes") {
      try await fixture.psql("""
        SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'REFRESH%' AND wait_event_type = 'Lock'
          AND datname = current_database()
        """) == "1\n"
    }
    #expect(try await other.refreshDue() == [])
    // Ingest continues.
    try store.append(source(), 1, ingest(hour: 1, [item("1", "2")]))
    #expect(try await store.flushStaged().positions == [source(): 2])
    try await reader.perform { try $0.script("COMMIT") }
    #expect(try await done == Self.views)
    // Later changes wait for the next refresh.
    #expect(try await other.refreshDue() == Self.views)
  }

  @Test func aViewThatFailsStopsNeitherTheOthersNorTheService() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    _ = try await store.start([source()])
    try store.append(source(), 0, ingest([item("1", "1")]))
    _ = try await store.flushStaged()
    _ = try await fixture.psql("DROP MATERIALIZED VIEW chain_price_index")
    let refresher = refresher(fixture, interval: .milliseconds(1))
    // Long enough after the migration.
    try await eventually("the views are due") { try await refresher.refreshDue() == Array(Self.views.dropFirst()) }
    let drain = Interruption()
    let running = Task { await refresher.run(until: drain) }
    try store.append(source(), 1, ingest(hour: 1, [item("1", "2")]))
    _ = try await store.flushStaged()
    try await eventually("the others are refreshed in the background") {
      try await fixture.psql("SELECT price FROM todays_changes") == "2\n"
    }
    // The server is down for a moment.
    _ = try await fixture.psql("""
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%refresh'
        AND datname = current_database()
      """)
    try store.append(source(), 2, ingest(hour: 2, [item("1", "3")]))
    _ = try await store.flushStaged()
    try await eventually("it recovers") {
      try await fixture.psql("SELECT count(*) FROM todays_changes") == "2\n"
    }
    drain.raise()
    await running.value
  }

  @Test func aDrainDoesNotWaitForASlowRefresh() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    _ = try await store.start([source()])
    try store.append(source(), 0, ingest([item("1", "1")]))
    _ = try await store.flushStaged()
    let reader = try await fixture.connect()
    try await reader.perform { try $0.script("BEGIN; REFRESH MATERIALIZED VIEW cheapest_by_product") }
    let drain = Interruption()
    let slow = refresher(fixture, interval: .milliseconds(1), timeout: .seconds(3_600))
    let running = Task { await slow.run(until: drain) }
    try await eventually("the refresh waits for a lock") {
      try await fixture.psql("""
        SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'REFRESH%' AND wait_event_type = 'Lock'
          AND datname = current_database()
        """) == "1\n"
    }
    drain.raise()
    await running.value
    try await reader.perform { try $0.script("ROLLBACK") }
  }
}
