import Postgres

/// What db-writer's tables have of files.
struct StoredFiles: Sendable {
  struct File: Hashable, Sendable {
    var id: String
    var name: String?
    var chain: String
    var storeID: String?
    /// nil where the message of the parser has not arrived.
    var outcome: String?
    var rows: Int64?
    /// Rows of these tables that are of this file now; a newer file takes them over.
    var prices: Int64
    var products: Int64
    var promotions: Int64
    var writtenAt: String?
  }

  private let connection: PostgresConnection

  /// - Throws: `PostgresError`.
  init(_ url: String) async throws {
    connection = try await PostgresConnection.open(PostgresConfiguration(url: url, applicationName: "souk"))
  }

  /// - Returns: nil for a database without db-writer's tables.
  func files(ids: [String], names: [String], most: Int) async throws -> [File]? {
    let tables = try await connection.execute(
      "SELECT to_regclass('files') IS NOT NULL AND to_regclass('promotions') IS NOT NULL",
      operation: "look for the tables")
    guard tables.rows.first?[0] == "t" else { return nil }
    // Each count begins with the first columns of a primary key.
    let answer = try await connection.execute("""
      WITH found AS (
        SELECT * FROM files WHERE file_id = ANY ($1::text[]::uuid[]) OR file_name = ANY ($2::text[])
        ORDER BY parsed_at, file_id LIMIT $3::bigint
      )
      SELECT replace(f.file_id::text, '-', ''), f.file_name, f.chain, f.store_id, f.outcome, f.rows_in,
        (SELECT count(*) FROM prices p
         WHERE p.chain = f.chain AND p.store_id = f.store_id AND p.file_id = f.file_id),
        (SELECT count(*) FROM products p WHERE p.chain = f.chain AND p.file_id = f.file_id),
        (SELECT count(*) FROM promotions p
         WHERE p.chain = f.chain AND p.store_id = f.store_id AND p.file_id = f.file_id),
        to_char(f.written_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
      FROM found f ORDER BY f.parsed_at, f.file_id
      """, [.texts(ids), .texts(names), .int(Int64(most))], operation: "look for files")
    return try answer.rows.map { row in
      File(
        id: row[0] ?? "", name: row[1], chain: row[2] ?? "", storeID: row[3], outcome: row[4],
        rows: try row.int(5), prices: try row.int(6) ?? 0, products: try row.int(7) ?? 0,
        promotions: try row.int(8) ?? 0, writtenAt: row[9])
    }
  }
}
