import ArgumentParser

/// The SQL dialect of the server.
package enum Dialect: String, CaseIterable, Sendable, ExpressibleByArgument {
  /// PostgreSQL 13 and later.
  case postgresql
  /// Without temporary tables, advisory locks, range partitions and concurrent refreshes: rows are staged in ordinary
  /// tables of the instance's schema and deleted in the transaction that wrote them, replicas take turns by a lease in
  /// a table, and the history is one table.
  case cockroachdb
}
