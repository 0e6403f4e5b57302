import Postgres

/// The tables db-writer owns, as the steps that lead to them.
package enum DBWriterSchema {
  package static func migrator(_ dialect: Dialect = .postgresql) -> Migrator {
    Migrator(component: "db-writer", migrations: migrations(dialect))
  }

  private static func migrations(_ dialect: Dialect) -> [Migration] {
    switch dialect {
    case .postgresql:
      [tables, views, partitionedHistory, moreTables, refreshedViews, sentinel, ended, intervalVerdict]
    case .cockroachdb:
      [plain(tables), views, plainHistory, plain(moreTables), refreshedViews, sentinel, ended, intervalVerdict]
    }
  }

  /// Without what only PostgreSQL's storage knows.
  private static func plain(_ migration: Migration) -> Migration {
    var sql = migration.sql.replacing(" USING brin", with: "")
    for share in [50, 70, 85] { sql = sql.replacing(" WITH (fillfactor = \(share))", with: "") }
    return Migration(migration.number, migration.name, sql: sql)
  }

  /// What `db-writer` tells people to run.
  package static let migrateCommand = "db-writer migrate"
}
