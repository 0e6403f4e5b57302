import Postgres
import Runtime

/// The one connection of a writer: opened when needed, prepared for staging, thrown away when in doubt.
actor DatabaseSlot {
  private let configuration: PostgresConfiguration
  private var connection: PostgresConnection?

  init(_ configuration: PostgresConfiguration) { self.configuration = configuration }

  /// Runs `body` on the connection. After an error that may have come from the connection, or after which nobody
  /// knows its state, the connection is closed and the next call opens another; an error is never retried here.
  func use<Result: Sendable>(
    _ body: @Sendable (isolated PostgresConnection) throws -> Result
  ) async throws -> Result {
    let connection = try await opened()
    do {
      return try await connection.perform(body)
    } catch {
      let isSound = (error as? PostgresError).map { !$0.leavesOutcomeUnknown } ?? true
      if await connection.isPoisoned || !isSound { self.connection = nil }
      throw error
    }
  }

  func close() { connection = nil }

  private func opened() async throws -> PostgresConnection {
    if let connection { return connection }
    let fresh = try await PostgresConnection.open(configuration)
    try await fresh.perform { try $0.script(StagingSQL.prepareSession, operation: "prepare the session") }
    connection = fresh
    return fresh
  }
}
