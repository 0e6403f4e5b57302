import Kafka
import Postgres

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
