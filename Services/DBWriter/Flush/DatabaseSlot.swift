import Postgres

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
