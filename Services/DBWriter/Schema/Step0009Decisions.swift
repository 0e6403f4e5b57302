import Postgres

extension DBWriterSchema {
  /// Candidates of masters, and decisions about masters with their history. Products keep the id they were written
  /// with; views show the master that the decisions in force make of it.
  ///
  /// `product_masters` joins nothing for a product that no decision concerns, and each of its branches can look
  /// `master_id` up in an index.
  static let decisions = Migration(9, "decisions", sql: """
    CREATE TABLE master_candidates (
      master_id text COLLATE "C" NOT NULL,
      candidate_id text COLLATE "C" NOT NULL,
      probability numeric NOT NULL,
      model text COLLATE "C" NOT NULL,
      source_file_id uuid,
      minted_at timestamptz NOT NULL,
      PRIMARY KEY (master_id, candidate_id)
    );
    CREATE INDEX master_candidates_by_candidate ON master_candidates (candidate_id);
    COMMENT ON TABLE master_candidates IS
      'Masters that perhaps are another one: not likely enough to be taken for it, likely enough to be looked at';
    COMMENT ON COLUMN master_candidates.model IS 'The version of the model that said so; empty for rules';

    CREATE TABLE master_decisions (
      decision_id uuid PRIMARY KEY,
      kind text COLLATE "C" NOT NULL,
      master_id text COLLATE "C" NOT NULL,
      other_id text COLLATE "C" NOT NULL,
      chains text[] NOT NULL,
      eans text[] NOT NULL,
      decided_at timestamptz NOT NULL,
      decided_by text COLLATE "C" NOT NULL,
      reason text COLLATE "C",
      model text COLLATE "C",
      probability numeric,
      undone_at timestamptz,
      undone_by text COLLATE "C",
      undone_reason text COLLATE "C"
    );
    CREATE INDEX master_decisions_by_master ON master_decisions (master_id);
    CREATE INDEX master_decisions_by_other ON master_decisions (other_id);
    COMMENT ON TABLE master_decisions IS
      'Every merge, split and rejected candidate, with who decided it, and who undid it; nothing is deleted';
    COMMENT ON COLUMN master_decisions.kind IS
      'merge: master_id is other_id; split: the products of chains and eans are other_id; reject: they are different';

    CREATE TABLE master_survivors (
      master_id text COLLATE "C" PRIMARY KEY,
      survivor_id text COLLATE "C" NOT NULL
    );
    CREATE INDEX master_survivors_by_survivor ON master_survivors (survivor_id);
    COMMENT ON TABLE master_survivors IS 'The master that stands for a merged one; follows from master_decisions';

    CREATE TABLE split_products (
      chain text COLLATE "C" NOT NULL,
      ean text COLLATE "C" NOT NULL,
      master_id text COLLATE "C" NOT NULL,
      other_id text COLLATE "C" NOT NULL,
      decision_id uuid NOT NULL,
      PRIMARY KEY (chain, ean, master_id)
    );
    COMMENT ON TABLE split_products IS 'What splits take away from masters; follows from master_decisions';

    CREATE VIEW product_masters AS
      SELECT p.chain, p.ean, p.master_id, p.master_id AS written_as, \(facts)
      FROM products p
      WHERE NOT EXISTS (SELECT 1 FROM master_survivors m WHERE m.master_id = p.master_id) AND \(isWhole)
      UNION ALL
      SELECT p.chain, p.ean, m.survivor_id, p.master_id, \(facts)
      FROM master_survivors m
      JOIN products p ON p.master_id = m.master_id
      WHERE \(isWhole)
      UNION ALL
      SELECT p.chain, p.ean, coalesce(m.survivor_id, s.other_id), p.master_id, \(facts)
      FROM split_products s
      JOIN products p ON p.chain = s.chain AND p.ean = s.ean AND p.master_id = s.master_id
      LEFT JOIN master_survivors m ON m.master_id = s.other_id;
    COMMENT ON VIEW product_masters IS
      'Products with the master that merges and splits in force make of the one they were written with';

    CREATE VIEW open_candidates AS
      SELECT c.master_id, c.candidate_id, coalesce(s.survivor_id, c.candidate_id) AS survivor_id, c.probability,
             c.model, c.minted_at
      FROM master_candidates c
      LEFT JOIN master_survivors m ON m.master_id = c.master_id
      LEFT JOIN master_survivors s ON s.master_id = c.candidate_id
      WHERE coalesce(m.survivor_id, c.master_id) <> coalesce(s.survivor_id, c.candidate_id) AND NOT EXISTS (
        SELECT 1 FROM master_decisions d
        WHERE d.kind = 'reject' AND d.undone_at IS NULL AND d.master_id IN (c.master_id, c.candidate_id)
          AND d.other_id IN (c.master_id, c.candidate_id));
    COMMENT ON VIEW open_candidates IS 'Candidates that are neither merged nor rejected';

    CREATE OR REPLACE VIEW offers AS
      SELECT p.master_id, x.chain, x.store_id, x.ean, p.name, p.manufacturer, x.price, x.unit_price,
             p.unit_of_measure, x.price_since, x.file_time
      FROM product_masters p
      JOIN prices x USING (chain, ean)
      WHERE x.price > 0 AND x.ended_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM closed_stores s
        WHERE s.chain = x.chain AND s.store_id = x.store_id AND s.ended_at >= x.file_time);

    CREATE OR REPLACE VIEW price_changes AS
      SELECT h.chain, h.store_id, h.ean, p.master_id, p.name, h.previous_price, h.price,
             h.price - h.previous_price AS change,
             round(100 * (h.price - h.previous_price) / nullif(h.previous_price, 0), 1) AS change_percent,
             h.previous_since, h.file_time AS changed_at
      FROM price_history h
      LEFT JOIN product_masters p USING (chain, ean);

    CREATE OR REPLACE VIEW promotion_offers AS
      SELECT n.chain, n.store_id, n.promotion_id, n.description, n.starts_at, n.ends_at,
             coalesce(n.ended_at, s.ended_at) AS ended_at, n.min_qty,
             coalesce(i.discounted_price, n.discounted_price) AS discounted_price,
             coalesce(i.discount_rate, n.discount_rate) AS discount_rate, n.is_coupon, n.clubs,
             i.item_number, i.ean, i.is_gift, p.master_id, p.name, x.price
      FROM promotions n
      JOIN promotion_items i USING (chain, store_id, promotion_id)
      LEFT JOIN closed_stores s ON s.chain = n.chain AND s.store_id = n.store_id AND s.ended_at >= n.file_time
      LEFT JOIN product_masters p ON p.chain = n.chain AND p.ean = i.ean
      LEFT JOIN prices x ON x.chain = n.chain AND x.store_id = n.store_id AND x.ean = i.ean AND x.ended_at IS NULL;

    DROP MATERIALIZED VIEW todays_changes;
    CREATE MATERIALIZED VIEW todays_changes AS
      SELECT h.chain, h.store_id, h.ean, p.master_id, p.name, h.previous_price, h.price,
             round(100 * (h.price - h.previous_price) / nullif(h.previous_price, 0), 1) AS change_percent,
             h.file_time AS changed_at, h.file_id, h.row_number
      FROM price_history h
      LEFT JOIN product_masters p USING (chain, ean)
      WHERE h.file_time >= (
        SELECT date_trunc('day', max(file_time) AT TIME ZONE 'Asia/Jerusalem') AT TIME ZONE 'Asia/Jerusalem'
        FROM price_history);
    CREATE UNIQUE INDEX todays_changes_key ON todays_changes (chain, store_id, ean, changed_at, file_id, row_number);
    COMMENT ON MATERIALIZED VIEW todays_changes IS 'Changes of prices on the day (in Israel) of the newest one';
    """)

  private static let facts = """
    p.name, p.manufacturer, p.unit_qty, p.quantity, p.unit_of_measure, p.is_weighted, p.file_time
    """
  private static let isWhole = """
    NOT EXISTS (
            SELECT 1 FROM split_products s WHERE s.chain = p.chain AND s.ean = p.ean AND s.master_id = p.master_id)
    """
}
