/// The staging tables and the merge of chains, sub-chains and stores. Each moves forward by (file_time, file_id).
/// Branches that a newer file leaves out have closed, see ``FullList``: a file is full for the chain ids it has
/// branches of. Chains and sub-chains stay.
enum StoreSQL {
  static let files = StagingTable("staged_store_files", .header, [
    "batch int NOT NULL", "chain text COLLATE \"C\" NOT NULL", "file_time timestamptz NOT NULL",
    "file_id uuid NOT NULL",
  ] + FullList.columns)
  static let full = FullList(
    table: "stores", headers: files.name, scope: "chain_id", key: ["sub_chain_id", "store_id"], code: nil)

  static let stores = StagingTable("staged_stores", .element, [
    "batch int NOT NULL", "number int NOT NULL", "chain_id text COLLATE \"C\" NOT NULL", "chain_name text",
    "sub_chain_id text COLLATE \"C\" NOT NULL", "sub_chain_name text", "store_id text COLLATE \"C\" NOT NULL",
    "name text", "type bigint", "address text", "city text", "zip text", "latitude numeric", "longitude numeric",
  ])

  /// The columns of `stores` after the key.
  private static let facts = [
    "name", "type", "address", "city", "zip", "latitude", "longitude", "file_time", "file_id",
  ]

  static let merge = [full.note, chains, subChains, branches, full.end]

  /// A file gives the name with each of its stores, or with some: the first name counts.
  private static let chains = MergeStatement("merge chains", .rows(of: "chains"), sql: """
    WITH written AS (
      INSERT INTO chains AS p (chain, chain_id, name, file_time, file_id)
      SELECT DISTINCT ON (f.chain, s.chain_id) f.chain, s.chain_id, s.chain_name, f.file_time, f.file_id
      FROM staged_store_files f
      JOIN staged_stores s USING (batch)
      ORDER BY f.chain, s.chain_id, f.file_time DESC, f.file_id DESC, (s.chain_name IS NULL), s.batch, s.number
      ON CONFLICT (chain, chain_id) DO UPDATE SET
        name = EXCLUDED.name, file_time = EXCLUDED.file_time, file_id = EXCLUDED.file_id
      WHERE (EXCLUDED.file_time, EXCLUDED.file_id) > (p.file_time, p.file_id)
         OR (EXCLUDED.file_time, EXCLUDED.file_id) = (p.file_time, p.file_id) AND p.name IS NULL
      RETURNING 1
    )
    SELECT count(*) FROM written
    """)

  private static let subChains = MergeStatement("merge sub-chains", .rows(of: "sub_chains"), sql: """
    WITH written AS (
      INSERT INTO sub_chains AS p (chain, chain_id, sub_chain_id, name, file_time, file_id)
      SELECT DISTINCT ON (f.chain, s.chain_id, s.sub_chain_id)
             f.chain, s.chain_id, s.sub_chain_id, s.sub_chain_name, f.file_time, f.file_id
      FROM staged_store_files f
      JOIN staged_stores s USING (batch)
      ORDER BY f.chain, s.chain_id, s.sub_chain_id, f.file_time DESC, f.file_id DESC, (s.sub_chain_name IS NULL),
               s.batch, s.number
      ON CONFLICT (chain, chain_id, sub_chain_id) DO UPDATE SET
        name = EXCLUDED.name, file_time = EXCLUDED.file_time, file_id = EXCLUDED.file_id
      WHERE (EXCLUDED.file_time, EXCLUDED.file_id) > (p.file_time, p.file_id)
         OR (EXCLUDED.file_time, EXCLUDED.file_id) = (p.file_time, p.file_id) AND p.name IS NULL
      RETURNING 1
    )
    SELECT count(*) FROM written
    """)

  private static let branches = MergeStatement("merge stores", .rows(of: "stores"), sql: """
    WITH written AS (
      INSERT INTO stores AS p (chain, chain_id, sub_chain_id, store_id, \(facts.listed()), ended_at)
      SELECT n.*, \(full.endTime(of: "n"))
      FROM (
        SELECT DISTINCT ON (f.chain, s.chain_id, s.sub_chain_id, s.store_id)
               f.chain, s.chain_id, s.sub_chain_id, s.store_id, \(facts.listed())
        FROM staged_store_files f
        JOIN staged_stores s USING (batch)
        ORDER BY f.chain, s.chain_id, s.sub_chain_id, s.store_id, f.file_time DESC, f.file_id DESC, s.batch, s.number
      ) AS n
      ON CONFLICT (chain, chain_id, sub_chain_id, store_id) DO UPDATE SET
        \(facts.takenOver), ended_at = EXCLUDED.ended_at
      WHERE (EXCLUDED.file_time, EXCLUDED.file_id) > (p.file_time, p.file_id)
      RETURNING 1
    )
    SELECT count(*) FROM written
    """)
}
