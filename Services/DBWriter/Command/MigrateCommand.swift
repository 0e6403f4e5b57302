import ArgumentParser
import Postgres
import PostgresFlags

/// `db-writer migrate`: brings the database to the schema of this binary and ends.
package struct MigrateCommand: AsyncParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "migrate",
    abstract: "Create or update the tables; safe to run at any time, by any number of processes.")

  @Option(help: "SQL dialect of the server.")
  package var dialect = Dialect.postgresql

  @OptionGroup(title: "PostgreSQL") package var postgres: PostgresOptions

  package init() {}

  package func run() async throws {
    let configuration = try postgres.configuration(applicationName: "db-writer migrate")
    let setup = DatabaseSetup(configuration: configuration, dialect: dialect)
    let connection = try await setup.open()
    let steps = try await setup.migrator.migrate(connection)
    let latest = setup.migrator.migrations.count
    let list = steps.map(String.init).joined(separator: ", ")
    print(steps.isEmpty ? "up to date: step \(latest)" : "migrated: steps \(list)")
  }
}
