import ArgumentParser
import Runtime
import Schemas
import ServiceKit

/// `db-writer`: without a subcommand, writes; `db-writer migrate` prepares the database.
package struct DBWriterProgram: ServiceProgram {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.dbWriter.name,
    abstract: "Write topics to the tables of PostgreSQL, each record exactly once in effect.",
    version: Souk.version, subcommands: [DBWriterCommand.self, MigrateCommand.self],
    defaultSubcommand: DBWriterCommand.self)

  package init() {}
}
