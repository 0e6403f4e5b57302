import CPQ

/// The result of one statement, copied out of libpq; cells in PostgreSQL's text form.
package struct PostgresResult: Sendable {
  package let columns: [String]
  package let rows: [PostgresRow]
  /// Number of rows that an INSERT, UPDATE, DELETE, COPY or SELECT affected.
  package let affected: Int
  /// The command tag: `INSERT 0 5`, `COMMIT`.
  package let tag: String

  init(copying result: OpaquePointer?) {
    let width = PQnfields(result)
    columns = (0..<width).map { String(cString: PQfname(result, $0)) }
    rows = (0..<PQntuples(result)).map { row in
      PostgresRow(cells: (0..<width).map { column in
        PQgetisnull(result, row, column) == 1 ? nil : String(cString: PQgetvalue(result, row, column))
      })
    }
    affected = Int(String(cString: PQcmdTuples(result))) ?? 0
    tag = String(cString: PQcmdStatus(result))
  }
}

package struct PostgresRow: Sendable, Hashable {
  package let cells: [String?]

  /// The cell's text; nil for NULL.
  package subscript(_ column: Int) -> String? { cells[column] }

  /// The cell as a 64-bit integer; nil for NULL.
  ///
  /// - Throws: when the column holds something else, which only a changed schema can cause.
  package func int(_ column: Int) throws(PostgresError) -> Int64? {
    guard let text = cells[column] else { return nil }
    guard let value = Int64(text) else {
      throw PostgresError(.unexpected, operation: "read a result", "column \(column) does not hold an integer")
    }
    return value
  }
}
