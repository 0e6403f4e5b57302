import Postgres

/// The staging tables of the targets on one connection.
package struct StagingArea: Sendable {
  package let targets: [WriteTarget]
  package let dialect: Dialect
  /// Distinguishes writers where staging tables outlive a session; stable for one instance.
  let instance: String

  package init(_ targets: [WriteTarget], dialect: Dialect = .postgresql, instance: String = "1") {
    self.targets = targets
    self.dialect = dialect
    self.instance = instance
  }

  private func tables(_ target: WriteTarget) -> [StagingTable] { target.staging + target.scratch }

  /// SQL for each new connection. Rows of one store are adjacent in the indexes, so lookups need no random reads;
  /// without the lower `random_page_cost` PostgreSQL plans a flush into a large table as a full scan. Temporary tables
  /// have no statistics, so PostgreSQL overestimates the value of JIT compilation.
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
      // Rows never outlive their transaction, so the tables of an earlier session are empty.
      let settings = ["CREATE SCHEMA IF NOT EXISTS \(schema)", "SET search_path = public, \(schema)"]
      let definitions = tables.map { "CREATE TABLE IF NOT EXISTS \(schema).\($0.definition)" }
      return (settings + definitions).joined(separator: ";\n")
    }
  }

  /// Empties the tables where the end of the transaction does not.
  func emptyAfterwards(_ target: WriteTarget) -> [PostgresStatement] {
    guard dialect == .cockroachdb else { return [] }
    return tables(target).map { PostgresStatement("DELETE FROM \($0.name)", operation: "empty \($0.name)") }
  }

  /// Letters, digits and underscores of the instance's name.
  private var schema: String {
    "souk_staging_" + String(instance.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
  }
}

/// One connection: opened and prepared on demand, replaced after doubtful errors.
actor DatabaseSlot {
  private let configuration: PostgresConfiguration
  private let prepare: String
  private var connection: PostgresConnection?

  /// - Parameter prepare: SQL for every new connection.
  init(_ configuration: PostgresConfiguration, prepare: String) {
    self.configuration = configuration
    self.prepare = prepare
  }

  /// Runs `body` on the connection. After an error of the connection, or one that leaves its state unknown, closes the
  /// connection; the next call opens another. Never retries.
  func use<Result: Sendable>(_ body: @Sendable (isolated PostgresConnection) throws -> Result) async throws -> Result {
    let connection = try await opened()
    do {
      return try await connection.perform(body)
    } catch {
      let isSound = (error as? PostgresError).map { !$0.leavesOutcomeUnknown } ?? true
      if await connection.isPoisoned || !isSound { self.connection = nil }
      throw error
    }
  }

  private func opened() async throws -> PostgresConnection {
    if let connection { return connection }
    let fresh = try await PostgresConnection.open(configuration)
    try await fresh.perform { [prepare] in try $0.script(prepare, operation: "prepare the session") }
    connection = fresh
    return fresh
  }
}
