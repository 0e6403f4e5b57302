import LocalServers
import Postgres
import Synchronization
import Testing
import TestSupport

/// Time limits of statements, alone and together, and the result of exceeding them.
@Suite struct StatementTimeTests {
  /// Five statements, each within its limit, that together take longer than the limit and its five seconds of grace.
  @Test func eachStatementOfAPipelineHasTheWholeTime() async throws {
    let (url, _, _) = try await TestServers.database()
    let steps = Mutex<[String]>([])
    var configuration = PostgresConfiguration(url: url, statementTimeout: .seconds(6))
    configuration.progressInterval = .milliseconds(500)
    configuration.progress = { operation, waited in
      if waited > .zero { steps.withLock { $0.append(operation) } }
    }
    let connection = try await PostgresConnection.open(configuration)
    let answers = try await connection.perform { connection in
      try connection.pipeline(
        (1...5).map { PostgresStatement("SELECT $1::int FROM pg_sleep(2.5)", [.int($0)], operation: "step \($0)") })
    }
    #expect(answers.map { $0.rows[0][0] } == ["1", "2", "3", "4", "5"])
    // Progress is reported for each while it is awaited, in their order.
    let told = steps.withLock { $0 }.filter { $0.hasPrefix("step") }
    #expect(Set(told) == ["step 1", "step 2", "step 3", "step 4", "step 5"] && told == told.sorted())
    // The server still ends one that is slower than its limit, and the rest with it.
    let slow = await #expect(throws: PostgresError.self) {
      try await connection.perform { connection in
        try connection.pipeline([
          PostgresStatement("SELECT 1"), PostgresStatement("SELECT pg_sleep(600)", operation: "slow"),
        ])
      }
    }
    #expect(slow?.sqlState?.code == "57014" && slow?.operation == "slow")
  }

  /// A server that does not enforce the limit: the client abandons the statement, and the backend releases its locks.
  @Test func anAbandonedStatementIsCancelled() async throws {
    let (url, name, server) = try await TestServers.database()
    let connection = try await PostgresConnection.open(
      PostgresConfiguration(url: url, statementTimeout: .seconds(3)))
    let error = await #expect(throws: PostgresError.self) {
      try await connection.perform { connection in
        try connection.script("CREATE TABLE t (a int)")
        try connection.script("SET statement_timeout = 0; BEGIN; LOCK TABLE t")
        try connection.execute("SELECT pg_sleep(600)")
      }
    }
    #expect(error?.reason == .timeout)
    try await eventually("the table is free again") {
      try await server.psql(
        "SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass", database: name) == "0\n"
    }
  }

  @Test func aServerNoticesThatItsClientIsGone() async throws {
    let (url, _, _) = try await TestServers.database()
    let connection = try await PostgresConnection.open(PostgresConfiguration(url: url))
    guard await connection.serverVersion >= 140_000 else { return }
    let interval = try await connection.perform {
      try $0.execute("SHOW client_connection_check_interval").rows[0][0]
    }
    #expect(interval == "10s")
  }

  /// Messages of triggers and extensions may quote a row; only the server's own messages are shown.
  @Test func messagesOfTriggersAreWithheld() async throws {
    let (url, _, _) = try await TestServers.database()
    let connection = try await PostgresConnection.open(PostgresConfiguration(url: url))
    let raised = await #expect(throws: PostgresError.self) {
      try await connection.perform { try $0.script("DO $$ BEGIN RAISE 'row SECRET is bad'; END $$") }
    }
    #expect(raised?.sqlState?.code == "P0001")
    #expect(raised.map { "\($0)" }?.contains("SECRET") == false)
    let missing = await #expect(throws: PostgresError.self) {
      try await connection.perform { _ = try $0.execute("SELECT * FROM nowhere") }
    }
    #expect(missing?.message.contains("nowhere") == true)
  }
}
