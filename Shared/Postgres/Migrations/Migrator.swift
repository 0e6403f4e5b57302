import Core

/// Brings a database to the schema of this binary: forward only, step by step, each in one transaction with its entry
/// in the log. Any number of processes may try at once: an advisory lock admits one, and the others then find nothing
/// left to do.
package struct Migrator: Sendable {
  /// The owner of the schema in the table `schema_migrations`, so that several services can share a database.
  package let component: String
  package let migrations: [Migration]

  /// - Precondition: `migrations` are numbered 1, 2, 3 ... in order.
  package init(component: String, migrations: [Migration]) {
    precondition(migrations.map(\.number) == Array(1...max(1, migrations.count)).prefix(migrations.count).map { $0 },
      "migrations are numbered 1, 2, 3 ... in order")
    self.component = component
    self.migrations = migrations
  }

  package struct State: Hashable, Sendable {
    /// The last step that the database has; 0 for none.
    package var current: Int
    /// The last step that this binary has.
    package var latest: Int
    package var isUpToDate: Bool { current == latest }
  }

  /// Runs the missing steps. Migrations have no time limit, so `connection` loses its limits and is best closed
  /// afterwards.
  /// - Returns: the numbers of the steps that ran.
  /// - Throws: `configuration` when the database is newer than this binary or its history differs; `PostgresError`.
  package func migrate(_ connection: PostgresConnection) async throws -> [Int] {
    try await connection.perform { connection in
      // A session lock, which spans the steps; closing the connection releases it. The limits stay lifted: the
      // connection is for migrating only.
      try connection.script("SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0", operation: "migrate")
      try connection.limitStatements(to: nil)
      try lock(connection)
      defer { _ = try? connection.execute("SELECT pg_advisory_unlock($1)", [.int(lockKey)], operation: "migrate") }
      try connection.script("""
        CREATE TABLE IF NOT EXISTS schema_migrations (
          component text NOT NULL,
          number int NOT NULL,
          name text NOT NULL,
          checksum text NOT NULL,
          applied_at timestamptz NOT NULL DEFAULT now(),
          PRIMARY KEY (component, number)
        )
        """, operation: "migrate")
      let state = try verify(connection)
      var done: [Int] = []
      for migration in migrations.dropFirst(state.current) {
        try connection.transaction { connection in
          try connection.script(migration.sql, operation: "migration \(migration.number) \(migration.name)")
          try connection.execute(
            "INSERT INTO schema_migrations (component, number, name, checksum) VALUES ($1, $2, $3, $4)",
            [.text(component), .int(Int64(migration.number)), .text(migration.name), .text(migration.checksum)],
            operation: "migrate")
        }
        done.append(migration.number)
      }
      return done
    }
  }

  /// The state of the database, without changing it.
  /// - Throws: as `migrate`.
  package func state(_ connection: PostgresConnection) async throws -> State {
    try await connection.perform { connection in
      let table = try connection.execute("SELECT to_regclass('schema_migrations')", operation: "read the schema")
      guard table.rows.first?[0] != nil else { return State(current: 0, latest: migrations.count) }
      return try verify(connection)
    }
  }

  /// - Throws: `configuration`, naming the command to run, unless the database has exactly this binary's schema.
  package func requireUpToDate(_ connection: PostgresConnection, command: String) async throws {
    let state = try await state(connection)
    guard !state.isUpToDate else { return }
    throw Failure(
      .configuration, code: "schema_behind",
      "the database has step \(state.current) of \(state.latest) of the \(component) schema; run `\(command)`")
  }

  /// Polls for the lock: a backend that waits inside `pg_advisory_lock` would answer nothing during the other's
  /// migration, and look dead.
  private func lock(_ connection: isolated PostgresConnection) throws {
    while true {
      let answer = try connection.execute("SELECT pg_try_advisory_lock($1)", [.int(lockKey)], operation: "migrate")
      if answer.rows.first?[0] == "t" { return }
      try connection.execute("SELECT pg_sleep(0.05)", operation: "migrate")
    }
  }

  private func verify(_ connection: isolated PostgresConnection) throws -> State {
    let answer = try connection.execute(
      "SELECT number, checksum FROM schema_migrations WHERE component = $1 ORDER BY number", [.text(component)],
      operation: "read the schema")
    for (index, row) in answer.rows.enumerated() {
      let number = try row.int(0) ?? 0
      guard index < migrations.count else {
        throw Failure(
          .configuration, code: "schema_newer",
          "the database has step \(number) of the \(component) schema and this binary knows \(migrations.count); "
            + "run the newer release")
      }
      let known = migrations[index]
      guard number == Int64(known.number), row[1] == known.checksum else {
        throw Failure(
          .configuration, code: "schema_differs",
          "step \(number) of the \(component) schema in the database is not step \(known.number) `\(known.name)` of "
            + "this binary; they come from different histories")
      }
    }
    return State(current: answer.rows.count, latest: migrations.count)
  }

  /// One lock per component: FNV-1a of its name.
  private var lockKey: Int64 {
    Int64(bitPattern: fnv1a("souk migrations \(component)"))
  }
}

/// One step of a schema, part of the binary.
///
/// A released step never changes: a database stores the checksum of what it ran.
package struct Migration: Sendable {
  /// 1, 2, 3 ... without gaps.
  package let number: Int
  /// A short description in `snake_case`, for people.
  package let name: String
  /// One or more statements. They run in a transaction, so no `CREATE INDEX CONCURRENTLY`.
  package let sql: String

  package init(_ number: Int, _ name: String, sql: String) {
    self.number = number
    self.name = name
    self.sql = sql
  }

  /// FNV-1a of the text as 16 hex digits: it detects accidents, not attacks.
  package var checksum: String {
    let digits = String(fnv1a(sql), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

/// 64 bits. Source: G. Fowler, L. C. Noll, K.-P. Vo; draft-eastlake-fnv.
private func fnv1a(_ text: String) -> UInt64 {
  text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}
