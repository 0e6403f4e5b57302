import ArgumentParser

/// What the server speaks: the few places where PostgreSQL and those that speak its protocol differ.
package enum Dialect: String, CaseIterable, Sendable, ExpressibleByArgument {
  /// PostgreSQL 13 and later.
  case postgresql
  /// No temporary tables, advisory locks, partitions by range or concurrent refreshes: rows are staged in ordinary
  /// tables of a schema of the instance's own and deleted in the transaction that wrote them, replicas take turns
  /// by a lease in a table, and the history is one table.
  case cockroachdb
}
