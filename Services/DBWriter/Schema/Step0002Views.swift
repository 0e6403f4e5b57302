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

    \(historyViews)
    """)
}
