import CPQ
import Runtime

extension PostgresConnection {
  /// Runs `sql`, a `COPY ... FROM STDIN (FORMAT binary)`, and streams `rows` to it, in order: the bytes of one or
  /// more `BinaryCopyRows`, or whole rows out of them.
  ///
  /// The server reports a bad row only when it gets to it: errors surface here after the last byte, and the
  /// connection stays usable (the transaction does not).
  /// - Returns: how many rows the server took.
  @discardableResult
  package func copyIn(
    _ sql: String, _ rows: [ArraySlice<UInt8>], operation: String = "copy"
  ) throws(PostgresError) -> Int {
    try send(operation) { PQsendQuery($0, sql) }
    let opening = try nextResult(operation)
    let status = PQresultStatus(opening)
    if status != PGRES_COPY_IN {
      var failure = PostgresError(.unexpected, operation: operation, "the statement is not a COPY FROM STDIN")
      do { try check(opening, operation) } catch { failure = error }
      PQclear(opening)
      try drain(operation)
      throw failure
    }
    PQclear(opening)
    try put(BinaryCopyRows.header[...], operation)
    for part in rows { try put(part, operation) }
    try put(BinaryCopyRows.trailer[...], operation)
    guard withHandle({ PQputCopyEnd($0, nil) }) == 1 else { throw lost(operation) }
    try flushOutput(operation)

    var count = 0
    var failure: PostgresError?
    while let result = try nextResult(operation) {
      defer { PQclear(result) }
      do {
        try check(result, operation)
        count = Int(String(cString: PQcmdTuples(result))) ?? 0
      } catch {
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
    return count
  }

  /// Hands bytes to libpq in pieces: it copies each into its own buffer, which would otherwise grow to the whole.
  private func put(_ bytes: ArraySlice<UInt8>, _ operation: String) throws(PostgresError) {
    let piece = 256 << 10
    var start = bytes.startIndex
    while start < bytes.endIndex {
      let end = min(start + piece, bytes.endIndex)
      let code = bytes[start..<end].withUnsafeBytes { raw in
        withHandle { PQputCopyData($0, raw.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(raw.count)) }
      }
      switch code {
      case 1: start = end
      case 0: break  // no room: send what is there, then again
      default: throw lost(operation)
      }
      try flushOutput(operation)
    }
  }

  private func drain(_ operation: String) throws(PostgresError) {
    while let result = try nextResult(operation) { PQclear(result) }
  }

  private func lost(_ operation: String) -> PostgresError {
    poison(.connection, operation, withHandle { handle in
      PostgresError.firstLine(PQerrorMessage(handle).map { String(cString: $0) } ?? "", or: "the connection is gone")
    })
  }
}
