import Catalogue
import Messages
import Postgres

extension WriteTarget {
  /// `gogobe.stores.ingest`: chains, sub-chains and stores.
  static let stores = WriteTarget(
    name: "stores", topics: [Topics.storesIngest], elements: "stores", staging: [StoreSQL.files, StoreSQL.stores],
    merge: StoreSQL.merge
  ) { StoreRows.read }
}

private enum StoreRows {
  static func read(_ value: RawSpan, _ rows: inout MessageRows) throws(DecodingFailure) {
    let message: StoresIngest
    do {
      message = try StoresIngest(decoding: value, limits: JSONReader.Limits())
    } catch {
      // One invalid store fails the whole message: reads every store separately.
      guard error.item != nil, let singles = JSONExcerpt.ofAll(in: "stores", of: value) else { throw error }
      try read(singles, &rows)
      return
    }
    try addHeader(message, &rows)
    for (index, store) in message.stores.enumerated() { add(store, index, &rows) }
  }

  private static func read(_ singles: [[UInt8]], _ rows: inout MessageRows) throws(DecodingFailure) {
    for (index, single) in singles.enumerated() {
      let message: StoresIngest
      do {
        message = try StoresIngest(decoding: single)
      } catch {
        guard error.item != nil else { throw error }
        var failure = error
        failure.item = index
        rows.refuse(index, failure)
        continue
      }
      if rows.kept == 0 { try addHeader(message, &rows) }
      for store in message.stores { add(store, index, &rows) }
    }
  }

  private static func addHeader(_ message: StoresIngest, _ rows: inout MessageRows) throws(DecodingFailure) {
    var closes: Set<String> = []
    if message.isLast { closes = Set(message.chainIDs + message.stores.map { $0.chainID ?? "" }) }
    for chainID in closes { try StagingLimits.checkText(chainID, "chain_id", limit: StagingLimits.keyBytes) }
    try rows.tables[0].file(
      batch: rows.batch, chain: message.chain, time: message.fileTime, fileID: message.fileID, closes: closes.sorted())
    rows.headerCounts = !closes.isEmpty
  }

  private static func add(_ store: StoresIngest.Store, _ index: Int, _ rows: inout MessageRows) {
    let mark = rows.tables[1].mark
    do {
      try rows.tables[1].append(store, StoreSQL.columns, rows.batch, Int32(index))
      rows.keep()
    } catch {
      rows.tables[1].rewind(to: mark)
      var failure = error
      failure.item = index
      rows.refuse(index, failure)
    }
  }
}

/// The staging tables and the merge of chains, sub-chains and stores. Each moves forward by (file_time, file_id).
/// Branches that a newer file leaves out have closed, see ``FullList``: a file is full for the chain ids it has
/// branches of. Chains and sub-chains stay.
enum StoreSQL {
  static let files = StagingTable("staged_store_files", .header, [
    "batch int", "chain text COLLATE \"C\"", "file_time timestamptz",
    "file_id uuid",
  ] + FullList.columns)
  static let full = FullList(
    table: "stores", headers: files.name, scope: "chain_id", key: ["sub_chain_id", "store_id"], code: nil)

  static let columns: [Column<StoresIngest.Store>] = [
    .text("chain_id", isOrdered: true, limit: StagingLimits.keyBytes) { $0.chainID ?? "" },
    .text("chain_name", \.chainName),
    .text("sub_chain_id", isOrdered: true, limit: StagingLimits.keyBytes) { $0.subChainID ?? "" },
    .text("sub_chain_name", \.subChainName), .key("store_id", \.storeID), .text("name", \.name),
    .integer("type", \.type), .text("address", \.address), .text("city", \.city),
    .text("zip", \.zip), .decimal("latitude", \.latitude), .decimal("longitude", \.longitude),
  ]
  static let stores = StagingTable("staged_stores", .element, hasNumber: true, columns)

  /// The columns of `stores` after the key.
  private static let facts = [
    "name", "type", "address", "city", "zip", "latitude", "longitude", "file_time", "file_id",
  ]

  static let merge = [full.note, chains, subChains, branches, full.end]

  private static let chains = names("merge chains", into: "chains", ["chain_id"], "chain_name")
  private static let subChains = names(
    "merge sub-chains", into: "sub_chains", ["chain_id", "sub_chain_id"], "sub_chain_name")

  /// A file gives the name with each of its stores, or with some: the first name counts.
  private static func names(
    _ operation: String, into table: String, _ ids: [String], _ name: String
  ) -> MergeStatement {
    MergeStatement(operation, into: table, """
      INSERT INTO \(table) AS p (chain, \(ids.listed()), name, file_time, file_id)
      SELECT DISTINCT ON (f.chain, \(ids.listed(of: "s")))
             f.chain, \(ids.listed(of: "s")), s.\(name), f.file_time, f.file_id
      FROM staged_store_files f
      JOIN staged_stores s USING (batch)
      ORDER BY f.chain, \(ids.listed(of: "s")), f.file_time DESC, f.file_id DESC, (s.\(name) IS NULL), s.batch, s.number
      ON CONFLICT (chain, \(ids.listed())) DO UPDATE SET \(["name", "file_time", "file_id"].takenOver)
      WHERE (EXCLUDED.file_time, EXCLUDED.file_id) > (p.file_time, p.file_id)
         OR (EXCLUDED.file_time, EXCLUDED.file_id) = (p.file_time, p.file_id) AND p.name IS NULL
      """)
  }

  private static let branches = MergeStatement("merge stores", into: "stores", """
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
    """)
}
