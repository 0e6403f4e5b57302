import Core
import LocalServers
import Postgres
import Testing
import TestSupport

@Suite struct ConnectionTests {
  private func open(_ url: String) async throws -> PostgresConnection {
    try await PostgresConnection.open(PostgresConfiguration(url: url, applicationName: "connection-tests"))
  }

  @Test func parametersOfEveryTypeArriveUnchanged() async throws {
    let (url, _, _) = try await TestServers.database()
    let connection = try await open(url)
    let answer = try await connection.perform { connection in
      try connection.execute(
        """
        SELECT $1::text, $2::bigint, $3::bool, $4::text, $5::text[], array_length($5::text[], 1),
          $6::bigint[], $7::text[]
        """,
        [
          .text("it's \"x\\y\" ₪"), .int(-9), .bool(false), .null, .texts(["a,b", "NULL", "", "q\"\\"]), .ints([1, -2]),
          .texts([]),
        ])
    }
    #expect(answer.rows.map(\.cells) == [[
      "it's \"x\\y\" ₪", "-9", "f", nil, #"{"a,b","NULL","","q\"\\"}"#, "4", "{1,-2}", "{}",
    ]])
    #expect(try await connection.perform { try $0.execute("SHOW application_name").rows[0][0] } == "connection-tests")
  }

  @Test func aPipelineAnswersInOrderAndStopsAtItsFirstError() async throws {
    let (url, _, _) = try await TestServers.database()
    let connection = try await open(url)
    try await connection.perform { connection in
      try connection.script("CREATE TABLE t (a int PRIMARY KEY)")
      let answers = try connection.pipeline((0..<200).map { PostgresStatement("SELECT $1::int * 2", [.int($0)]) })
      #expect(answers.map { $0.rows[0][0] } == (0..<200).map { String($0 * 2) })
      let error = #expect(throws: PostgresError.self) {
        try connection.pipeline([
          PostgresStatement("INSERT INTO t VALUES (1)"),
          PostgresStatement("INSERT INTO t VALUES (1)", operation: "again"),
          PostgresStatement("INSERT INTO t VALUES (2)"),
        ])
      }
      #expect(error?.sqlState?.code == "23505")
      #expect(error?.operation == "again")
      // All of a pipeline is one transaction, and the connection is still good.
      #expect(try connection.execute("SELECT count(*) FROM t").rows[0][0] == "0")
      let isPoisoned = connection.isPoisoned
      #expect(!isPoisoned)
    }
  }

  @Test func aTransactionIsAllOrNothing() async throws {
    let (url, _, _) = try await TestServers.database()
    let connection = try await open(url)
    try await connection.perform { connection in
      try connection.script("CREATE TABLE t (a int NOT NULL)")
      try connection.transaction { _ = try $0.execute("INSERT INTO t VALUES (1)") }
      #expect(throws: PostgresError.self) {
        try connection.transaction { connection in
          try connection.execute("INSERT INTO t VALUES (2)")
          try connection.execute("INSERT INTO t VALUES (NULL)")
        }
      }
      #expect(try connection.execute("SELECT array_agg(a) FROM t").rows[0][0] == "{1}")
    }
  }

  @Test func aCopyErrorSurfacesAfterTheLastByteAndHoldsNoPayload() async throws {
    let (url, _, _) = try await TestServers.database()
    let connection = try await open(url)
    var rows = BinaryCopyRows()
    for index in 0..<20_000 {
      rows.beginRow(fields: 2)
      rows.int4(Int32(index))
      rows.text(index == 3 ? "SECRET" : "fine")
    }
    let bytes = rows.bytes
    try await connection.perform { connection in
      try connection.script("CREATE TABLE t (a int, b text CONSTRAINT only_fine CHECK (b = 'fine'))")
      let error = #expect(throws: PostgresError.self) {
        try connection.copyIn("COPY t FROM STDIN (FORMAT binary)", [bytes], operation: "stage")
      }
      #expect(error?.errorClass == .data)
      #expect(error?.code == "postgres_23514")
      #expect(error?.subject == ["table": "t", "constraint": "only_fine"])
      #expect(error.map { "\($0)" }?.contains("SECRET") == false)
      // Bytes that are no rows at all, and a statement that is no COPY.
      let malformed = #expect(throws: PostgresError.self) {
        try connection.copyIn("COPY t FROM STDIN (FORMAT binary)", [[0, 2, 0, 0, 0, 9, 1]])
      }
      #expect(malformed?.errorClass == .data)
      #expect(throws: PostgresError.self) { try connection.copyIn("SELECT 1", [bytes]) }
      #expect(throws: PostgresError.self) { try connection.copyIn("COPY nowhere FROM STDIN", [bytes]) }
      // The connection survives all of it.
      let isPoisoned = connection.isPoisoned
      #expect(!isPoisoned)
      #expect(try connection.execute("SELECT count(*) FROM t").rows[0][0] == "0")
    }
  }

  @Test func messagesThatQuoteValuesAreReplaced() async throws {
    let (url, _, _) = try await TestServers.database()
    let connection = try await open(url)
    let error = await #expect(throws: PostgresError.self) {
      try await connection.perform { _ = try $0.execute("SELECT 'SECRET'::numeric") }
    }
    #expect(error.map { "\($0)" } == "PostgreSQL, query: text does not parse as its type [22P02]")
  }

  @Test func aKilledBackendIsTransientAndRollsBack() async throws {
    let (url, name, server) = try await TestServers.database()
    let connection = try await open(url)
    let error = await #expect(throws: PostgresError.self) {
      try await connection.perform { connection in
        try connection.script("CREATE TABLE t (a int)")
        try connection.transaction { connection in
          try connection.execute("INSERT INTO t VALUES (1)")
          try connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
          try connection.execute("INSERT INTO t VALUES (2)")
        }
      }
    }
    #expect(error?.errorClass == .transient)
    #expect(error?.leavesOutcomeUnknown == true)
    let after = await #expect(throws: PostgresError.self) {
      try await connection.perform { _ = try $0.execute("SELECT 1") }
    }
    #expect(after?.errorClass == .transient)
    let isPoisoned = await connection.isPoisoned
    #expect(isPoisoned)
    #expect(try await server.psql("SELECT count(*) FROM t", database: name) == "0\n")
  }

  @Test func slowStatementsAndLocksFailByTheServersLimit() async throws {
    let (url, _, _) = try await TestServers.database()
    let connection = try await PostgresConnection.open(
      PostgresConfiguration(url: url, statementTimeout: .milliseconds(200), lockTimeout: .milliseconds(100)))
    let slow = await #expect(throws: PostgresError.self) {
      try await connection.perform { _ = try $0.execute("SELECT pg_sleep(600)") }
    }
    #expect(slow?.sqlState?.code == "57014")
    #expect(slow?.errorClass == .transient)
    // The server ended the statement, not the connection.
    let other = try await open(url)
    try await other.perform { connection in
      try connection.script("CREATE TABLE t (a int)")
      try connection.script("BEGIN; LOCK TABLE t")
    }
    let locked = await #expect(throws: PostgresError.self) {
      try await connection.perform { _ = try $0.execute("SELECT * FROM t") }
    }
    #expect(locked?.sqlState?.code == "55P03")
    #expect(locked?.errorClass == .transient)
  }

  @Test func connectErrorsAreClassified() async throws {
    let server = try await TestServers.postgres()
    func failure(_ url: String) async -> PostgresError? {
      await #expect(throws: PostgresError.self) { _ = try await open(url) }
    }
    let good = server.url
    let password = String(good.split(separator: ":")[2].split(separator: "@")[0])
    let wrong = await failure(good.replacing(password, with: "WRONGSECRET"))
    #expect(wrong?.sqlState?.code == "28P01")
    #expect(wrong?.errorClass == .configuration)
    #expect(wrong.map { "\($0)" }?.contains("WRONGSECRET") == false)
    let missing = await failure(server.url(database: "nowhere"))
    #expect(missing?.sqlState?.code == "3D000")
    #expect(missing?.errorClass == .configuration)
    #expect(await failure(good.replacing(":" + password, with: ""))?.errorClass == .configuration)
    // A closed port, and an invalid address.
    #expect(await failure("postgresql://souk:x@127.0.0.1:1/souk")?.errorClass == .transient)
    let malformed = await failure("postgresql://souk:HIDDEN@[::1/souk")
    #expect(malformed?.errorClass == .configuration)
    #expect(malformed.map { "\($0)" }?.contains("HIDDEN") == false)
  }

  @Test func aRestartedServerIsTransientUntilItIsBack() async throws {
    let server = try await PrivatePostgres.start()
    let connection = try await open(server.url)
    await server.halt()
    let lost = await #expect(throws: PostgresError.self) {
      try await connection.perform { _ = try $0.execute("SELECT 1") }
    }
    #expect(lost?.errorClass == .transient)
    let refused = await #expect(throws: PostgresError.self) { _ = try await open(server.url) }
    #expect(refused?.errorClass == .transient)
    try await server.resume()
    let again = try await open(server.url)
    #expect(try await again.perform { try $0.execute("SELECT 1").rows[0][0] } == "1")
    await server.stop()
  }
}
