import Postgres

extension DBWriterSchema {
  /// For front ends. Each has a unique index, which a concurrent refresh needs.
  static let refreshedViews = Migration(5, "refreshed_views", sql: """
    CREATE MATERIALIZED VIEW cheapest_by_product AS
      SELECT master_id, name, chain, store_id, ean, price, highest_price, offers FROM cheapest_offers;
    CREATE UNIQUE INDEX cheapest_by_product_key ON cheapest_by_product (master_id);

    CREATE MATERIALIZED VIEW chain_price_index AS
      WITH averages AS (
        SELECT master_id, chain, avg(price) AS price FROM offers GROUP BY master_id, chain
      ), compared AS (
        SELECT chain, price, avg(price) OVER product AS mean, min(price) OVER product AS lowest,
               count(*) OVER product AS chains
        FROM averages
        WINDOW product AS (PARTITION BY master_id)
      )
      SELECT chain, count(*) AS products, round(100 * avg(price / mean), 2) AS price_index,
             sum(CASE WHEN price = lowest THEN 1 ELSE 0 END) AS cheapest
      FROM compared
      WHERE chains > 1
      GROUP BY chain;
    CREATE UNIQUE INDEX chain_price_index_key ON chain_price_index (chain);

    CREATE MATERIALIZED VIEW todays_changes AS
      SELECT h.chain, h.store_id, h.ean, p.master_id, p.name, h.previous_price, h.price,
             round(100 * (h.price - h.previous_price) / nullif(h.previous_price, 0), 1) AS change_percent,
             h.file_time AS changed_at, h.file_id, h.row_number
      FROM price_history h
      LEFT JOIN products p USING (chain, ean)
      WHERE h.file_time >= (
        SELECT date_trunc('day', max(file_time) AT TIME ZONE 'Asia/Jerusalem') AT TIME ZONE 'Asia/Jerusalem'
        FROM price_history);
    CREATE UNIQUE INDEX todays_changes_key ON todays_changes (chain, store_id, ean, changed_at, file_id, row_number);

    COMMENT ON MATERIALIZED VIEW cheapest_by_product IS 'The cheapest store of each product, and how many offer it';
    COMMENT ON MATERIALIZED VIEW chain_price_index IS
      'How dear each chain is: the mean, over products that two chains or more sell, of its price in % of all chains''';
    COMMENT ON MATERIALIZED VIEW todays_changes IS 'Changes of prices on the day (in Israel) of the newest one';

    CREATE TABLE view_refreshes (
      view_name text COLLATE "C" PRIMARY KEY,
      version bigint NOT NULL,
      refreshed_at timestamptz NOT NULL,
      seconds double precision NOT NULL,
      leased_until timestamptz NOT NULL
    );
    COMMENT ON COLUMN view_refreshes.version IS 'The sum of kafka_offsets.changes that the view has seen, at least';
    INSERT INTO view_refreshes (view_name, version, refreshed_at, seconds, leased_until)
    VALUES ('cheapest_by_product', 0, now(), 0, now()), ('chain_price_index', 0, now(), 0, now()),
           ('todays_changes', 0, now(), 0, now());
    """)
}
