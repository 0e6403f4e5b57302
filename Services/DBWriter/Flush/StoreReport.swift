import Kafka
import Postgres

/// The work of the flushes since the last report.
package struct StoreReport: Sendable {
  /// Durable next offsets of the partitions that moved. Kafka's commit may follow.
  package var positions: [TopicPartition: Int64] = [:]
  /// Partitions whose offset another writer moved (to this; -1: the row is missing or new). Their rows were dropped
  /// unwritten. The caller starts them again if they are still assigned.
  package var fenced: [TopicPartition: Int64] = [:]
  /// Records with elements that the database refuses, at most one per partition. Earlier records are written; the
  /// partition was dropped. After a restart of the partition, the record's next `append` stages its valid elements and
  /// rejects it.
  package var refused: [RefusedRecord] = []
  /// Elements written, by target.
  package var staged: [String: Int] = [:]
  /// Rows inserted or moved, by table.
  package var written: [String: Int] = [:]
  /// Changes that materialized views show; 0 when the tables' contents are the same.
  package var changes: Int64 = 0

  mutating func add(_ outcome: FlushTransaction.Outcome, rows parts: [FlushPart]) {
    for part in parts where part.elements > 0 { staged[part.target.name, default: 0] += part.elements }
    written.merge(outcome.written, uniquingKeysWith: +)
    changes += outcome.changes
  }
}

/// A record with elements that the database refuses.
package struct RefusedRecord: Sendable {
  package let source: TopicPartition
  package let offset: Int64
  /// The refused staged elements, by number.
  package var elements: Set<Int>
  /// No part of the record can be written, not even its header.
  package var isWhole = false
  package let error: PostgresError
}
