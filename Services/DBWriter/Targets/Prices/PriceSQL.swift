/// The staging tables and the merge of prices. `souk-bench copy` runs the same SQL by psql.
enum PriceSQL {
  static let batches = FullList.storeFiles("staged_batches")
  static let full = FullList(table: "prices", headers: batches.name, scope: "store_id", key: ["ean"], code: "ean")

  static let rows = StagingTable("staged_rows", .element, [
    "batch int", "row_number int", "ean text COLLATE \"C\"", "price numeric",
    "unit_price numeric", "unit text", "price_per_unit numeric", "price_updated_at timestamptz",
    "master_id text COLLATE \"C\"", "name text", "manufacturer text", "unit_qty text", "quantity numeric",
    "unit_of_measure text", "is_weighted boolean",
  ])
  static let rowColumns = rows.columns.count

  /// The row that a price or a product is of.
  private static let place = ["file_time", "file_id", "row_number"]
  /// The columns of `prices` and of `products` after the key.
  private static let priceFacts = [
    "price", "unit_price", "unit", "price_per_unit", "price_updated_at", "price_since",
  ] + place
  private static let productFacts = [
    "master_id", "name", "manufacturer", "unit_qty", "quantity", "unit_of_measure", "is_weighted",
  ]

  /// A file may be the first of its month.
  static let ensurePartitions = MergeStatement("make partitions", sql: """
    SELECT ensure_price_history(array(
      SELECT DISTINCT date_trunc('month', file_time AT TIME ZONE 'UTC')::date FROM staged_batches))
    """)

  /// Moves prices forward and records each change, as if every message were flushed alone, in order.
  ///
  /// A staged row counts only when its place (file_time, file_id, row_number) is after those of the table's row and of
  /// every row that arrived before it: `furthest` is the running maximum by arrival. Rows that count are then in
  /// ascending order, so `lag` is the price before each of them. Because of `>`, repeats have no effect.
  /// The statement also records the effect of each file: it counts rows that move a price forward, which a row does
  /// once however often it arrives, so the counts are the same for the same messages.
  ///
  /// A newer full file without the item may exist when a file arrives late; see ``FullList``.
  ///
  /// Result: prices written, changes recorded, prices that are new or have returned.
  static let mergePrices = MergeStatement(
    "merge prices", .rows(of: "prices"), .rows(of: "price_history", areChanges: true), .changes, sql: """
    WITH files AS (
      SELECT b.*, rank() OVER (ORDER BY b.file_time, b.file_id) AS file_rank,
             \(full.isOvertaken("b")) AS is_overtaken
      FROM staged_batches b
    ), arrived AS (
      SELECT f.chain, f.store_id, r.ean, f.file_time, f.file_id, f.is_overtaken, r.row_number, r.price, r.unit_price,
             r.unit, r.price_per_unit, r.price_updated_at, r.batch, f.file_rank * 4294967296 + r.row_number AS place
      FROM files f
      JOIN staged_rows r USING (batch)
    ), placed AS (
      SELECT *, max(place) OVER (
        PARTITION BY chain, store_id, ean ORDER BY batch, row_number
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS furthest
      FROM arrived
    ), forward AS (
      SELECT a.*, c.price AS current_price, c.price_since AS current_since, c.ended_at AS current_end
      FROM placed a
      LEFT JOIN prices c USING (chain, store_id, ean)
      WHERE (a.furthest IS NULL OR a.place > a.furthest)
        AND (c.ean IS NULL
             OR (a.file_time, a.file_id, a.row_number) > (c.file_time, c.file_id, c.row_number))
    ), compared AS (
      SELECT *, lag(price, 1, current_price) OVER one AS previous_price,
             lead(place) OVER one IS NULL AS is_newest
      FROM forward
      WINDOW one AS (PARTITION BY chain, store_id, ean ORDER BY place)
    ), dated AS (
      SELECT *,
             coalesce(max(file_time) FILTER (WHERE price IS DISTINCT FROM previous_price) OVER (
               one ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), current_since) AS previous_since,
             coalesce(max(file_time) FILTER (WHERE price IS DISTINCT FROM previous_price) OVER (
               one ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), current_since) AS price_since
      FROM compared
      WINDOW one AS (PARTITION BY chain, store_id, ean ORDER BY place)
    ), noted AS (
      INSERT INTO price_history AS h
        (chain, store_id, ean, file_time, file_id, row_number, price, previous_price, previous_since)
      SELECT chain, store_id, ean, file_time, file_id, row_number, price, previous_price, previous_since
      FROM dated
      WHERE previous_price IS NOT NULL AND price <> previous_price
      ON CONFLICT DO NOTHING
      RETURNING 1
    ), written AS (
      INSERT INTO prices AS p (chain, store_id, ean, \(priceFacts.listed()), ended_at)
      SELECT chain, store_id, ean, \(priceFacts.listed()), CASE WHEN is_overtaken THEN \(full.endTime(of: "d")) END
      FROM dated d
      WHERE is_newest
      ORDER BY chain, store_id, ean
      ON CONFLICT (chain, store_id, ean) DO UPDATE SET
        \((priceFacts + ["ended_at"]).takenOver)
      WHERE (EXCLUDED.file_time, EXCLUDED.file_id, EXCLUDED.row_number) > (p.file_time, p.file_id, p.row_number)
      RETURNING 1
    ), counted AS (
      INSERT INTO file_effects AS e
        (file_id, chain, store_id, file_time, prices_new, prices_changed, prices_unchanged, written_at)
      SELECT file_id, chain, store_id, max(file_time), count(*) FILTER (WHERE previous_price IS NULL),
             count(*) FILTER (WHERE price <> previous_price), count(*) FILTER (WHERE price = previous_price), now()
      FROM dated
      GROUP BY chain, store_id, file_id
      ORDER BY chain, store_id, file_id
      ON CONFLICT (chain, store_id, file_id) DO UPDATE SET
        prices_new = e.prices_new + EXCLUDED.prices_new,
        prices_changed = e.prices_changed + EXCLUDED.prices_changed,
        prices_unchanged = e.prices_unchanged + EXCLUDED.prices_unchanged, written_at = EXCLUDED.written_at
    )
    SELECT (SELECT count(*) FROM written), (SELECT count(*) FROM noted),
           (SELECT count(*) FROM dated WHERE previous_price IS NULL OR (is_newest AND current_end IS NOT NULL))
    """)

  /// Keeps the newest row of each product from any store, independent of order, so writers of different partitions
  /// agree. Rows are locked in key order, so that writers cannot deadlock, and last in the transaction, so that the
  /// wait is short.
  static let mergeProducts = MergeStatement("merge products", .rows(of: "products"), .changes, sql: """
    WITH newest AS (
      SELECT DISTINCT ON (b.chain, r.ean)
             b.chain, r.ean, \(productFacts.listed(of: "r")), b.file_time, b.file_id, r.row_number
      FROM staged_batches b
      JOIN staged_rows r USING (batch)
      ORDER BY b.chain, r.ean, b.file_time DESC, b.file_id DESC, r.row_number DESC
    ), forward AS (
      SELECT n.*, (\(productFacts.listed(of: "c"))) IS DISTINCT FROM (\(productFacts.listed(of: "n"))) AS differs
      FROM newest n
      LEFT JOIN products c USING (chain, ean)
      WHERE c.ean IS NULL OR (n.file_time, n.file_id, n.row_number) > (c.file_time, c.file_id, c.row_number)
    ), written AS (
      INSERT INTO products AS p (chain, ean, \((productFacts + place).listed()))
      SELECT chain, ean, \((productFacts + place).listed())
      FROM forward
      ORDER BY chain, ean
      ON CONFLICT (chain, ean) DO UPDATE SET
        \((productFacts + place).takenOver)
      WHERE (EXCLUDED.file_time, EXCLUDED.file_id, EXCLUDED.row_number) > (p.file_time, p.file_id, p.row_number)
      RETURNING 1
    )
    SELECT (SELECT count(*) FROM written), (SELECT count(*) FROM forward WHERE differs)
    """)
}
