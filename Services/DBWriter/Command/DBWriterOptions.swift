import ArgumentParser
import Catalogue
import Core
import Logging
import Options
import Pipeline
import Postgres
import PostgresFlags

/// What is written, and when: whichever limit is reached first.
struct DBWriterOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "Tables to write, by their names or by those of their topics.", valueName: "name,..."))
  var tables = "prices,promotions,stores,files,masters,decisions,observations,predictions"

  @Option(help: "SQL dialect of the server; the README says what cockroachdb changes.")
  var dialect = Dialect.postgresql

  @Option(help: "Staged rows that trigger a flush.")
  var flushRows = 20_000

  @Option(help: ArgumentHelp("Bytes of staged rows that trigger a flush.", valueName: "size"))
  var flushBytes = ByteSize.mib(16)

  @Option(help: ArgumentHelp("Longest time a staged record waits for a flush.", valueName: "time"))
  var linger = DurationSetting(.milliseconds(500))

  @Flag(
    help: """
      Start partitions that are new to the database at the consumer group's commits instead of at --start-from.
      """)
  var adoptGroupOffsets = false

  @Flag(
    inversion: .prefixedNo,
    help: "Run pending migrations at the start, instead of stopping with exit code 78 when there are any.")
  var migrate = false

  func validate() throws {
    guard flushRows > 0, flushBytes.bytes > 0 else {
      throw ValidationError("--flush-rows and --flush-bytes must be above zero")
    }
  }

  var policy: FlushPolicy { FlushPolicy(rows: flushRows, bytes: flushBytes.bytes, linger: linger.duration) }
}

/// When the materialized views are refreshed.
struct RefreshOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "Shortest time between two refreshes of a materialized view, over all replicas; 0s = this one never refreshes.",
    valueName: "time"))
  var refreshInterval = DurationSetting(.seconds(60))

  @Option(help: ArgumentHelp(
    "Timeout of the refresh of one view.", valueName: "time"))
  var refreshTimeout = DurationSetting(.seconds(600))

  func validate() throws {
    guard refreshTimeout.duration >= .milliseconds(1) else {
      throw ValidationError("--refresh-timeout must be above zero")
    }
  }
}

/// The SQL dialect of the server.
package enum Dialect: String, CaseIterable, Sendable, ExpressibleByArgument {
  /// PostgreSQL 13 and later.
  case postgresql
  /// Without temporary tables, advisory locks, range partitions and concurrent refreshes: rows are staged in ordinary
  /// tables of the instance's schema and deleted in the transaction that wrote them, replicas take turns by a lease in
  /// a table, and the history is one table.
  case cockroachdb
}

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
