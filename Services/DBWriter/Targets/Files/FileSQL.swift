/// The staging table and the merge of parsed files. A file that is parsed again is the one parsed last.
enum FileSQL {
  static let files = StagingTable("staged_files", .element, [
    "batch int NOT NULL", "file_id uuid NOT NULL", "chain text NOT NULL", "chain_id text", "sub_chain_id text",
    "store_id text", "file_name text NOT NULL", "kind text", "dialect text", "outcome text NOT NULL", "reason text",
    "rows bigint NOT NULL", "distinct_codes bigint NOT NULL", "duplicates bigint NOT NULL", "rejected bigint NOT NULL",
    "item_refs bigint NOT NULL", "batches bigint NOT NULL", "unknown_elements jsonb NOT NULL", "compression text",
    "encoding text", "bytes bigint NOT NULL", "xml_bytes bigint NOT NULL", "file_time timestamptz NOT NULL",
    "discovered_at timestamptz", "downloaded_at timestamptz", "parsed_at timestamptz", "parse_ms bigint NOT NULL",
    "new_masters bigint NOT NULL", "matched bigint NOT NULL", "defects jsonb NOT NULL", "unknown_words jsonb NOT NULL",
  ])

  static let merge = MergeStatement("merge files", .rows(of: "parsed_files"), sql: """
    WITH written AS (
      INSERT INTO parsed_files AS p (\(columns))
      SELECT DISTINCT ON (file_id) \(columns)
      FROM staged_files
      ORDER BY file_id, parsed_at DESC NULLS LAST, batch
      ON CONFLICT (file_id) DO UPDATE SET
        \(names.dropFirst().map { "\($0) = EXCLUDED.\($0)" }.joined(separator: ", "))
      WHERE EXCLUDED.parsed_at > p.parsed_at OR p.parsed_at IS NULL
      RETURNING 1
    )
    SELECT count(*) FROM written
    """)

  /// Without `batch`; the table's names are the same.
  private static let names = files.columns.dropFirst().map { String($0.prefix { $0 != " " }) }
  private static let columns = names.joined(separator: ", ")
}
