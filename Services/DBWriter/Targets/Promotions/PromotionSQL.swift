/// The staging tables and the merge of promotions.
///
/// A promotion moves forward by (file_time, file_id), and ends by ``FullList``.
enum PromotionSQL {
  static let files = FullList.storeFiles("staged_promotion_files")
  static let full = FullList(
    table: "promotions", headers: files.name, scope: "store_id", key: ["promotion_id"], code: "promotion_id")

  static let promotions = StagingTable("staged_promotions", .element, [
    "batch int", "number int", "promotion_id text COLLATE \"C\"", "description text",
    "starts_at timestamptz", "ends_at timestamptz", "updated_at timestamptz", "reward_type bigint", "min_qty numeric",
    "max_qty numeric", "discount_rate numeric", "discount_type bigint", "discounted_price numeric",
    "discounted_unit_price numeric", "min_purchase_amount numeric", "min_items numeric", "is_weighted boolean",
    "is_coupon boolean", "allow_multiple boolean", "remarks text", "clubs text[]", "items int",
    "content_hash bigint",
  ])

  static let items = StagingTable("staged_promotion_items", .part, [
    "batch int", "number int", "item_number int", "ean text COLLATE \"C\"",
    "item_type bigint", "is_gift boolean", "group_id text", "reward_type bigint", "min_qty numeric", "max_qty numeric",
    "discount_rate numeric", "discounted_price numeric",
  ])

  /// The staged promotions that move forward, and whether they differ.
  static let forward = StagingTable("forward_promotions", .element, [
    "batch int", "number int", "chain text COLLATE \"C\"",
    "store_id text COLLATE \"C\"", "promotion_id text COLLATE \"C\"",
    "file_time timestamptz", "file_id uuid", "differs boolean",
  ])

  static let merge = [full.note, choose, dropItems, addItems, write, full.end]

  /// Of a promotion that one file has twice, the first counts.
  private static let choose = MergeStatement("choose promotions", sql: """
    WITH newest AS (
      SELECT DISTINCT ON (f.chain, f.store_id, s.promotion_id)
             s.batch, s.number, f.chain, f.store_id, s.promotion_id, f.file_time, f.file_id, s.content_hash
      FROM staged_promotion_files f
      JOIN staged_promotions s USING (batch)
      ORDER BY f.chain, f.store_id, s.promotion_id, f.file_time DESC, f.file_id DESC, s.batch, s.number
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

  private static let addItems = MergeStatement("add promotion items", into: "promotion_items", """
    INSERT INTO promotion_items (chain, store_id, promotion_id, \(items.names.listed()))
    SELECT f.chain, f.store_id, f.promotion_id, \(items.names.listed(of: "i"))
    FROM forward_promotions f
    JOIN staged_promotion_items i USING (batch, number)
    WHERE f.differs
    """)

  private static let write = MergeStatement("merge promotions", into: "promotions", """
    INSERT INTO promotions AS p (chain, store_id, \(promotions.names.listed()), file_time, file_id, ended_at)
    SELECT f.chain, f.store_id, \(promotions.names.listed(of: "s")), f.file_time, f.file_id, \(full.endTime(of: "f"))
    FROM forward_promotions f
    JOIN staged_promotions s USING (batch, number)
    ORDER BY f.chain, f.store_id, f.promotion_id
    ON CONFLICT (chain, store_id, promotion_id) DO UPDATE SET
      \((promotions.names.dropFirst() + ["file_time", "file_id", "ended_at"]).takenOver)
    WHERE (EXCLUDED.file_time, EXCLUDED.file_id) > (p.file_time, p.file_id)
    """)
}
