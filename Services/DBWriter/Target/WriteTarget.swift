import Schemas

/// What becomes of the messages of one topic, or of several with the same messages: the staging tables they are decoded
/// into, and the SQL that merges those into the tables people read.
///
/// Everything else (offsets, flushes, the search for a culprit, dead letters, metrics) is the same for all targets
/// and knows nothing about any: a new topic is a folder with one of these and a row in `WriteTargets.all`.
package protocol WriteTarget: Sendable {
  /// What `--tables` calls it.
  var name: String { get }
  /// All of one schema; whoever writes the table reads all of them.
  var topics: [Topic] { get }
  /// Filled by `makeReader`'s reader, in this order.
  var staging: [StagingTable] { get }
  /// Tables that only `merge` uses.
  var scratch: [StagingTable] { get }
  /// The message's array whose elements are accepted or refused one by one; nil where a message is one element.
  var elements: String? { get }
  func makeReader() -> any TargetReader
  /// Run in this order, in the transaction that staged the rows. Texts without parameters.
  ///
  /// The effect must be that of every message written alone in the order of its arrival (`batch`), and void for a
  /// message that was written before. Rows that other partitions' writers may touch too are locked in key order.
  func merge(_ dialect: Dialect) -> [MergeStatement]
}

extension WriteTarget {
  package var scratch: [StagingTable] { [] }
  package var elements: String? { nil }
}

/// Reads messages into rows. Reused for many messages, by one task at a time.
package protocol TargetReader: AnyObject {
  /// - Throws: why the message as a whole cannot be stored; what was put into `rows` is then taken back.
  func read(_ value: RawSpan, into rows: inout MessageRows) throws(DecodingFailure)
}

/// One statement of a merge. It answers one row of counts, or, without `counts`, nothing that matters.
package struct MergeStatement: Sendable {
  /// What a column of the answer counts.
  package struct Count: Sendable {
    /// The table whose rows were inserted or moved; nil when they are counted elsewhere.
    var table: String?
    /// Whether materialized views may be out of date by it.
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
}
