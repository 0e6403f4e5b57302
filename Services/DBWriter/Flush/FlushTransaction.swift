import Core
import Kafka
import Postgres

/// The part of one partition in one transaction.
struct FlushPart: Sendable {
  let source: TopicPartition
  /// `next_offset` as this writer left it; another value in the table means that another writer took over.
  let expected: Int64
  /// `next_offset` after the transaction.
  let next: Int64
  let target: WriteTarget
  /// Rows for each staging table of the target, in COPY's wire form; empty when only the offset moves.
  var tables: [ArraySlice<UInt8>] = []
  var elements = 0

  var hasRows: Bool { tables.contains { !$0.isEmpty } }
}

/// One flush: fences, stages, merges and moves the offsets in one transaction.
struct FlushTransaction: Sendable {
  let scope: OffsetScope
  let staging: StagingArea
  /// In the order of their partitions.
  let parts: [FlushPart]
  /// Rolls back instead of committing, to find refused rows.
  var isTrial = false

  struct Outcome: Sendable {
    /// Partitions with another offset than expected, and the table's offset (nil: the row is missing). Their rows were
    /// not written.
    var fenced: [TopicPartition: Int64?] = [:]
    /// Rows inserted or moved, by table.
    var written: [String: Int] = [:]
    /// Changes that materialized views show.
    var changes: Int64 = 0
  }

  /// - Throws: `PostgresError`; no row was written, except that after an error of `commit` with `leavesOutcomeUnknown`
  ///   all may have been.
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
    for target in staging.targets {
      let parts = held.filter { $0.target.name == target.name && $0.hasRows }
      if !parts.isEmpty { try write(parts, of: target, on: connection, &outcome) }
    }
    // The rows are locked and compared, so fewer would be a defect of this code: stops without writing.
    guard try connection.pipeline([OffsetSQL.advance(held, scope, changes: outcome.changes)])[0].affected == held.count
    else {
      throw PostgresError(.unexpected, operation: "advance offsets", "the offsets moved although they were locked")
    }
    if isTrial { connection.rollback() } else { try connection.commit() }
    return outcome
  }

  /// Stages the rows of one target and merges them.
  private func write(
    _ parts: [FlushPart], of target: WriteTarget, on connection: isolated PostgresConnection,
    _ outcome: inout Outcome
  ) throws {
    for (index, table) in target.staging.enumerated() {
      let rows = parts.map { $0.tables[index] }.filter { !$0.isEmpty }
      if !rows.isEmpty { try connection.copyIn(table.copy, rows, operation: "stage \(table.name)") }
    }
    let merge = target.merge(staging.dialect)
    let answers = try connection.pipeline(
      merge.map { PostgresStatement($0.sql, operation: $0.operation) } + staging.emptyAfterwards(target))
    for (statement, answer) in zip(merge, answers) {
      guard let row = answer.rows.first else { continue }
      for (column, count) in statement.counts.enumerated() {
        let value = try row.int(column) ?? 0
        if let table = count.table { outcome.written[table, default: 0] += Int(value) }
        if count.isChange { outcome.changes += value }
      }
    }
  }
}

/// Finds what the database refuses of things that fail together: attempts all, and where an attempt fails its halves,
/// in order. With n things and one refused it takes about 2 log2(n) attempts.
///
/// - Parameters:
///   - attempt: throws when something in the range is refused.
///   - isOver: called with each one that is refused alone; true ends the search.
func bisect(
  _ count: Int, attempt: (Range<Int>) async throws -> Void,
  isOver: (_ refused: Int, PostgresError) async throws -> Bool
) async throws {
  var open = [0..<count]
  while let range = open.popLast(), !range.isEmpty {
    do {
      try await attempt(range)
    } catch let error as PostgresError where error.errorClass == .data {
      if range.count == 1 {
        if try await isOver(range.lowerBound, error) { return }
      } else {
        let middle = range.lowerBound + range.count / 2
        open += [middle..<range.upperBound, range.lowerBound..<middle]
      }
    }
  }
}

/// Statements on `kafka_offsets`. `$1` and `$2` are the cluster's id and the group.
enum OffsetSQL {
  private static let select = """
    SELECT topic, partition, next_offset FROM kafka_offsets
    WHERE cluster_id = $1 AND consumer_group = $2
      AND (topic, partition) IN (SELECT * FROM unnest($3::text[], $4::int[]))
    """

  /// Gives every partition a row to compare with, and reads the offsets.
  static func register(_ partitions: [TopicPartition], _ scope: OffsetScope) -> [PostgresStatement] {
    [
      PostgresStatement("""
        INSERT INTO kafka_offsets (cluster_id, consumer_group, topic, partition, next_offset)
        SELECT $1, $2, topic, partition, -1 FROM unnest($3::text[], $4::int[]) AS given (topic, partition)
        ORDER BY topic COLLATE "C", partition
        ON CONFLICT DO NOTHING
        """, scope.parameters + parameters(partitions), operation: "register partitions"),
      PostgresStatement(select, scope.parameters + parameters(partitions), operation: "read offsets"),
    ]
  }

  /// Locks the rows, in order, and reads them: the fence. A second writer waits here, and then finds another offset
  /// than it expects.
  static func lock(_ partitions: [TopicPartition], _ scope: OffsetScope) -> PostgresStatement {
    PostgresStatement("""
      \(select)
      ORDER BY topic, partition
      FOR UPDATE
      """, scope.parameters + parameters(partitions), operation: "lock offsets")
  }

  /// Moves each offset from the expected to the next one; affects fewer rows when one differs.
  ///
  /// - Parameter changes: added to each row. Their sum shows whether views have changed, without a row that all writers
  ///   would contend for.
  static func advance(_ parts: [FlushPart], _ scope: OffsetScope, changes: Int64) -> PostgresStatement {
    PostgresStatement("""
      UPDATE kafka_offsets AS o SET next_offset = given.next_offset, changes = o.changes + $7
      FROM unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[]) AS given (topic, partition, expected, next_offset)
      WHERE o.cluster_id = $1 AND o.consumer_group = $2 AND o.topic = given.topic AND o.partition = given.partition
        AND o.next_offset = given.expected
      """, scope.parameters + parameters(parts.map(\.source)) + [
        .ints(parts.map(\.expected)), .ints(parts.map(\.next)), .int(changes),
      ], operation: "advance offsets")
  }

  static func read(_ answer: PostgresResult) throws(PostgresError) -> [TopicPartition: Int64] {
    var offsets: [TopicPartition: Int64] = [:]
    for row in answer.rows {
      guard let topic = row[0], let partition = try row.int(1), let next = try row.int(2) else { continue }
      offsets[TopicPartition(topic, Int32(truncatingIfNeeded: partition))] = next
    }
    return offsets
  }

  private static func parameters(_ partitions: [TopicPartition]) -> [PostgresValue] {
    [.texts(partitions.map(\.topic)), .ints(partitions.map { Int64($0.partition) })]
  }
}

/// The owner of offsets. The cluster's id is part of it, because a recreated cluster counts from zero again.
package struct OffsetScope: Sendable {
  let clusterID: String
  let consumerGroup: String

  package init(clusterID: String, consumerGroup: String) {
    self.clusterID = clusterID
    self.consumerGroup = consumerGroup
  }

  fileprivate var parameters: [PostgresValue] { [.text(clusterID), .text(consumerGroup)] }
}
