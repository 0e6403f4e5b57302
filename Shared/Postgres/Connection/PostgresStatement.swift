import CPQ

/// A parameter of a statement. The server infers its type from its position.
package enum PostgresValue: Sendable, Hashable {
  case null
  case text(String)
  case int(Int64)
  case bool(Bool)
  /// A one-dimensional array; write `$1::text[]`.
  case texts([String])
  /// A one-dimensional array; write `$1::bigint[]`.
  case ints([Int64])

  /// The text form of the wire, nil for NULL.
  var wireText: String? {
    switch self {
    case .null: nil
    case .text(let text): text
    case .int(let value): String(value)
    case .bool(let value): value ? "t" : "f"
    case .ints(let values): "{" + values.map(String.init).joined(separator: ",") + "}"
    case .texts(let texts): "{" + texts.map(Self.quoted).joined(separator: ",") + "}"
    }
  }

  /// An element of an array literal, always quoted, so that `NULL`, commas and blanks are literal.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for character in text.unicodeScalars {
      if character == "\"" || character == "\\" { result.append("\\") }
      result.unicodeScalars.append(character)
    }
    return result + "\""
  }
}

/// One statement with its parameters.
package struct PostgresStatement: Sendable {
  package var sql: String
  package var parameters: [PostgresValue]
  /// Names the statement in errors.
  package var operation: String

  package init(_ sql: String, _ parameters: [PostgresValue] = [], operation: String = "query") {
    self.sql = sql
    self.parameters = parameters
    self.operation = operation
  }

  func send(on connection: OpaquePointer) -> Int32 {
    withCStrings(parameters.map(\.wireText)) { values in
      PQsendQueryParams(connection, sql, Int32(parameters.count), nil, values, nil, nil, 0)
    }
  }
}

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
