import Catalogue
import Core
import Messages

/// How messages of one topic, or of several with the same schema, are written: the staging tables for the decoded rows,
/// and the SQL that merges them into the tables.
///
/// Everything else (offsets, flushes, bisection, dead letters, metrics) is common to all targets: a new topic is a file
/// with a target and a row in `WriteTargets.all`.
package struct WriteTarget: Sendable {
  /// Reads a message into rows. Reused for many messages, by one task at a time.
  ///
  /// It throws the reason why the whole message cannot be stored; the caller then discards its rows.
  package typealias Reader = (RawSpan, inout MessageRows) throws(DecodingFailure) -> Void

  /// The name for `--tables`.
  package let name: String
  /// Topics of one schema; a writer of the table reads all of them.
  package let topics: [Topic]
  /// The message's array whose elements are accepted or refused separately; nil when a message is one element.
  package var elements: String?
  /// Filled by the reader, in this order.
  package let staging: [StagingTable]
  /// Temporary tables for `merge`.
  package var scratch: [StagingTable] = []
  /// Statements without parameters, run in this order in the transaction that staged the rows.
  ///
  /// The effect equals that of every message written alone in the order of arrival (`batch`); a message that was
  /// written before has none. Rows that writers of other partitions may change too are locked in key order.
  let merge: [MergeStatement]
  /// Runs before ``merge``, where the dialect has what it needs.
  var prelude: MergeStatement?
  package let makeReader: @Sendable () -> Reader

  package func merge(_ dialect: Dialect) -> [MergeStatement] {
    (dialect == .postgresql ? prelude.map { [$0] } ?? [] : []) + merge
  }
}

/// One statement of a merge. Its result is one row of counts; without `counts` it is ignored.
package struct MergeStatement: Sendable {
  /// The meaning of a column of the result.
  package struct Count: Sendable {
    /// The table of the inserted or moved rows; nil when another column counts them.
    var table: String?
    /// Whether the rows can change materialized views.
    var isChange: Bool

    static func rows(of table: String, areChanges: Bool = false) -> Count { Count(table: table, isChange: areChanges) }
    static let changes = Count(table: nil, isChange: true)
  }

  /// For errors: `merge prices`.
  package let operation: String
  package let sql: String
  let counts: [Count]

  init(_ operation: String, _ counts: Count..., sql: String) {
    self.operation = operation
    self.counts = counts
    self.sql = sql
  }

  /// An `INSERT` into `table` whose rows are counted.
  init(_ operation: String, into table: String, _ insert: String) {
    self.init(operation, .rows(of: table), sql: """
      WITH written AS (
      \(insert)
      RETURNING 1
      )
      SELECT count(*) FROM written
      """)
  }
}

/// A table for one transaction: filled by COPY, read by the merge, empty afterwards.
package struct StagingTable: Sendable {
  /// The relation of rows to the elements of a message. Every row begins with `batch`, the message's number.
  package enum Role: Sendable {
    /// At most one row per message; stays when elements are refused.
    case header
    /// One row per element.
    case element
    /// Any number of rows per element. Its second column, like the element's, is the element's number.
    case part
  }

  package let name: String
  package let role: Role
  /// Definitions, in the order of COPY's fields: `ean text COLLATE "C" NOT NULL`.
  package let columns: [String]
  /// The columns' names, without those that number messages and elements.
  var names: [String] {
    columns.map { String($0.prefix { $0 != " " }) }.filter { $0 != "batch" && $0 != "number" }
  }

  init(_ name: String, _ role: Role, _ columns: [String]) {
    self.name = name
    self.role = role
    self.columns = columns
  }

  /// Name and columns, as they follow `CREATE TABLE`.
  var definition: String { "\(name) (\n  \(columns.joined(separator: ",\n  "))\n)" }

  package var copy: String { "COPY \(name) FROM STDIN (FORMAT binary)" }
}

extension Sequence<String> {
  /// The columns for a list in SQL: `ean, price`, or of a row `r.ean, r.price`.
  func listed(of row: String? = nil) -> String { map { (row.map { "\($0)." } ?? "") + $0 }.joined(separator: ", ") }

  /// The assignments of an upsert that takes over the new values: `price = EXCLUDED.price`.
  var takenOver: String { map { "\($0) = EXCLUDED.\($0)" }.joined(separator: ", ") }
}

/// All targets, in the order of their merges within a transaction: `products`, which writers of different partitions
/// share, comes last and so is locked for the shortest time.
package enum WriteTargets {
  package static let all: [WriteTarget] = [
    .stores, .files, .masters, .decisions, .observations, .predictions, .promotions, .prices,
  ]

  /// - Parameter names: separated by commas; names of targets or of their topics.
  /// - Throws: `configuration` for an unknown name.
  package static func named(_ names: String) throws(Failure) -> [WriteTarget] {
    let wanted = names.split { $0 == "," || $0 == " " }.map(String.init)
    for name in wanted where !all.contains(where: { $0.isCalled(name) }) {
      throw Failure(
        .configuration, code: "unknown_table",
        "--tables: there is no \(name); choose from \(all.map(\.name).joined(separator: ", "))")
    }
    let chosen = all.filter { wanted.contains(where: $0.isCalled) }
    guard !chosen.isEmpty else { throw Failure(.configuration, code: "no_tables", "--tables names nothing to write") }
    return chosen
  }
}

extension WriteTarget {
  fileprivate func isCalled(_ name: String) -> Bool { self.name == name || topics.contains { $0.name == name } }
}
