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

/// A five-character SQLSTATE and its error class.
///
/// A code that is not in the table is `fatal`: retrying an unknown code for ever, or dropping the record, would lose
/// data. Codes: PostgreSQL documentation, appendix A.
package struct SQLState: Hashable, Sendable, CustomStringConvertible {
  package let code: String

  /// - Returns: nil unless `code` is five ASCII digits or upper-case letters.
  package init?(_ code: some StringProtocol) {
    guard code.utf8.count == 5, code.utf8.allSatisfy(Self.isCodeByte) else { return nil }
    self.code = String(code)
  }

  static func isCodeByte(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) }

  package var description: String { code }

  /// The first two characters: the class all codes of a family share.
  package var family: Substring { code.prefix(2) }

  package var errorClass: ErrorClass {
    Self.exact[code] ?? Self.families[String(family)] ?? .fatal
  }

  /// True when the server's message may quote the record, as those about data do (`invalid input syntax for type
  /// numeric: "..."`) and those of triggers and extensions may: then only our own text is shown.
  package var mayQuoteValues: Bool { errorClass == .data || !Self.quotingNames.contains(String(family)) }

  /// Families whose messages are the server's own and quote at most names of the catalogue.
  private static let quotingNames: Set = [
    "08", "0A", "25", "26", "28", "3D", "3F", "40", "42", "53", "55", "57", "58",
  ]

  /// Families whose members share one class.
  private static let families: [String: ErrorClass] = [
    "08": .transient,  // connection exceptions
    "53": .transient,  // out of disk, memory or connections: never the record's fault
    "57": .transient,  // cancelled, shutting down, starting up
    "58": .transient,  // I/O errors of the server's own files
    "22": .data,  // a value does not fit its type
    "23": .data,  // a constraint refuses the row
    "28": .configuration,  // wrong role or password
    "3D": .configuration,  // no such database
    "3F": .configuration,  // no such schema
    "0A": .configuration,  // the server is too old for what we ask
  ]

  /// Members that differ from their family, or whose family has no class.
  private static let exact: [String: ErrorClass] = [
    "08P01": .fatal,  // protocol violation, ours or of a proxy in between
    "40001": .transient,  // serialization failure: the same work succeeds next time
    "40P01": .transient,  // deadlock: likewise
    "40003": .transient,  // completion unknown: the offsets in the transaction tell whether it happened
    "25006": .transient,  // read-only: connected to a standby during a fail-over
    "25P03": .transient,  // the server ended an idle transaction
    "55006": .transient,  // object in use
    "55P03": .transient,  // lock not available in time
    "53400": .configuration,  // a configured limit (temp_file_limit) is too small: only its owner can raise it
    "57P04": .configuration,  // the database was dropped
    "42501": .configuration,  // missing GRANT
    "42P01": .configuration,  // undefined table: migrations were not run
    "42703": .configuration,  // undefined column: likewise, or a view changed by hand
    "42704": .configuration,  // undefined object (type, collation, role)
    "42883": .configuration,  // undefined function: extension or migration missing
    "26000": .configuration,  // prepared statement vanished: a transaction-mode pooler sits in between
    "55P02": .configuration,  // a server setting cannot be changed by this role
    "54000": .data,  // index row too large: the record's text is too long
    "54023": .fatal,
    "58P01": .fatal,  // the server misses one of its own files: retrying cannot bring it back
    "XX001": .fatal,  // data corrupted
    "XX002": .fatal,  // index corrupted
  ]

  /// Our own text for codes whose server message is withheld or missing.
  package var title: String {
    Self.titles[code] ?? Self.familyTitles[String(family)] ?? "the server refused"
  }

  private static let titles: [String: String] = [
    "22001": "text is too long for its column",
    "22003": "number is out of range",
    "22007": "date or time is malformed",
    "22008": "date or time is out of range",
    "22021": "text is not valid in the database encoding",
    "22P02": "text does not parse as its type",
    "22P03": "binary value does not parse as its type",
    "22P04": "COPY data is malformed",
    "23502": "a required value is missing",
    "23503": "a foreign key has no target",
    "23505": "the key exists already",
    "23514": "a check constraint refuses the row",
    "28000": "the role may not connect",
    "28P01": "password authentication failed",
    "3D000": "the database does not exist",
    "42501": "permission denied",
    "53300": "too many connections",
    "57P03": "the server is starting up or recovering",
  ]
  private static let familyTitles: [String: String] = [
    "08": "the connection failed", "22": "a value does not fit its type", "23": "a constraint refuses the row",
    "28": "authentication failed", "40": "the transaction was rolled back by the server",
    "53": "the server is out of resources", "57": "an operator intervened", "58": "the server had an I/O error",
  ]
}
