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
