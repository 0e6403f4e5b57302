import Postgres

/// What flushes did since the last report.
package struct StoreReport: Sendable {
  /// Durable: the next offset of each partition that moved. Kafka's own commit may follow.
  package var positions: [SourcePartition: Int64] = [:]
  /// Somebody else moved the offset (to this; -1 for nowhere or gone): the partition's rows were dropped and nothing
  /// of them was written. Start it again if it is still assigned.
  package var fenced: [SourcePartition: Int64] = [:]
  /// Records of which the database refuses elements, at most one of each partition. All before it is written; the
  /// partition was dropped. Start it again and read on: the record's next `append` stages what the database takes
  /// of it and answers `rejected`.
  package var refused: [RefusedRecord] = []
  /// Elements written, by target.
  package var staged: [String: Int] = [:]
  /// Rows inserted or moved, by table.
  package var written: [String: Int] = [:]
  /// What of it materialized views can show; 0 when the tables say what they said before.
  package var changes: Int64 = 0

  package init() {}

  mutating func add(_ outcome: FlushTransaction.Outcome, rows parts: [FlushPart]) {
    for part in parts where part.elements > 0 { staged[part.target.name, default: 0] += part.elements }
    written.merge(outcome.written, uniquingKeysWith: +)
    changes += outcome.changes
  }
}

/// A record of which the database refuses elements.
package struct RefusedRecord: Sendable {
  package let source: SourcePartition
  package let offset: Int64
  /// Which of the record's staged elements, by their number.
  package var elements: Set<Int>
  /// Nothing of the record can be written, not even its header.
  package var isWhole = false
  package let error: PostgresError
}
