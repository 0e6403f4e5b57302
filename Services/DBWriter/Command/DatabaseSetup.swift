import Catalogue
import Core
import Logging
import Postgres
import PostgresFlags

/// The database, and what is checked of it before the first record is read.
struct DatabaseSetup: Sendable {
  let configuration: PostgresConfiguration
  let dialect: Dialect

  var migrator: Migrator { DBWriterSchema.migrator(dialect) }

  /// The oldest server whose SQL is used and tested.
  static let oldestServer = 130_000

  /// The database, with the schema of this binary: migrated with `--migrate`, otherwise required.
  static func need(_ options: PostgresOptions, _ writer: DBWriterOptions, _ logger: Logger) -> Need<DatabaseSetup> {
    Need(
      "postgres", as: "PostgreSQL", condition: "schema",
      open: {
        DatabaseSetup(
          configuration: try options.configuration(applicationName: ServiceCatalogue.dbWriter.name),
          dialect: writer.dialect)
      },
      check: { try await $0.check(mayMigrate: writer.migrate) },
      prepare: { setup in
        guard writer.migrate else { return try await setup.check(mayMigrate: false) }
        let connection = try await setup.open()
        let steps = try await setup.migrator.migrate(connection)
        if !steps.isEmpty { logger.info("migrated", metadata: ["steps": "\(steps)"]) }
        return ""
      })
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
        "the database's encoding is \(encoding); create it with ENCODING 'UTF8', because names are not only Latin")
    }
    return connection
  }
}
