import Postgres

/// One flush: fence, stage, merge and move the offsets, all or nothing.
struct FlushTransaction: Sendable {
  let scope: OffsetScope
  /// In the order of their partitions.
  let parts: [FlushPart]
  /// Tries everything and rolls back: to find out which row the database refuses.
  var isTrial = false

  struct Outcome: Sendable {
    /// Partitions whose offset was not the expected one, and the table's offset (nil: the row is gone). Nothing of
    /// theirs was written.
    var fenced: [SourcePartition: Int64?] = [:]
    var pricesWritten = 0
    var changesNoted = 0
    var productsWritten = 0
  }

  /// - Throws: `PostgresError`; nothing was written, except that after an error of `commit` with
  ///   `leavesOutcomeUnknown` all of it may have been.
  func run(on connection: isolated PostgresConnection) throws -> Outcome {
    do {
      return try attempt(on: connection)
    } catch {
      connection.rollback()
      throw error
    }
  }

  private func attempt(on connection: isolated PostgresConnection) throws -> Outcome {
    let locked = try connection.pipeline([
      PostgresStatement("BEGIN", operation: "begin"), OffsetSQL.lock(parts.map(\.source), scope),
    ])
    let offsets = try OffsetSQL.read(locked[1])
    var outcome = Outcome()
    var held: [FlushPart] = []
    for part in parts {
      if offsets[part.source] == part.expected {
        held.append(part)
      } else {
        outcome.fenced.updateValue(offsets[part.source], forKey: part.source)
      }
    }
    guard !held.isEmpty else {
      connection.rollback()
      return outcome
    }
    if held.contains(where: { !$0.rows.isEmpty }) {
      try connection.copyIn(StagingSQL.copyBatches, held.map(\.batches), operation: "stage batches")
      try connection.copyIn(StagingSQL.copyRows, held.map(\.rows), operation: "stage rows")
      let merged = try connection.pipeline([
        PostgresStatement(StagingSQL.mergePrices, operation: "merge prices"),
        PostgresStatement(StagingSQL.mergeProducts, operation: "merge products"),
        OffsetSQL.advance(held, scope),
      ])
      outcome.pricesWritten = Int(try merged[0].rows.first?.int(0) ?? 0)
      outcome.changesNoted = Int(try merged[0].rows.first?.int(1) ?? 0)
      outcome.productsWritten = merged[1].affected
      try requireAdvanced(merged[2], held)
    } else {
      try requireAdvanced(try connection.pipeline([OffsetSQL.advance(held, scope)])[0], held)
    }
    if isTrial { connection.rollback() } else { try connection.commit() }
    return outcome
  }

  /// The rows are locked and were compared, so fewer can only mean that this code is wrong: stop, write nothing.
  private func requireAdvanced(_ answer: PostgresResult, _ held: [FlushPart]) throws(PostgresError) {
    guard answer.affected == held.count else {
      throw PostgresError(.unexpected, operation: "advance offsets", "the offsets moved although they were locked")
    }
  }
}
