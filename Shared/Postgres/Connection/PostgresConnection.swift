import Core
import CPQ
import Glibc

/// One connection to PostgreSQL, on its own thread.
///
/// A method blocks only that thread, so that a whole transaction is one hop:
/// ```
/// let moved = try await connection.perform { connection in
///   try connection.transaction { try $0.execute("update ...", [.int(1)]).affected }
/// }
/// After a broken socket, a missed deadline or an unexpected answer the connection is *poisoned*: every further call
/// throws, and its owner opens another. A connection is never repaired.
package actor PostgresConnection {
  private nonisolated let executor: ThreadExecutor
  nonisolated let handle: PostgresHandle
  /// The client's limit for one answer; nil waits for ever.
  private var answerLimit: Duration?
  private let progress: (@Sendable (String, Duration) -> Void)?
  private let progressInterval: Duration
  /// Never reset; a poisoned connection accepts no more work.
  package private(set) var isPoisoned = false

  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private init(executor: ThreadExecutor, handle: PostgresHandle, _ configuration: PostgresConfiguration) {
    self.executor = executor
    self.handle = handle
    answerLimit = configuration.connectTimeout
    progress = configuration.progress
    progressInterval = configuration.progressInterval
  }

  /// Connects, on the new connection's thread.
  ///
  /// - Throws: `transient` when the server cannot be reached or is starting, `configuration` when it refuses the
  ///   role, the password or the database.
  package static func open(_ configuration: PostgresConfiguration) async throws(PostgresError) -> PostgresConnection {
    let opener = Opener(configuration)
    let handle = try await opener.open()
    let connection = PostgresConnection(executor: opener.executor, handle: handle, configuration)
    try await connection.begin(configuration)
    return connection
  }

  private func begin(_ configuration: PostgresConfiguration) throws(PostgresError) {
    try script(configuration.sessionSettings, operation: "connect")
    // With this setting, servers from 14 on notice within a statement that its client is gone, and end the statement
    // and its locks; without it they notice at the statement's own end.
    _ = try? execute(
      "SELECT set_config(name, '10s', false) FROM pg_settings WHERE name = 'client_connection_check_interval'")
    try limitStatements(to: configuration.statementTimeout)
  }

  /// Limits every following statement; nil lifts the limit.
  ///
  /// The server enforces it (57014). Five seconds later the client gives the connection up, in case the server answers
  /// nothing at all.
  package func limitStatements(to limit: Duration?) throws(PostgresError) {
    try script("SET statement_timeout = \(limit?.milliseconds ?? 0)", operation: "set statement_timeout")
    answerLimit = limit.map { $0 + .seconds(5) }
  }

  /// Lives for one connect, so that the blocking call runs on the thread that the connection then keeps.
  private actor Opener {
    nonisolated let executor = ThreadExecutor(name: "postgres")
    private let configuration: PostgresConfiguration

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(_ configuration: PostgresConfiguration) { self.configuration = configuration }

    func open() throws(PostgresError) -> PostgresHandle { try PostgresHandle.open(configuration) }
  }

  /// Runs `body` on the connection's thread; nothing else uses the connection meanwhile.
  package func perform<Result: Sendable>(
    _ body: @Sendable (isolated PostgresConnection) throws -> Result
  ) throws -> Result {
    try body(self)
  }

  /// Asks the server to cancel the running statement, if any; it then fails with 57014. Callable from any thread,
  /// because the connection's own waits for the answer. Blocks for one connection to the server; success is not
  /// reported.
  package nonisolated func cancelStatement() { handle.cancel() }

  /// The server's version, as 150012 for 15.12.
  package var serverVersion: Int { Int(PQserverVersion(handle.pointer)) }

  /// One statement without parameters, or several separated by `;` (simple protocol, one implicit transaction), for
  /// migrations and settings.
  package func script(_ sql: String, operation: String = "script") throws(PostgresError) {
    try send(operation) { PQsendQuery($0, sql) }
    try readResults(operation)
  }

  /// One parameterised statement (`$1`, `$2`).
  @discardableResult
  package func execute(
    _ sql: String, _ parameters: [PostgresValue] = [], operation: String = "query"
  ) throws(PostgresError) -> PostgresResult {
    let statement = PostgresStatement(sql, parameters, operation: operation)
    try send(operation) { statement.send(on: $0) }
    var answer: PostgresResult?
    try readResults(operation) { answer = PostgresResult(copying: $0) }
    guard let answer else { throw poison(.unexpected, operation, "the server gave no result") }
    return answer
  }

  /// Sends all statements at once and reads all answers: one round trip (libpq's pipeline mode).
  ///
  /// Each statement has the full time-out: the server sends each answer when it is ready instead of keeping all until
  /// the last statement ends.
  ///
  /// Throws the first failure after every answer is read; the server skips the statements after it.
  @discardableResult
  package func pipeline(_ statements: [PostgresStatement]) throws(PostgresError) -> [PostgresResult] {
    guard !statements.isEmpty else { return [] }
    let first = statements[0].operation
    try ensureUsable(first)
    guard PQenterPipelineMode(handle.pointer) == 1 else { throw poisoned(handle.brokenError(first)) }
    for statement in statements {
      guard statement.send(on: handle.pointer) == 1, PQsendFlushRequest(handle.pointer) == 1 else {
        throw poisoned(handle.brokenError(statement.operation))
      }
    }
    guard PQpipelineSync(handle.pointer) == 1 else { throw poisoned(handle.brokenError(first)) }
    try flushOutput(first)
    var answers: [PostgresResult] = []
    var failure: PostgresError?
    for statement in statements {
      while let result = try nextResult(statement.operation) {
        defer { PQclear(result) }
        if PQresultStatus(result) == PGRES_PIPELINE_ABORTED { continue }
        do {
          try check(result, statement.operation)
          answers.append(PostgresResult(copying: result))
        } catch {
          failure = failure ?? error
        }
      }
    }
    let end = try nextResult("pipeline")
    defer { PQclear(end) }
    guard PQresultStatus(end) == PGRES_PIPELINE_SYNC, PQexitPipelineMode(handle.pointer) == 1 else {
      throw poison(.unexpected, "pipeline", "the server lost track of the pipeline")
    }
    if let failure { throw failure }
    return answers
  }

  /// `BEGIN`, `body`, `COMMIT`; any error rolls back and is rethrown.
  package func transaction<Result>(_ body: (isolated PostgresConnection) throws -> Result) throws -> Result {
    try script("BEGIN", operation: "begin")
    let result: Result
    do {
      result = try body(self)
    } catch {
      rollback()
      throw error
    }
    try commit()
    return result
  }

  /// - Throws: also when the server answers `ROLLBACK`, as it does to the COMMIT of a failed transaction.
  package func commit() throws(PostgresError) {
    let answer = try execute("COMMIT", operation: "commit")
    if answer.tag != "COMMIT" { throw poison(.unexpected, "commit", "the transaction had failed before its COMMIT") }
  }

  /// Ends a transaction if one is open. Never throws: on failure the connection is poisoned, and the server rolls back
  /// when the socket closes.
  package func rollback() {
    guard !isPoisoned, PQtransactionStatus(handle.pointer) != PQTRANS_IDLE else { return }
    do {
      try script("ROLLBACK", operation: "rollback")
    } catch {
      isPoisoned = true
    }
  }
}

// MARK: - The wire

extension PostgresConnection {
  func ensureUsable(_ operation: String) throws(PostgresError) {
    if isPoisoned {
      throw PostgresError(.poisoned, operation: operation, "this connection failed before; open another")
    }
  }

  func send(_ operation: String, _ body: (OpaquePointer) -> Int32) throws(PostgresError) {
    try ensureUsable(operation)
    guard body(handle.pointer) == 1 else { throw poisoned(handle.brokenError(operation)) }
    try flushOutput(operation)
  }

  /// Flushes libpq's output buffer, reading what arrives meanwhile so that neither side blocks the other.
  func flushOutput(_ operation: String) throws(PostgresError) {
    let start = ContinuousClock.now
    while true {
      switch PQflush(handle.pointer) {
      case 0: return
      case 1:
        try wait(Int16(POLLIN | POLLOUT), since: start, operation)
        guard PQconsumeInput(handle.pointer) == 1 else { throw poisoned(handle.brokenError(operation)) }
      default: throw poisoned(handle.brokenError(operation))
      }
    }
  }

  /// The next result, or nil at the end of a statement's results.
  func nextResult(_ operation: String) throws(PostgresError) -> OpaquePointer? {
    let start = ContinuousClock.now
    while PQisBusy(handle.pointer) == 1 {
      try wait(Int16(POLLIN), since: start, operation)
      guard PQconsumeInput(handle.pointer) == 1 else { throw poisoned(handle.brokenError(operation)) }
    }
    return PQgetResult(handle.pointer)
  }

  /// Reads the results of a statement to their end, and throws the first error after the last result.
  func readResults(_ operation: String, _ body: (OpaquePointer) -> Void = { _ in }) throws(PostgresError) {
    var failure: PostgresError?
    while let result = try nextResult(operation) {
      defer { PQclear(result) }
      do {
        try check(result, operation)
        body(result)
      } catch {
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
  }

  /// Waits for the socket, and reports the progress of a wait that began at `start`.
  private func wait(_ events: Int16, since start: ContinuousClock.Instant, _ operation: String) throws(PostgresError) {
    let deadline = answerLimit.map { start + $0 }
    while true {
      let now = ContinuousClock.now
      progress?(operation, now - start)
      let look = now + progressInterval
      do {
        if try handle.waitForSocket(events, until: min(deadline ?? look, look), operation: operation) { return }
      } catch {
        throw poisoned(error)
      }
      guard let deadline, deadline <= .now else { continue }
      // An abandoned statement keeps running on the server, with locks that block the next attempt.
      handle.abandon()
      throw poison(.timeout, operation, "no answer from the server in time")
    }
  }

  func check(_ result: OpaquePointer?, _ operation: String) throws(PostgresError) {
    switch PQresultStatus(result) {
    case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY, PGRES_COPY_IN: return
    default:
      let error = PostgresError(result: result, operation: operation)
      if PQstatus(handle.pointer) == CONNECTION_BAD { isPoisoned = true }
      throw error
    }
  }

  func poisoned(_ error: PostgresError) -> PostgresError {
    isPoisoned = true
    return error
  }

  func poison(_ reason: PostgresError.Reason, _ operation: String, _ message: String) -> PostgresError {
    poisoned(PostgresError(reason, operation: operation, message))
  }
}

extension PostgresConnection {
  /// Runs `sql`, a `COPY ... FROM STDIN (FORMAT binary)`, and streams `rows` to it in order: the bytes of one or more
  /// `BinaryCopyRows`, or whole rows of them.
  ///
  /// The server reports a bad row only when it reads it: errors surface here after the last byte. The connection stays
  /// usable; the transaction does not.
  /// - Returns: the number of rows that the server stored.
  @discardableResult
  package func copyIn(
    _ sql: String, _ rows: [ArraySlice<UInt8>], operation: String = "copy"
  ) throws(PostgresError) -> Int {
    try send(operation) { PQsendQuery($0, sql) }
    let opening = try nextResult(operation)
    defer { PQclear(opening) }
    guard PQresultStatus(opening) == PGRES_COPY_IN else {
      var failure = PostgresError(.unexpected, operation: operation, "the statement is not a COPY FROM STDIN")
      do { try check(opening, operation) } catch { failure = error }
      while let rest = try nextResult(operation) { PQclear(rest) }
      throw failure
    }
    try put(BinaryCopyRows.header[...], operation)
    for part in rows { try put(part, operation) }
    try put(BinaryCopyRows.trailer[...], operation)
    guard PQputCopyEnd(handle.pointer, nil) == 1 else { throw lost(operation) }
    try flushOutput(operation)

    var count = 0
    try readResults(operation) { count = Int(String(cString: PQcmdTuples($0))) ?? 0 }
    return count
  }

  /// Sends bytes to libpq in pieces: libpq copies them into its own buffer, which would otherwise grow to the whole.
  private func put(_ bytes: ArraySlice<UInt8>, _ operation: String) throws(PostgresError) {
    let piece = 256 << 10
    var start = bytes.startIndex
    while start < bytes.endIndex {
      let end = min(start + piece, bytes.endIndex)
      let code = bytes[start..<end].withUnsafeBytes { raw in
        PQputCopyData(handle.pointer, raw.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(raw.count))
      }
      switch code {
      case 1: start = end
      case 0: break  // the buffer is full: flush it and try again
      default: throw lost(operation)
      }
      try flushOutput(operation)
    }
  }

  private func lost(_ operation: String) -> PostgresError { poisoned(handle.brokenError(operation)) }
}
