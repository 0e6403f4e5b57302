import LocalServers
import TestSupport

/// A database of a seed's own, on a server that it may stop, behind a door.
struct PostgresOfSeed: Sendable {
  private let place: Pool<PrivatePostgres>.Place
  private let database = "seed_" + TestServers.uniqueName()
  private let host: String
  private static let template = "migrated"

  init(_ plan: FaultPlan) async throws {
    host = "postgres.\(plan.stallsNames ? "stalled" : "missing").test"
    place = try await Pools.postgres.take()
    _ = try await place.server.psql("CREATE DATABASE \(database) TEMPLATE \(Self.template)")
  }

  /// A server with a migrated database to copy.
  static func makeServer() async throws -> PrivatePostgres {
    let server = try await PrivatePostgres.start()
    let url = try await server.createDatabase(template)
    let migration = try await ServiceProcess.run("db-writer", ["migrate"], environment: ["DATABASE_URL": url])
    guard migration.status.isSuccess else {
      throw ConditionNotMet(description: "db-writer migrate ended with \(migration.status)\n\(migration.errorOutput)")
    }
    return server
  }

  var environment: [String: String?] {
    let url = place.server.url(database: database)
      .replacing("127.0.0.1:\(place.port)", with: "\(host):\(place.door.port)")
    return ["DATABASE_URL": url, "DATABASE_STATEMENT_TIMEOUT": "3s", "LINGER": "50ms"]
  }

  /// Rows as psql prints them: fields split by `|`, one row a line.
  func query(_ sql: String) async throws -> [String] {
    try await place.server.psql("SET timezone = 'UTC'; " + sql, database: database)
      .split(separator: "\n").map(String.init)
  }

  /// What db-writer has still to read of a topic with so many records.
  func read(of topic: String) async throws -> Int {
    let rows = try await query(
      "SELECT coalesce(sum(greatest(next_offset, 0)), 0) FROM kafka_offsets WHERE topic = '\(topic)'")
    return rows.first.flatMap { Int($0) } ?? 0
  }

  // MARK: Faults

  func begin(_ kind: Substring, _ names: FailingResolver) async throws {
    switch kind {
    case "restart": await place.server.halt()
    case "crash": await place.server.halt(signal: 3)
    case "serialization": try await refuse("40001")
    case "full": try await refuse("53100")
    case "read-only": try await set("ALTER SYSTEM SET default_transaction_read_only = on")
    default: _ = try await place.begin(kind, names)
    }
  }

  /// Every statement that moves offsets, which each transaction of db-writer ends with, fails with this SQLSTATE.
  private func refuse(_ state: String) async throws {
    _ = try await query("""
      CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'staged' USING ERRCODE = '\(state)'; END $$;
      CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON kafka_offsets EXECUTE FUNCTION fail();
      """)
  }

  private func set(_ sql: String) async throws {
    _ = try await place.server.psql(sql)
    _ = try await place.server.psql("SELECT pg_reload_conf()")
  }

  var attempts: Int { place.door.connections }

  func heal() async throws {
    if !place.server.isRunning { try await place.server.resume() }
    place.heal()
    try await set("ALTER SYSTEM RESET default_transaction_read_only")
    // Until the server has read its settings again, it refuses.
    try await eventually("the trigger is gone") {
      (try? await query("DROP TRIGGER IF EXISTS fail ON kafka_offsets")) != nil
    }
  }

  func close() async {
    _ = try? await place.server.psql("DROP DATABASE \(database) WITH (FORCE)")
    await Pools.postgres.giveBack(place)
  }
}
