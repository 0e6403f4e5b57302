import ArgumentParser
import Core
import Options
import Postgres

/// The flags of every service that talks to PostgreSQL.
package struct PostgresOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "PostgreSQL to write to: postgresql://user:password@host:5432/database, or key=value pairs.",
    discussion: "TLS as libpq has it: add ?sslmode=verify-full&sslrootcert=/path/ca.pem.", valueName: "url"),
    completion: .secret)
  package var databaseURL: String?

  @Option(help: ArgumentHelp("Limit for opening a connection, name resolution and TLS included.", valueName: "time"))
  package var databaseConnectTimeout = DurationSetting(.seconds(10))

  @Option(help: ArgumentHelp("Limit for one statement; beyond it the connection is given up.", valueName: "time"))
  package var databaseStatementTimeout = DurationSetting(.seconds(60))

  @Option(help: ArgumentHelp("Limit for waiting on a lock; beyond it the flush is tried again.", valueName: "time"))
  package var databaseLockTimeout = DurationSetting(.seconds(20))

  package init() {}

  /// - Throws: `Failure(.configuration)` when no address is given, or `PostgresError` when it cannot be read.
  package func configuration(applicationName: String) throws -> PostgresConfiguration {
    guard let databaseURL, !databaseURL.isEmpty else {
      throw Failure(
        .configuration, code: "database_url_missing",
        "no database: set --database-url or DATABASE_URL to postgresql://user:password@host:5432/database")
    }
    for (flag, value) in [
      ("--database-connect-timeout", databaseConnectTimeout),
      ("--database-statement-timeout", databaseStatementTimeout),
      ("--database-lock-timeout", databaseLockTimeout),
    ] where value.duration < .milliseconds(1) {
      throw Failure(.configuration, code: "setting_out_of_range", "\(flag) must be at least 1ms")
    }
    let configuration = PostgresConfiguration(
      url: databaseURL, applicationName: applicationName, connectTimeout: databaseConnectTimeout.duration,
      statementTimeout: databaseStatementTimeout.duration, lockTimeout: databaseLockTimeout.duration)
    _ = try configuration.parameters()
    return configuration
  }
}
