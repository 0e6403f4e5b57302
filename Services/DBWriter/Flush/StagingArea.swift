import Postgres

/// The staging tables of some targets on one connection.
package struct StagingArea: Sendable {
  package let targets: [any WriteTarget]
  package let dialect: Dialect
  /// Tells writers apart where staging tables outlive a session; the same at every start of one instance.
  let instance: String

  package init(_ targets: [any WriteTarget], dialect: Dialect = .postgresql, instance: String = "1") {
    self.targets = targets
    self.dialect = dialect
    self.instance = instance
  }

  private func tables(_ target: any WriteTarget) -> [StagingTable] { target.staging + target.scratch }

  /// For each new connection. Rows of one store lie together in the indexes, so a lookup costs no random read;
  /// without that hint a flush into a large table is planned as a scan of all of it. Temporary tables have no
  /// statistics, which makes compiled plans (jit) look worth their start-up when they never are.
  package var prepareSession: String {
    let tables = targets.flatMap(tables)
    switch dialect {
    case .postgresql:
      let settings = [
        "SET jit = off", "SET random_page_cost = 1.1", "SET work_mem = '64MB'", "SET temp_buffers = '32MB'",
      ]
      let definitions = tables.map { "CREATE TEMPORARY TABLE IF NOT EXISTS \($0.definition) ON COMMIT DELETE ROWS" }
      return (settings + definitions).joined(separator: ";\n")
    case .cockroachdb:
      // Rows never outlive their transaction, so what an earlier session left is empty tables.
      let settings = ["CREATE SCHEMA IF NOT EXISTS \(schema)", "SET search_path = public, \(schema)"]
      let definitions = tables.map { "CREATE TABLE IF NOT EXISTS \(schema).\($0.definition)" }
      return (settings + definitions).joined(separator: ";\n")
    }
  }

  /// What empties the tables where the end of the transaction does not.
  func emptyAfterwards(_ target: any WriteTarget) -> [PostgresStatement] {
    guard dialect == .cockroachdb else { return [] }
    return tables(target).map { PostgresStatement("DELETE FROM \($0.name)", operation: "empty \($0.name)") }
  }

  /// Letters, digits and underscores of the instance's name.
  private var schema: String {
    "souk_staging_" + String(instance.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
  }
}
