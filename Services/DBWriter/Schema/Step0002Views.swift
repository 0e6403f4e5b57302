import Postgres

extension DBWriterSchema {
  /// Views for readers. A price of zero is a chain's placeholder, not an offer.
  static let views = Migration(2, "views", sql: """
    CREATE VIEW offers AS
      SELECT p.master_id, x.chain, x.store_id, x.ean, p.name, p.manufacturer, x.price, x.unit_price,
             p.unit_of_measure, x.price_since, x.file_time
      FROM products p
      JOIN prices x USING (chain, ean)
      WHERE x.price > 0;
    COMMENT ON VIEW offers IS 'Every store''s current price of a product; filter by master_id';

    CREATE VIEW cheapest_offers AS
      SELECT DISTINCT ON (master_id)
             master_id, name, chain, store_id, ean, price,
             max(price) OVER product AS highest_price,
             count(*) OVER product AS offers,
             file_time
      FROM offers
      WINDOW product AS (PARTITION BY master_id)
      ORDER BY master_id, price, chain, store_id, ean;
    COMMENT ON VIEW cheapest_offers IS 'The cheapest store of each product, and how many offer it; filter by master_id';

    CREATE VIEW price_changes AS
      SELECT h.chain, h.store_id, h.ean, p.master_id, p.name, h.previous_price, h.price,
             h.price - h.previous_price AS change,
             round(100 * (h.price - h.previous_price) / nullif(h.previous_price, 0), 1) AS change_percent,
             h.previous_since, h.file_time AS changed_at
      FROM price_history h
      LEFT JOIN products p USING (chain, ean);
    COMMENT ON VIEW price_changes IS 'Each change of a price; change_percent is null after a price of zero';

    CREATE VIEW chain_totals AS
      SELECT chain, coalesce(products, 0) AS products, coalesce(stores, 0) AS stores, coalesce(prices, 0) AS prices,
             coalesce(changes, 0) AS changes, newest_file_time
      FROM (SELECT chain, count(*) AS products FROM products GROUP BY chain) AS p
      FULL JOIN (
        SELECT chain, count(DISTINCT store_id) AS stores, count(*) AS prices, max(file_time) AS newest_file_time
        FROM prices GROUP BY chain
      ) AS x USING (chain)
      FULL JOIN (SELECT chain, count(*) AS changes FROM price_history GROUP BY chain) AS h USING (chain);
    COMMENT ON VIEW chain_totals IS 'Rows per chain; counts everything, so it reads the tables in full';
    """)
}
