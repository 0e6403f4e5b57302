import Logging
import Postgres
import Runtime
import ServiceKit

/// What has to be true of the database before the first record is read.
struct DatabaseSetup: Sendable {
  let configuration: PostgresConfiguration
  let dialect: Dialect

  var migrator: Migrator { DBWriterSchema.migrator(dialect) }

  /// The oldest server whose SQL is used and tested.
  static let oldestServer = 130_000

  /// Waits for the database, then migrates or requires the schema.
  ///
  /// - Returns: false when the service was asked to drain first.
  /// - Throws: `configuration` when the database cannot be used as it is.
  func prepare(migrate: Bool, backoff: Backoff, in context: ServiceContext) async throws -> Bool {
    let readiness = context.health.readiness("schema")
    var backoff = backoff
    while true {
      do {
        let connection = try await open()
        if migrate {
          let steps = try await migrator.migrate(connection)
          if !steps.isEmpty { context.logger.info("migrated", metadata: ["steps": "\(steps)"]) }
        } else {
          try await migrator.requireUpToDate(connection, command: DBWriterSchema.migrateCommand)
        }
        readiness.set(ready: true)
        return true
      } catch let error where ErrorClass(of: error) == .transient {
        readiness.failed(error)
        context.logger.warning("waiting for PostgreSQL", metadata: ["reason": "\(error)"])
        if await context.drain.sleep(for: backoff.next()) { return false }
      }
    }
  }

  /// - Returns: what was found.
  func check(mayMigrate: Bool) async throws -> String {
    let connection = try await open()
    let state = try await migrator.state(connection)
    if !mayMigrate {
      try await migrator.requireUpToDate(connection, command: DBWriterSchema.migrateCommand)
    }
    let version = await connection.serverVersion
    return "PostgreSQL \(version / 10_000).\(version % 10_000), schema step \(state.current) of \(state.latest)"
  }

  func open() async throws -> PostgresConnection {
    let connection = try await PostgresConnection.open(configuration)
    let version = await connection.serverVersion
    guard version >= Self.oldestServer else {
      throw Failure(
        .configuration, code: "postgres_too_old",
        "the server is PostgreSQL \(version / 10_000); 13 or later is needed")
    }
    let encoding = try await connection.perform { try $0.execute("SHOW server_encoding").rows.first?[0] ?? "" }
    guard encoding == "UTF8" else {
      throw Failure(
        .configuration, code: "postgres_encoding",
        "the database's encoding is \(encoding); create it with ENCODING 'UTF8', names are not all Latin")
    }
    return connection
  }
}
