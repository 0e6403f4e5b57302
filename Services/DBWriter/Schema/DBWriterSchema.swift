import Postgres

/// The migrations of db-writer's tables.
package enum DBWriterSchema {
  package static func migrator(_ dialect: Dialect = .postgresql) -> Migrator {
    Migrator(component: "db-writer", migrations: migrations(dialect))
  }

  private static func migrations(_ dialect: Dialect) -> [Migration] {
    switch dialect {
    case .postgresql:
      [tables, views, partitionedHistory, moreTables, refreshedViews, sentinel, ended, intervalVerdict, decisions]
    case .cockroachdb:
      [
        plain(tables), views, plainHistory, plain(moreTables), refreshedViews, sentinel, ended, intervalVerdict,
        decisions,
      ]
    }
  }

  /// Without PostgreSQL's storage parameters.
  private static func plain(_ migration: Migration) -> Migration {
    var sql = migration.sql.replacing(" USING brin", with: "")
    for share in [50, 70, 85] { sql = sql.replacing(" WITH (fillfactor = \(share))", with: "") }
    return Migration(migration.number, migration.name, sql: sql)
  }

  /// The command in the message about an old schema.
  package static let migrateCommand = "db-writer migrate"
}
