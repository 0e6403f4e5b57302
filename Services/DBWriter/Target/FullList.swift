import Messages
import Postgres
import Values

/// Ends rows that full files no longer list. A row ends when a full file of its list (a store's prices or promotions, a
/// chain id's branches) was read to its end and is newer than every file with the row; it returns when a newer file
/// has it again.
///
/// `ended_at` is the time of the oldest such file. It depends on the set of arrived messages, not on their order or on
/// the flushes. So `full_files` keeps every closed full file, and whenever a row moves, or a full file is closed, the
/// affected rows are compared with all of them.
struct FullList: Sendable {
  /// The table whose rows end, and the list's name in `full_files`.
  let table: String
  /// The staging table of the messages' headers: `batch`, `chain`, `file_time`, `file_id` and ``columns``.
  let headers: String
  /// The column that identifies the row's list within a chain.
  let scope: String
  /// The other columns of the primary key.
  let key: [String]
  /// The column of the values in `also_named`; nil when there are none.
  let code: String?

  /// The lists that a message closes, and the codes in its file's unusable rows.
  static let columns = ["closes text[]", "also_named text[]"]

  /// The staging table of the headers of one store's files; filled by `BinaryCopyRows.storeFile`.
  static func storeFiles(_ name: String) -> StagingTable {
    StagingTable(name, .header, [
      "batch int", "chain text COLLATE \"C\"", "store_id text COLLATE \"C\"",
      "file_time timestamptz", "file_id uuid",
    ] + columns)
  }

  var note: MergeStatement {
    MergeStatement("note full files of \(table)", sql: """
      INSERT INTO full_files (list, chain, scope, file_time, file_id, also_named)
      SELECT DISTINCT ON (f.chain, s.scope, f.file_time, f.file_id)
             '\(table)', f.chain, s.scope, f.file_time, f.file_id, f.also_named
      FROM \(headers) f
      CROSS JOIN LATERAL unnest(f.closes) AS s (scope)
      ORDER BY f.chain, s.scope, f.file_time, f.file_id, f.batch
      ON CONFLICT DO NOTHING
      """)
  }

  /// True when a full file newer than that of `row` is closed.
  func isOvertaken(_ row: String) -> String {
    "EXISTS (SELECT 1 FROM full_files e WHERE \(isNewer("e", than: row)))"
  }

  /// When `row` ended by all closed full files; null while it has not.
  ///
  /// - Parameter row: an alias with `chain`, the scope, the code, `file_time` and `file_id`.
  func endTime(of row: String) -> String {
    var named = ""
    if let code {
      named = """
         AND NOT EXISTS (
          SELECT 1 FROM full_files n
          WHERE n.list = e.list AND n.chain = e.chain AND n.scope = e.scope
            AND (n.file_time, n.file_id) >= (e.file_time, e.file_id) AND \(row).\(code) = ANY (n.also_named))
        """
    }
    return "(SELECT min(e.file_time) FROM full_files e WHERE \(isNewer("e", than: row))\(named))"
  }

  /// Ends the rows that staged full files no longer list, and restores those they name. Rows merged before are at least
  /// as new as their own files.
  var end: MergeStatement {
    let columns = ["chain", scope] + key
    let isNamed = code.map { " OR q.\($0) = ANY (f.also_named)" } ?? ""
    return MergeStatement("end \(table)", .rows(of: "ended_\(table)", areChanges: true), sql: """
      WITH concerned AS (
        SELECT DISTINCT \(columns.map { "q.\($0)" }.joined(separator: ", ")), q.file_time, q.file_id, q.ended_at
        FROM \(headers) f
        CROSS JOIN LATERAL unnest(f.closes) AS s (scope)
        JOIN \(table) q ON q.chain = f.chain AND q.\(scope) = s.scope
        WHERE (q.file_time, q.file_id) < (f.file_time, f.file_id)
          AND (q.ended_at IS NULL OR q.ended_at > f.file_time\(isNamed))
      ), judged AS (
        SELECT c.*, \(endTime(of: "c")) AS ends FROM concerned c
      ), ended AS (
        UPDATE \(table) AS p SET ended_at = j.ends
        FROM judged j
        WHERE j.ends IS DISTINCT FROM j.ended_at AND \(columns.map { "p.\($0) = j.\($0)" }.joined(separator: " AND "))
        RETURNING 1
      )
      SELECT count(*) FROM ended
      """)
  }

  private func isNewer(_ file: String, than row: String) -> String {
    """
    \(file).list = '\(table)' AND \(file).chain = \(row).chain AND \(file).scope = \(row).\(scope) \
    AND (\(file).file_time, \(file).file_id) > (\(row).file_time, \(row).file_id)
    """
  }
}

extension BinaryCopyRows {
  /// A row of a table of headers.
  /// - Parameter storeID: nil where the table has none.
  mutating func file(
    batch: Int32, chain: String, storeID: String? = nil, time: Timestamp, fileID: String, closes: [String],
    alsoNamed: [String] = []
  ) throws(DecodingFailure) {
    try StagingLimits.checkKey(chain.utf8.span.bytes, "chain")
    if let storeID { try StagingLimits.checkKey(storeID.utf8.span.bytes, "store_id") }
    try StagingLimits.checkFileTime(time)
    let id = try StagingLimits.id(fileID.utf8.span.bytes)
    for code in alsoNamed { try StagingLimits.checkText(code, "also_named", limit: StagingLimits.keyBytes) }
    beginRow(fields: (storeID == nil ? 4 : 5) + FullList.columns.count)
    int4(batch)
    text(chain)
    if let storeID { text(storeID) }
    self.time(time)
    self.id(id)
    texts(closes)
    texts(alsoNamed)
  }

  /// A row of a table of ``FullList/storeFiles(_:)``: the last message of a full file closes the store's list.
  mutating func storeFile(batch: Int32, _ header: IngestHeader) throws(DecodingFailure) {
    try file(
      batch: batch, chain: header.chain, storeID: header.storeID, time: header.fileTime, fileID: header.fileID,
      closes: header.isFull && header.isLast ? [header.storeID] : [], alsoNamed: header.alsoNamed)
  }
}
