import Core
import CPQ

/// An error of PostgreSQL or of the connection to it.
///
/// `description` holds neither row values nor the password: DETAIL and CONTEXT, which quote rows, are never read, and
/// the primary message is replaced where it may quote a value.
package struct PostgresError: ClassifiedError {
  package enum Reason: Hashable, Sendable {
    /// The server answered with an error.
    case server(SQLState)
    /// The socket broke or was refused, or the name did not resolve.
    case connection
    /// No answer before the deadline; the connection is given up, because its state is unknown.
    case timeout
    /// This connection failed earlier; its owner opens another one.
    case poisoned
    /// An unexpected answer, or a value that cannot be read.
    case unexpected
    /// The settings cannot work with any server.
    case settings
  }

  package let reason: Reason
  /// The operation that failed: `connect`, `copy`, `merge prices`.
  package let operation: String
  package let message: String
  /// Names from the catalogue (never values) that the server attached: table, column, constraint, data type.
  package var subject: [String: String] = [:]

  package init(_ reason: Reason, operation: String, _ message: String) {
    self.reason = reason
    self.operation = operation
    self.message = message
  }

  package var sqlState: SQLState? {
    if case .server(let state) = reason { state } else { nil }
  }

  package var errorClass: ErrorClass {
    switch reason {
    case .server(let state): state.errorClass
    case .connection, .timeout, .poisoned: .transient
    case .settings: .configuration
    case .unexpected: .fatal
    }
  }

  package var code: String {
    switch reason {
    case .server(let state): "postgres_\(state.code.lowercased())"
    case .connection: "postgres_connection"
    case .timeout: "postgres_timeout"
    case .poisoned: "postgres_connection_given_up"
    case .unexpected: "postgres_unexpected"
    case .settings: "postgres_settings"
    }
  }

  package var description: String {
    var text = "PostgreSQL, \(operation): \(message)"
    for key in subject.keys.sorted() { text += ", \(key) \(subject[key] ?? "")" }
    return text + " [\(sqlState?.code ?? code)]"
  }

  /// True when the outcome of the last statement is unknown, so that a COMMIT may have happened.
  package var leavesOutcomeUnknown: Bool {
    switch reason {
    case .connection, .timeout, .poisoned: true
    case .server(let state): state.code == "40003" || state.family == "08" || state.code.hasPrefix("57P")
    case .unexpected, .settings: false
    }
  }
}

extension PostgresError {
  /// Reads an error result, which the caller still clears.
  init(result: OpaquePointer?, operation: String) {
    func field(_ name: Character) -> String? {
      PQresultErrorField(result, Int32(name.asciiValue ?? 0)).map { String(cString: $0) }
    }
    guard let state = field("C").flatMap({ SQLState($0) }) else {
      let text = PQresultErrorMessage(result).map { String(cString: $0) } ?? ""
      self.init(.connection, operation: operation, Self.firstLine(text, or: "the connection ended"))
      return
    }
    let message = state.mayQuoteValues ? state.title : Self.firstLine(field("M") ?? "", or: state.title)
    self.init(.server(state), operation: operation, message)
    for (name, key) in [("t", "table"), ("c", "column"), ("n", "constraint"), ("d", "type")] as [(Character, String)] {
      if let value = field(name) { subject[key] = value }
    }
  }

  static func firstLine(_ text: String, or fallback: String) -> String {
    let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    return line.isEmpty ? fallback : line
  }
}
