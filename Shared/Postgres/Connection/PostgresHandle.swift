import Core
import CPQ

import Glibc

/// The only owner of a `PGconn`, which it closes when the last reference goes.
///
/// Not thread-safe: only `PostgresConnection` calls it, on that actor's thread. `@unchecked` because the last release
/// may happen on another thread, when no other reference exists.
final class PostgresHandle: @unchecked Sendable {
  let pointer: OpaquePointer

  private init(_ pointer: OpaquePointer) { self.pointer = pointer }

  deinit {
    PQfreeCancel(canceller)
    PQfinish(pointer)
  }

  /// libpq's copy of what a cancel request needs; usable from any thread.
  private var canceller: OpaquePointer?

  /// Cancels from a thread of its own, for as long as that takes; the connection stays open until then.
  func abandon() { _ = tryStartThread(named: "postgres-cancel") { self.cancel() } }

  func cancel() {
    guard let canceller else { return }
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { text in
      _ = PQcancel(canceller, text.baseAddress, Int32(text.count))
    }
  }

  /// Blocks until connected, refused or out of time.
  static func open(_ configuration: PostgresConfiguration) throws(PostgresError) -> PostgresHandle {
    let parameters = try configuration.parameters()
    guard let pointer = withCStrings(parameters.map(\.0), { keys in
      withCStrings(parameters.map(\.1)) { values in PQconnectStartParams(keys, values, 0) }
    }) else { throw PostgresError(.connection, operation: "connect", "out of memory") }
    let handle = PostgresHandle(pointer)
    // libpq does not expose the SQLSTATE of a refused connection, but prints it when verbose.
    PQsetErrorVerbosity(pointer, PQERRORS_VERBOSE)
    PQsetNoticeProcessor(pointer, { _, _ in }, nil)
    let deadline = ContinuousClock.now + configuration.connectTimeout
    var events = Int16(POLLOUT)
    while true {
      if PQstatus(pointer) == CONNECTION_BAD { throw handle.connectError() }
      guard try handle.waitForSocket(events, until: deadline, operation: "connect") else {
        throw PostgresError(.timeout, operation: "connect", "no answer from the server in time")
      }
      switch PQconnectPoll(pointer) {
      case PGRES_POLLING_READING: events = Int16(POLLIN)
      case PGRES_POLLING_WRITING: events = Int16(POLLOUT)
      case PGRES_POLLING_OK:
        PQsetErrorVerbosity(pointer, PQERRORS_DEFAULT)
        handle.canceller = PQgetCancel(pointer)
        guard PQsetnonblocking(pointer, 1) == 0 else { throw handle.brokenError("connect") }
        return handle
      default: throw handle.connectError()
      }
    }
  }

  /// Waits with `poll(2)` for one of `events`.
  /// - Returns: false when none came before the deadline.
  func waitForSocket(
    _ events: Int16, until deadline: ContinuousClock.Instant, operation: String
  ) throws(PostgresError) -> Bool {
    var descriptor = pollfd(fd: PQsocket(pointer), events: events, revents: 0)
    guard descriptor.fd >= 0 else { throw brokenError(operation) }
    while true {
      let left = (deadline - .now).milliseconds
      guard left > 0 else { return false }
      let ready = poll(&descriptor, 1, Int32(clamping: left))
      if ready > 0 { return true }
      if ready < 0 && errno != EINTR { throw brokenError(operation) }
    }
  }

  func brokenError(_ operation: String) -> PostgresError {
    let text = PQerrorMessage(pointer).map { String(cString: $0) } ?? ""
    return PostgresError(
      .connection, operation: operation, PostgresError.firstLine(text, or: "the connection to the server is gone"))
  }

  /// Reads the SQLSTATE from `FATAL:  28P01: ...`. Without one the failure is the network's, except for a missing
  /// password, which is a configuration error.
  private func connectError() -> PostgresError {
    let text = PQerrorMessage(pointer).map { String(cString: $0) } ?? ""
    let line = PostgresError.firstLine(text, or: "connection refused")
    let pieces = line.split(separator: ": ", omittingEmptySubsequences: true)
    for (index, piece) in pieces.enumerated() {
      let word = piece.drop { $0 == " " }
      // Every code has a digit; `FATAL` and `PANIC` have five capitals too.
      guard index > 0, let state = SQLState(word), word.contains(where: \.isNumber) else { continue }
      let sentence = pieces[(index + 1)...].joined(separator: ": ")
      return PostgresError(.server(state), operation: "connect", sentence.isEmpty ? state.title : sentence)
    }
    if PQconnectionNeedsPassword(pointer) != 0 {
      return PostgresError(.settings, operation: "connect", "the server wants a password and none was given")
    }
    return PostgresError(.connection, operation: "connect", line)
  }
}

/// Passes an array of C strings, in which nil is NULL, to `body`; one more NULL ends it.
func withCStrings<Result>(_ strings: [String?], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result) -> Result {
  let copies = strings.map { $0.flatMap { strdup($0) } }
  defer { for copy in copies { free(copy) } }
  var pointers = copies.map { UnsafePointer($0) }
  pointers.append(nil)
  return body(pointers)
}
