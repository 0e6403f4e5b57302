import Catalogue
import Messages
import Postgres

extension WriteTarget {
  /// `gogobe.products.masters`: each product across chains, and what a new one perhaps is. As in the topic, the last
  /// record of a key counts. Records of a chain's products are not for this table.
  static let masters = messages(
    "masters", of: [Topics.productsMasters], into: MasterSQL.masters, MasterSQL.columns,
    merge: [MasterSQL.merge, MasterSQL.mergeCandidates]
  ) { master throws(DecodingFailure) in
    guard master.chain == nil else { return false }
    if master.masterID.isEmpty { throw DecodingFailure(.badValue, at: 0, "empty", field: "master_id") }
    return true
  }
}

/// The staging table and the merge of masters.
enum MasterSQL {
  static let columns: [Column<ProductMaster>] = [
    .text("master_id", isOrdered: true, limit: StagingLimits.masterIDBytes, \.masterID), .text("gtin", \.gtin),
    .text("name", \.name), .text("brand", \.brand), .decimal("quantity", \.quantity),
    .text("unit", \.unit), .idOrNull("source_file_id", \.sourceFileID), .time("minted_at", \.mintedAt),
    .text("candidate", isOrdered: true, limit: StagingLimits.masterIDBytes, \.candidate),
    .decimal("candidate_probability", \.candidateProbability), .text("model", isOrdered: true, \.model),
  ]
  static let masters = StagingTable("staged_masters", .element, columns)

  private static let facts = ["gtin", "name", "brand", "quantity", "unit", "source_file_id", "minted_at"]

  static let merge = MergeStatement("merge masters", into: "masters", """
    INSERT INTO masters AS p (master_id, \(facts.listed()))
    SELECT DISTINCT ON (master_id) master_id, \(facts.listed())
    FROM staged_masters
    ORDER BY master_id, batch DESC
    ON CONFLICT (master_id) DO UPDATE SET \(facts.takenOver)
    WHERE (\(facts.listed(of: "p"))) IS DISTINCT FROM (\(facts.listed(of: "EXCLUDED")))
    """)

  /// Of records that name the same candidate the one of the newest file counts.
  static let mergeCandidates = MergeStatement("merge candidates", into: "master_candidates", """
    INSERT INTO master_candidates AS p (master_id, candidate_id, probability, model, source_file_id, minted_at)
    SELECT DISTINCT ON (master_id, candidate)
           master_id, candidate, coalesce(candidate_probability, 0), coalesce(model, ''), source_file_id, minted_at
    FROM staged_masters
    WHERE candidate IS NOT NULL AND candidate <> master_id
    ORDER BY master_id, candidate, minted_at DESC, coalesce(model, '') DESC, coalesce(candidate_probability, 0) DESC
    ON CONFLICT (master_id, candidate_id) DO UPDATE SET
      \(["probability", "model", "source_file_id", "minted_at"].takenOver)
    WHERE (EXCLUDED.minted_at, EXCLUDED.model, EXCLUDED.probability) > (p.minted_at, p.model, p.probability)
    """)
}
