import Postgres

/// The tables db-writer owns, as the steps that lead to them.
package enum DBWriterSchema {
  package static let migrator = Migrator(component: "db-writer", migrations: [tables, views])

  /// What `db-writer` tells people to run.
  package static let migrateCommand = "db-writer migrate"
}
