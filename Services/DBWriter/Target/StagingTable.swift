/// A table that lives for one transaction: filled by COPY, read by the merge, empty afterwards.
package struct StagingTable: Sendable {
  /// How rows belong to the elements of a message. Every row begins with `batch`, the message's number.
  package enum Role: Sendable {
    /// At most one row a message; stays when elements are refused.
    case header
    /// One row an element.
    case element
    /// Any number of rows an element. Its own and the element's second column hold the element's number.
    case part
  }

  package let name: String
  package let role: Role
  /// Definitions, in the order of COPY's fields: `ean text COLLATE "C" NOT NULL`.
  package let columns: [String]

  init(_ name: String, _ role: Role, _ columns: [String]) {
    self.name = name
    self.role = role
    self.columns = columns
  }

  /// Name and columns, as they follow `CREATE TABLE`.
  var definition: String { "\(name) (\n  \(columns.joined(separator: ",\n  "))\n)" }

  package var copy: String { "COPY \(name) FROM STDIN (FORMAT binary)" }
}
