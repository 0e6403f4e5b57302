import Postgres

extension DBWriterSchema {
  /// Prices and branches end like promotions. Every closed full file is kept, so that the end of a row does not depend
  /// on the order of messages. Views omit ended rows.
  static let ended = Migration(7, "ended", sql: """
    ALTER TABLE prices ADD COLUMN ended_at timestamptz;
    COMMENT ON COLUMN prices.ended_at IS
      'file_time of the first full file that no longer has it; null while it is for sale, and again when it comes back';
    ALTER TABLE stores ADD COLUMN ended_at timestamptz;
    COMMENT ON TABLE stores IS 'The newest word on each store';
    COMMENT ON COLUMN stores.ended_at IS
      'file_time of the first stores file that no longer has it; null while it is open, and again when it comes back';

    CREATE TABLE full_files (
      list text COLLATE "C" NOT NULL,
      chain text COLLATE "C" NOT NULL,
      scope text COLLATE "C" NOT NULL,
      file_time timestamptz NOT NULL,
      file_id uuid NOT NULL,
      also_named text[] NOT NULL,
      PRIMARY KEY (list, chain, scope, file_time, file_id)
    );
    COMMENT ON TABLE full_files IS
      'Full files that were read to their end: what they no longer have has ended, however late a message comes';
    COMMENT ON COLUMN full_files.list IS 'prices, promotions or stores';
    COMMENT ON COLUMN full_files.scope IS 'What the file is full for: store_id; of stores chain_id';
    COMMENT ON COLUMN full_files.also_named IS 'What the file names in rows that could not be used: it has not ended';
    INSERT INTO full_files (list, chain, scope, file_time, file_id, also_named)
    SELECT 'promotions', chain, store_id, file_time, file_id, '{}' FROM full_promotion_files;
    DROP TABLE full_promotion_files;

    CREATE VIEW closed_stores AS
      SELECT chain, store_id, max(ended_at) AS ended_at
      FROM stores
      GROUP BY chain, store_id
      HAVING bool_and(ended_at IS NOT NULL);
    COMMENT ON VIEW closed_stores IS 'Stores that the newest stores files no longer have';

    CREATE OR REPLACE VIEW offers AS
      SELECT p.master_id, x.chain, x.store_id, x.ean, p.name, p.manufacturer, x.price, x.unit_price,
             p.unit_of_measure, x.price_since, x.file_time
      FROM products p
      JOIN prices x USING (chain, ean)
      WHERE x.price > 0 AND x.ended_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM closed_stores s
        WHERE s.chain = x.chain AND s.store_id = x.store_id AND s.ended_at >= x.file_time);
    COMMENT ON VIEW offers IS
      'Every open store''s current price of a product it still has; filter by master_id. A closed store that goes on '
      'publishing prices is open';

    CREATE OR REPLACE VIEW chain_totals AS
      SELECT chain, coalesce(products, 0) AS products, coalesce(stores, 0) AS stores, coalesce(prices, 0) AS prices,
             coalesce(changes, 0) AS changes, newest_file_time
      FROM (SELECT chain, count(*) AS products FROM products GROUP BY chain) AS p
      FULL JOIN (
        SELECT chain, count(DISTINCT CASE WHEN ended_at IS NULL THEN store_id END) AS stores,
               count(CASE WHEN ended_at IS NULL THEN 1 END) AS prices, max(file_time) AS newest_file_time
        FROM prices GROUP BY chain
      ) AS x USING (chain)
      FULL JOIN (SELECT chain, count(*) AS changes FROM price_history GROUP BY chain) AS h USING (chain);
    COMMENT ON VIEW chain_totals IS
      'Rows per chain, without prices that have ended; counts everything, so it reads the tables in full';

    CREATE OR REPLACE VIEW store_names AS
      SELECT DISTINCT ON (chain, store_id) chain, store_id, name, type, address, city, zip, latitude, longitude,
             ended_at
      FROM stores
      ORDER BY chain, store_id, (ended_at IS NOT NULL), file_time DESC, file_id DESC, chain_id, sub_chain_id;
    COMMENT ON VIEW store_names IS
      'One row for each (chain, store_id) of prices and promotions; ended_at is null for those that are open';

    CREATE OR REPLACE VIEW promotion_offers AS
      SELECT n.chain, n.store_id, n.promotion_id, n.description, n.starts_at, n.ends_at,
             coalesce(n.ended_at, s.ended_at) AS ended_at, n.min_qty,
             coalesce(i.discounted_price, n.discounted_price) AS discounted_price,
             coalesce(i.discount_rate, n.discount_rate) AS discount_rate, n.is_coupon, n.clubs,
             i.item_number, i.ean, i.is_gift, p.master_id, p.name, x.price
      FROM promotions n
      JOIN promotion_items i USING (chain, store_id, promotion_id)
      LEFT JOIN closed_stores s ON s.chain = n.chain AND s.store_id = n.store_id AND s.ended_at >= n.file_time
      LEFT JOIN products p ON p.chain = n.chain AND p.ean = i.ean
      LEFT JOIN prices x ON x.chain = n.chain AND x.store_id = n.store_id AND x.ean = i.ean AND x.ended_at IS NULL;
    COMMENT ON VIEW promotion_offers IS
      'Each product of each promotion, with its shelf price; those that run: ended_at is null and ends_at not passed';

    ALTER TABLE parsed_files ADD COLUMN defects jsonb NOT NULL DEFAULT '{}',
                             ADD COLUMN unknown_words jsonb NOT NULL DEFAULT '{}';
    CREATE OR REPLACE VIEW files AS
      \(filesColumns),
             f.defects, f.unknown_words
      FROM parsed_files f
      FULL JOIN file_effects e USING (file_id, chain);
    """)
}
