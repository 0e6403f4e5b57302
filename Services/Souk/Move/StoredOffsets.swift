import Core
import Kafka
import Postgres

/// The offsets that db-writer keeps beside its rows, in `kafka_offsets`.
struct StoredOffsets: Sendable {
  private let connection: PostgresConnection
  private let scope: [PostgresValue]

  /// - Throws: `PostgresError`; `Failure` of class configuration without the table.
  init(_ url: String, _ clusterID: String, _ group: String) async throws {
    connection = try await PostgresConnection.open(PostgresConfiguration(url: url, applicationName: "souk"))
    scope = [.text(clusterID), .text(group)]
    let table = try await connection.execute(
      "SELECT to_regclass('kafka_offsets') IS NOT NULL", operation: "look for the offsets")
    guard table.rows.first?[0] == "t" else {
      throw Failure(
        .configuration, code: "no_offsets_table",
        "the database has no table kafka_offsets; is it db-writer's? `db-writer migrate` makes it")
    }
  }

  /// Partitions of which nothing is written are left out.
  func read() async throws -> [TopicPartition: Int64] {
    let answer = try await connection.execute("""
      SELECT topic, partition, next_offset FROM kafka_offsets
      WHERE cluster_id = $1 AND consumer_group = $2 AND next_offset >= 0
      """, scope, operation: "read offsets")
    var offsets: [TopicPartition: Int64] = [:]
    for row in answer.rows {
      guard let topic = row[0], let partition = try row.int(1), let next = try row.int(2) else { continue }
      offsets[TopicPartition(topic, Int32(truncatingIfNeeded: partition))] = next
    }
    return offsets
  }

  /// All of them or none: each has to be where the plan saw it.
  func move(_ moves: [RewindPlan.Move]) async throws {
    let answer = try await connection.execute("""
      WITH given AS (
        SELECT * FROM unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[])
          AS g (topic, partition, expected, target)
      ), held AS (
        SELECT o.topic, o.partition, g.target FROM kafka_offsets o JOIN given g USING (topic, partition)
        WHERE o.cluster_id = $1 AND o.consumer_group = $2 AND o.next_offset = g.expected
        FOR UPDATE OF o
      )
      UPDATE kafka_offsets AS o SET next_offset = h.target FROM held h
      WHERE o.cluster_id = $1 AND o.consumer_group = $2 AND o.topic = h.topic AND o.partition = h.partition
        AND (SELECT count(*) FROM held) = (SELECT count(*) FROM given)
      RETURNING 1
      """, scope + [
        .texts(moves.map(\.place.topic)), .ints(moves.map { Int64($0.place.partition) }), .ints(moves.map(\.from)),
        .ints(moves.map(\.to)),
      ], operation: "move offsets")
    guard answer.rows.count == moves.count else {
      throw Failure(
        .transient, code: "offsets_moved",
        "db-writer has moved its offsets meanwhile, so nothing was moved; stop it and try again")
    }
  }
}
