import Core
import LocalServers
import Postgres
import Testing
import TestSupport

@Suite struct MigratorTests {
  private let first = Migration(1, "first", sql: "CREATE TABLE a (x int); INSERT INTO a VALUES (1)")
  private let second = Migration(2, "second", sql: "ALTER TABLE a ADD y int")

  private func open(_ url: String) async throws -> PostgresConnection {
    try await PostgresConnection.open(PostgresConfiguration(url: url))
  }

  @Test func stepsRunOnceAndInOrder() async throws {
    let (url, name, server) = try await TestServers.database()
    let connection = try await open(url)
    let one = Migrator(component: "c", migrations: [first])
    let two = Migrator(component: "c", migrations: [first, second])
    let state = try await two.state(connection)
    #expect((state.current, state.latest) == (0, 2))
    #expect(try await one.migrate(connection) == [1])
    #expect(try await one.migrate(connection) == [])
    let behind = await #expect(throws: Failure.self) { try await two.requireUpToDate(connection, command: "c migrate") }
    #expect(behind?.errorClass == .configuration)
    #expect(behind?.message.contains("c migrate") == true)
    #expect(try await two.migrate(connection) == [2])
    try await two.requireUpToDate(connection, command: "c migrate")
    // Another component in the same database starts from nothing.
    #expect(try await Migrator(component: "d", migrations: []).migrate(connection) == [])
    #expect(try await server.psql("SELECT component, number, name FROM schema_migrations ORDER BY 2", database: name)
      == "c|1|first\nc|2|second\n")
    #expect(try await server.psql("SELECT * FROM a", database: name) == "1|\n")
  }

  @Test func aFailedStepLeavesNothingAndIsRunAgain() async throws {
    let (url, name, server) = try await TestServers.database()
    let connection = try await open(url)
    let broken = Migration(2, "second", sql: "ALTER TABLE a ADD y int; SELECT 1 / 0")
    await #expect(throws: PostgresError.self) {
      try await Migrator(component: "c", migrations: [first, broken]).migrate(connection)
    }
    #expect(try await server.psql("SELECT * FROM a", database: name) == "1\n")
    #expect(try await Migrator(component: "c", migrations: [first, second]).migrate(connection) == [2])
  }

  @Test func aNewerOrDifferentSchemaIsRefused() async throws {
    let (url, _, _) = try await TestServers.database()
    let connection = try await open(url)
    _ = try await Migrator(component: "c", migrations: [first, second]).migrate(connection)
    let newer = await #expect(throws: Failure.self) {
      try await Migrator(component: "c", migrations: [first]).migrate(connection)
    }
    #expect(newer?.code == "schema_newer")
    let edited = Migration(2, "second", sql: second.sql + " ")
    let differs = await #expect(throws: Failure.self) {
      try await Migrator(component: "c", migrations: [first, edited]).state(connection)
    }
    #expect(differs?.code == "schema_differs")
    #expect(differs?.errorClass == .configuration)
  }

  @Test func manyAtOnceRunEachStepOnce() async throws {
    let (url, name, server) = try await TestServers.database()
    let slow = Migration(2, "slow", sql: "SELECT pg_sleep(0.2); CREATE TABLE b (x int)")
    let migrator = Migrator(component: "c", migrations: [first, slow])
    let runs = try await withThrowingTaskGroup(of: [Int].self) { group in
      for _ in 0..<6 { group.addTask { try await migrator.migrate(try await self.open(url)) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(runs.filter { !$0.isEmpty } == [[1, 2]])
    #expect(try await server.psql("SELECT count(*) FROM a", database: name) == "1\n")
  }
}
