import Postgres

/// What flushes did since the last report.
package struct StoreReport: Sendable {
  /// Durable: the next offset of each partition that moved. Kafka's own commit may follow.
  package var positions: [SourcePartition: Int64] = [:]
  /// Somebody else moved the offset (to this; -1 for nowhere or gone): the partition's rows were dropped and nothing
  /// of them was written. Start it again if it is still assigned.
  package var fenced: [SourcePartition: Int64] = [:]
  /// Records of which the database refuses rows, at most one of each partition. All before it is written; the
  /// partition was dropped. Start it again and read on: the record's next `append` stages what the database takes
  /// of it and answers `rejected`.
  package var refused: [RefusedRecord] = []
  package var rowsStaged = 0
  package var pricesWritten = 0
  package var changesNoted = 0
  package var productsWritten = 0

  package init() {}

  mutating func add(_ outcome: FlushTransaction.Outcome, rows parts: [FlushPart]) {
    rowsStaged += parts.reduce(0) { $0 + $1.rowCount }
    pricesWritten += outcome.pricesWritten
    changesNoted += outcome.changesNoted
    productsWritten += outcome.productsWritten
  }
}

/// A record of which the database refuses rows.
package struct RefusedRecord: Sendable {
  package let source: SourcePartition
  package let offset: Int64
  /// Which of the record's staged rows, by their number.
  package let rows: Set<Int>
  /// Rows of the same record that will be written.
  package let kept: Int
  package let error: PostgresError

  /// For the dead letter's headers.
  package var rejection: StageRejection {
    StageRejection(
      code: error.code,
      message: "\(rows.count) of \(rows.count + kept) rows refused by the database, the others are written: \(error)",
      kept: kept, refused: rows.count)
  }
}
