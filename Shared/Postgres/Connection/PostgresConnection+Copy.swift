import CPQ

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
