import Catalogue
import Messages
import Postgres

extension WriteTarget {
  /// `gogobe.masters.decisions`: who decided what about masters, what was undone, and what follows for readers.
  /// Where transactions are not serializable, what follows from decisions is found by one writer at a time.
  static let decisions = messages(
    "decisions", of: [Topics.masterDecisions], into: DecisionSQL.decisions, DecisionSQL.columns,
    merge: [DecisionSQL.write, DecisionSQL.survivors, DecisionSQL.splits], prelude: DecisionSQL.lock
  ) { decision throws(DecodingFailure) in
    for (index, product) in decision.products.enumerated() {
      try StagingLimits.checkKey(Array(product.chain.utf8).span.bytes, "chain", index)
      try StagingLimits.checkKey(Array(product.code.utf8).span.bytes, "code", index)
    }
    return true
  }
}

/// The staging table and the merge of decisions. What holds follows from the set of decisions in force, by the rules of
/// `MasterDecisions`, which the parser follows.
enum DecisionSQL {
  static let columns: [Column<MasterDecision>] = [
    .id("decision_id", \.decisionID), .text("kind", isOrdered: true, \.kind.rawValue),
    .text("master_id", isOrdered: true, \.masterID), .text("other_id", isOrdered: true, \.otherID),
    .texts("chains") { $0.products.map(\.chain) }, .texts("eans") { $0.products.map(\.code) },
    .time("decided_at", isChecked: true, \.decidedAt), .text("decided_by", isOrdered: true, \.decidedBy),
    .text("reason", isOrdered: true, \.reason), .text("model", isOrdered: true, \.model),
    .decimal("probability", \.probability), .time("undone_at", isChecked: true, \.undoneAt),
    .text("undone_by", isOrdered: true, \.undoneBy), .text("undone_reason", isOrdered: true, \.undoneReason),
  ]
  static let decisions = StagingTable("staged_decisions", .element, columns)

  static let lock = MergeStatement("lock decisions", sql: "LOCK TABLE master_decisions IN SHARE ROW EXCLUSIVE MODE")

  /// Of records with one id the first decision and the first undoing count; undone is final.
  static let write = MergeStatement("merge decisions", .rows(of: "master_decisions"), sql: """
    WITH first AS (
      SELECT DISTINCT ON (decision_id) \(list(key + facts))
      FROM staged_decisions
      ORDER BY decision_id, \(list(order("")))
    ), ended AS (
      SELECT DISTINCT ON (decision_id) decision_id, \(list(undoing))
      FROM staged_decisions
      WHERE undone_at IS NOT NULL
      ORDER BY decision_id, \(list(undoing))
    ), written AS (
      INSERT INTO master_decisions AS p (\(list(key + facts + undoing)))
      SELECT \(list(key + facts + undoing)) FROM first LEFT JOIN ended USING (decision_id)
      ORDER BY decision_id
      ON CONFLICT (decision_id) DO UPDATE SET
        \(list(facts.map { "\($0) = CASE WHEN \(isEarlier) THEN EXCLUDED.\($0) ELSE p.\($0) END" })),
        \(list(undoing.map { "\($0) = CASE WHEN \(isUndoneEarlier) THEN EXCLUDED.\($0) ELSE p.\($0) END" }))
      WHERE \(isEarlier) OR \(isUndoneEarlier)
      RETURNING 1
    )
    SELECT count(*) FROM written
    """)

  private static let key = ["decision_id"]
  private static let facts = [
    "kind", "master_id", "other_id", "chains", "eans", "decided_at", "decided_by", "reason", "model", "probability",
  ]
  private static let undoing = ["undone_at", "undone_by", "undone_reason"]

  private static func list(_ columns: [String]) -> String { columns.joined(separator: ", ") }

  /// All facts in a fixed order without nulls, the time first.
  private static func order(_ row: String) -> [String] {
    ["decided_at", "decided_by", "kind", "master_id", "other_id", "chains", "eans"].map { row + $0 }
      + ["reason", "model"].map { "coalesce(\(row)\($0), '')" } + ["coalesce(\(row)probability, -1)"]
  }

  private static let isEarlier = "(\(list(order("EXCLUDED.")))) < (\(list(order("p."))))"
  private static let isUndoneEarlier = """
    (EXCLUDED.undone_at IS NOT NULL AND (p.undone_at IS NULL OR \
    (EXCLUDED.undone_at, coalesce(EXCLUDED.undone_by, ''), coalesce(EXCLUDED.undone_reason, '')) < \
    (p.undone_at, coalesce(p.undone_by, ''), coalesce(p.undone_reason, ''))))
    """

  private static let merges = "kind = 'merge' AND undone_at IS NULL"

  /// For all masters that the staged merges connect, by merges in force: of those that are not merged into another (of
  /// all, where merges go round in a circle) the one with the smallest id stands for them.
  static let survivors = MergeStatement(
    "resolve merged masters", .rows(of: "master_survivors", areChanges: true), sql: """
    WITH RECURSIVE seeds AS (
      SELECT master_id AS seed FROM staged_decisions WHERE kind = 'merge'
      UNION
      SELECT other_id FROM staged_decisions WHERE kind = 'merge'
    ), reached (seed, node) AS (
      SELECT seed, seed FROM seeds
      UNION
      SELECT r.seed, e.node
      FROM reached r
      CROSS JOIN LATERAL (
        SELECT other_id AS node FROM master_decisions WHERE master_id = r.node AND \(merges)
        UNION ALL
        SELECT master_id FROM master_decisions WHERE other_id = r.node AND \(merges)
      ) AS e
    ), chosen AS (
      SELECT DISTINCT ON (seed) seed, node AS survivor
      FROM reached r
      ORDER BY seed, EXISTS (SELECT 1 FROM master_decisions WHERE master_id = r.node AND \(merges)), node
    ), resolved AS (
      SELECT DISTINCT r.node, c.survivor FROM reached r JOIN chosen c USING (seed)
    ), freed AS (
      DELETE FROM master_survivors AS s USING resolved r WHERE s.master_id = r.node AND r.node = r.survivor
      RETURNING 1
    ), written AS (
      INSERT INTO master_survivors AS p (master_id, survivor_id)
      SELECT node, survivor FROM resolved WHERE node <> survivor
      ON CONFLICT (master_id) DO UPDATE SET survivor_id = EXCLUDED.survivor_id
      WHERE p.survivor_id <> EXCLUDED.survivor_id
      RETURNING 1
    )
    SELECT (SELECT count(*) FROM freed) + (SELECT count(*) FROM written)
    """)

  /// For all products that the staged splits name: the last split in force counts.
  static let splits = MergeStatement("resolve split masters", .rows(of: "split_products", areChanges: true), sql: """
    WITH concerned AS (
      SELECT DISTINCT m.chain, m.ean, d.master_id
      FROM staged_decisions d
      CROSS JOIN LATERAL unnest(d.chains, d.eans) AS m (chain, ean)
      WHERE d.kind = 'split'
    ), chosen AS (
      SELECT DISTINCT ON (c.chain, c.ean, c.master_id) c.chain, c.ean, c.master_id, d.other_id, d.decision_id
      FROM concerned c
      JOIN master_decisions d ON d.master_id = c.master_id AND d.kind = 'split' AND d.undone_at IS NULL
      CROSS JOIN LATERAL unnest(d.chains, d.eans) AS m (chain, ean)
      WHERE m.chain = c.chain AND m.ean = c.ean
      ORDER BY c.chain, c.ean, c.master_id, d.decided_at DESC, d.decision_id DESC
    ), freed AS (
      DELETE FROM split_products AS s USING concerned c
      WHERE (s.chain, s.ean, s.master_id) = (c.chain, c.ean, c.master_id) AND NOT EXISTS (
        SELECT 1 FROM chosen x WHERE (x.chain, x.ean, x.master_id) = (c.chain, c.ean, c.master_id))
      RETURNING 1
    ), written AS (
      INSERT INTO split_products AS p (chain, ean, master_id, other_id, decision_id)
      SELECT chain, ean, master_id, other_id, decision_id FROM chosen
      ON CONFLICT (chain, ean, master_id) DO UPDATE SET
        other_id = EXCLUDED.other_id, decision_id = EXCLUDED.decision_id
      WHERE (p.other_id, p.decision_id) IS DISTINCT FROM (EXCLUDED.other_id, EXCLUDED.decision_id)
      RETURNING 1
    )
    SELECT (SELECT count(*) FROM freed) + (SELECT count(*) FROM written)
    """)
}
