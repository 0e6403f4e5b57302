import Catalogue
import Messages
import Postgres

/// `gogobe.products.masters`: each product across chains, and what a new one perhaps is. As in the topic, the last
/// record of a key counts.
package struct MasterTarget: WriteTarget {
  package let name = "masters"
  package let topics = [Topics.productsMasters]
  package let staging = [Self.masters]

  package func makeReader() -> any TargetReader { Reader() }

  package func merge(_ dialect: Dialect) -> [MergeStatement] { [Self.merge, Self.mergeCandidates] }

  private static let masters = StagingTable("staged_masters", .element, [
    "batch int NOT NULL", "master_id text COLLATE \"C\" NOT NULL", "gtin text", "name text NOT NULL", "brand text",
    "quantity numeric", "unit text", "source_file_id uuid", "minted_at timestamptz NOT NULL",
    "candidate text COLLATE \"C\"", "candidate_probability numeric", "model text COLLATE \"C\"",
  ])

  private static let merge = MergeStatement("merge masters", .rows(of: "masters"), sql: """
    WITH written AS (
      INSERT INTO masters AS p (master_id, gtin, name, brand, quantity, unit, source_file_id, minted_at)
      SELECT DISTINCT ON (master_id) master_id, gtin, name, brand, quantity, unit, source_file_id, minted_at
      FROM staged_masters
      ORDER BY master_id, batch DESC
      ON CONFLICT (master_id) DO UPDATE SET
        gtin = EXCLUDED.gtin, name = EXCLUDED.name, brand = EXCLUDED.brand, quantity = EXCLUDED.quantity,
        unit = EXCLUDED.unit, source_file_id = EXCLUDED.source_file_id, minted_at = EXCLUDED.minted_at
      WHERE (p.gtin, p.name, p.brand, p.quantity, p.unit, p.source_file_id, p.minted_at) IS DISTINCT FROM
            (EXCLUDED.gtin, EXCLUDED.name, EXCLUDED.brand, EXCLUDED.quantity, EXCLUDED.unit, EXCLUDED.source_file_id,
             EXCLUDED.minted_at)
      RETURNING 1
    )
    SELECT count(*) FROM written
    """)

  /// Of records that name the same candidate the one of the newest file counts.
  private static let mergeCandidates = MergeStatement("merge candidates", .rows(of: "master_candidates"), sql: """
    WITH written AS (
      INSERT INTO master_candidates AS p (master_id, candidate_id, probability, model, source_file_id, minted_at)
      SELECT DISTINCT ON (master_id, candidate)
             master_id, candidate, coalesce(candidate_probability, 0), coalesce(model, ''), source_file_id, minted_at
      FROM staged_masters
      WHERE candidate IS NOT NULL AND candidate <> master_id
      ORDER BY master_id, candidate, minted_at DESC, coalesce(model, '') DESC, coalesce(candidate_probability, 0) DESC
      ON CONFLICT (master_id, candidate_id) DO UPDATE SET
        probability = EXCLUDED.probability, model = EXCLUDED.model, source_file_id = EXCLUDED.source_file_id,
        minted_at = EXCLUDED.minted_at
      WHERE (EXCLUDED.minted_at, EXCLUDED.model, EXCLUDED.probability) > (p.minted_at, p.model, p.probability)
      RETURNING 1
    )
    SELECT count(*) FROM written
    """)

  private final class Reader: TargetReader {
    func read(_ value: RawSpan, into rows: inout MessageRows) throws(DecodingFailure) {
      let master = try ProductMaster(decoding: value, limits: JSONReader.Limits())
      // What another chain calls it is for recognising names; the product keeps the name it was first met by.
      if master.chain != nil { return }
      let id = Array(master.masterID.utf8)
      guard !id.isEmpty else { throw DecodingFailure(.badValue, at: 0, "empty", field: "master_id") }
      try StagingLimits.checkText(id.span.bytes, "master_id", limit: StagingLimits.masterIDBytes)
      try StagingLimits.checkText(master.candidate, "candidate", limit: StagingLimits.masterIDBytes)
      for (text, field) in [
        (master.gtin, "gtin"), (master.name, "name"), (master.brand, "brand"), (master.unit, "unit"),
        (master.model, "model"),
      ] as [(String?, StaticString)] { try StagingLimits.checkText(text, field) }
      rows.tables[0].beginRow(fields: MasterTarget.masters.columns.count)
      rows.tables[0].int4(rows.batch)
      rows.tables[0].text(master.masterID)
      for text in [master.gtin, master.name, master.brand] { rows.tables[0].textOrNull(text) }
      rows.tables[0].decimalOrNull(master.quantity)
      rows.tables[0].textOrNull(master.unit)
      let source = master.sourceFileID.flatMap { FileID(Array($0.utf8).span.bytes) }
      if let source { rows.tables[0].id(source) } else { rows.tables[0].null() }
      rows.tables[0].time(master.mintedAt)
      rows.tables[0].textOrNull(master.candidate)
      rows.tables[0].decimalOrNull(master.candidateProbability)
      rows.tables[0].textOrNull(master.model)
      rows.keep()
    }
  }
}
