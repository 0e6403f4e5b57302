/// The staging tables and the merge of promotions.
///
/// A promotion moves forward by (file_time, file_id). When the last batch of a full file is merged, every promotion
/// of the store that is older than that file has ended; what arrives later and is older than the newest such file
/// says nothing any more.
enum PromotionSQL {
  static let files = StagingTable("staged_promotion_files", .header, [
    "batch int NOT NULL", "chain text COLLATE \"C\" NOT NULL", "store_id text COLLATE \"C\" NOT NULL",
    "file_time timestamptz NOT NULL", "file_id uuid NOT NULL", "ends_set boolean NOT NULL",
  ])

  static let promotions = StagingTable("staged_promotions", .element, [
    "batch int NOT NULL", "number int NOT NULL", "promotion_id text COLLATE \"C\" NOT NULL", "description text",
    "starts_at timestamptz", "ends_at timestamptz", "updated_at timestamptz", "reward_type bigint", "min_qty numeric",
    "max_qty numeric", "discount_rate numeric", "discount_type bigint", "discounted_price numeric",
    "discounted_unit_price numeric", "min_purchase_amount numeric", "min_items numeric", "is_weighted boolean",
    "is_coupon boolean", "allow_multiple boolean", "remarks text", "clubs text[] NOT NULL", "items int NOT NULL",
    "content_hash bigint NOT NULL",
  ])

  static let items = StagingTable("staged_promotion_items", .part, [
    "batch int NOT NULL", "number int NOT NULL", "item_number int NOT NULL", "ean text COLLATE \"C\" NOT NULL",
    "item_type bigint", "is_gift boolean", "group_id text", "reward_type bigint", "min_qty numeric", "max_qty numeric",
    "discount_rate numeric", "discounted_price numeric",
  ])

  /// Which of the staged promotions move forward, and whether they say something new.
  static let forward = StagingTable("forward_promotions", .element, [
    "batch int NOT NULL", "number int NOT NULL", "chain text COLLATE \"C\" NOT NULL",
    "store_id text COLLATE \"C\" NOT NULL", "promotion_id text COLLATE \"C\" NOT NULL",
    "file_time timestamptz NOT NULL", "file_id uuid NOT NULL", "differs boolean NOT NULL",
  ])

  static let merge = [choose, dropItems, addItems, write, noteFullFiles, end]

  /// `full_place` is the newest full file that had ended when a batch arrived: what is older counts no more. Of a
  /// promotion that one file names twice, the first counts.
  private static let choose = MergeStatement("choose promotions", sql: """
    WITH known AS (
      SELECT batch, chain, store_id, file_time, file_id, ends_set FROM staged_promotion_files
      UNION ALL
      SELECT -1, chain, store_id, file_time, file_id, true
      FROM full_promotion_files
      WHERE (chain, store_id) IN (SELECT chain, store_id FROM staged_promotion_files)
    ), ranked AS (
      SELECT *, dense_rank() OVER (ORDER BY file_time, file_id) AS place FROM known
    ), bounded AS (
      SELECT *, max(CASE WHEN ends_set THEN place END) OVER (
        PARTITION BY chain, store_id ORDER BY batch ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS full_place
      FROM ranked
    ), newest AS (
      SELECT DISTINCT ON (b.chain, b.store_id, s.promotion_id)
             s.batch, s.number, b.chain, b.store_id, s.promotion_id, b.file_time, b.file_id, s.content_hash
      FROM bounded b
      JOIN staged_promotions s USING (batch)
      WHERE b.full_place IS NULL OR b.place >= b.full_place
      ORDER BY b.chain, b.store_id, s.promotion_id, b.place DESC, s.batch, s.number
    )
    INSERT INTO forward_promotions (batch, number, chain, store_id, promotion_id, file_time, file_id, differs)
    SELECT n.batch, n.number, n.chain, n.store_id, n.promotion_id, n.file_time, n.file_id,
           c.promotion_id IS NULL OR c.content_hash <> n.content_hash
    FROM newest n
    LEFT JOIN promotions c USING (chain, store_id, promotion_id)
    WHERE c.promotion_id IS NULL OR (n.file_time, n.file_id) > (c.file_time, c.file_id)
    """)

  private static let dropItems = MergeStatement("drop promotion items", sql: """
    DELETE FROM promotion_items AS i USING forward_promotions AS f
    WHERE f.differs AND i.chain = f.chain AND i.store_id = f.store_id AND i.promotion_id = f.promotion_id
    """)

  private static let addItems = MergeStatement("add promotion items", .rows(of: "promotion_items"), sql: """
    WITH added AS (
      INSERT INTO promotion_items
        (chain, store_id, promotion_id, item_number, ean, item_type, is_gift, group_id, reward_type, min_qty, max_qty,
         discount_rate, discounted_price)
      SELECT f.chain, f.store_id, f.promotion_id, i.item_number, i.ean, i.item_type, i.is_gift, i.group_id,
             i.reward_type, i.min_qty, i.max_qty, i.discount_rate, i.discounted_price
      FROM forward_promotions f
      JOIN staged_promotion_items i USING (batch, number)
      WHERE f.differs
      RETURNING 1
    )
    SELECT count(*) FROM added
    """)

  private static let write = MergeStatement("merge promotions", .rows(of: "promotions"), sql: """
    WITH written AS (
      INSERT INTO promotions AS p
        (chain, store_id, promotion_id, description, starts_at, ends_at, updated_at, reward_type, min_qty, max_qty,
         discount_rate, discount_type, discounted_price, discounted_unit_price, min_purchase_amount, min_items,
         is_weighted, is_coupon, allow_multiple, remarks, clubs, items, content_hash, file_time, file_id)
      SELECT f.chain, f.store_id, f.promotion_id, s.description, s.starts_at, s.ends_at, s.updated_at, s.reward_type,
             s.min_qty, s.max_qty, s.discount_rate, s.discount_type, s.discounted_price, s.discounted_unit_price,
             s.min_purchase_amount, s.min_items, s.is_weighted, s.is_coupon, s.allow_multiple, s.remarks, s.clubs,
             s.items, s.content_hash, f.file_time, f.file_id
      FROM forward_promotions f
      JOIN staged_promotions s USING (batch, number)
      ORDER BY f.chain, f.store_id, f.promotion_id
      ON CONFLICT (chain, store_id, promotion_id) DO UPDATE SET
        description = EXCLUDED.description, starts_at = EXCLUDED.starts_at, ends_at = EXCLUDED.ends_at,
        updated_at = EXCLUDED.updated_at, reward_type = EXCLUDED.reward_type, min_qty = EXCLUDED.min_qty,
        max_qty = EXCLUDED.max_qty, discount_rate = EXCLUDED.discount_rate, discount_type = EXCLUDED.discount_type,
        discounted_price = EXCLUDED.discounted_price, discounted_unit_price = EXCLUDED.discounted_unit_price,
        min_purchase_amount = EXCLUDED.min_purchase_amount, min_items = EXCLUDED.min_items,
        is_weighted = EXCLUDED.is_weighted, is_coupon = EXCLUDED.is_coupon, allow_multiple = EXCLUDED.allow_multiple,
        remarks = EXCLUDED.remarks, clubs = EXCLUDED.clubs, items = EXCLUDED.items,
        content_hash = EXCLUDED.content_hash, file_time = EXCLUDED.file_time, file_id = EXCLUDED.file_id,
        ended_at = NULL
      WHERE (EXCLUDED.file_time, EXCLUDED.file_id) > (p.file_time, p.file_id)
      RETURNING 1
    )
    SELECT count(*) FROM written
    """)

  private static let noteFullFiles = MergeStatement("note full promotion files", sql: """
    INSERT INTO full_promotion_files AS p (chain, store_id, file_time, file_id)
    SELECT DISTINCT ON (chain, store_id) chain, store_id, file_time, file_id
    FROM staged_promotion_files
    WHERE ends_set
    ORDER BY chain, store_id, file_time DESC, file_id DESC
    ON CONFLICT (chain, store_id) DO UPDATE SET file_time = EXCLUDED.file_time, file_id = EXCLUDED.file_id
    WHERE (EXCLUDED.file_time, EXCLUDED.file_id) > (p.file_time, p.file_id)
    """)

  /// At the first of the files that no longer have them, as if each had been flushed alone.
  private static let end = MergeStatement("end promotions", .rows(of: "ended_promotions"), sql: """
    WITH missing AS (
      SELECT q.chain, q.store_id, q.promotion_id, min(f.file_time) AS ended_at
      FROM staged_promotion_files f
      JOIN promotions q USING (chain, store_id)
      WHERE f.ends_set AND q.ended_at IS NULL AND (f.file_time, f.file_id) > (q.file_time, q.file_id)
      GROUP BY q.chain, q.store_id, q.promotion_id
    ), ended AS (
      UPDATE promotions AS p SET ended_at = m.ended_at
      FROM missing m
      WHERE p.chain = m.chain AND p.store_id = m.store_id AND p.promotion_id = m.promotion_id
      RETURNING 1
    )
    SELECT count(*) FROM ended
    """)
}
