import Postgres

extension DBWriterSchema {
  /// Codes are compared as bytes (`COLLATE "C"`): the same order on every server, which is also the order rows are
  /// locked in. Nothing here depends on when it was written, so the same messages always give the same tables.
  static let tables = Migration(1, "tables", sql: """
    CREATE TABLE products (
      chain text COLLATE "C" NOT NULL,
      ean text COLLATE "C" NOT NULL,
      master_id text COLLATE "C" NOT NULL,
      name text,
      manufacturer text,
      unit_qty text,
      quantity numeric,
      unit_of_measure text,
      is_weighted boolean,
      file_time timestamptz NOT NULL,
      file_id uuid NOT NULL,
      row_number int NOT NULL,
      PRIMARY KEY (chain, ean)
    ) WITH (fillfactor = 85);
    CREATE INDEX products_by_master ON products (master_id);
    COMMENT ON TABLE products IS
      'What a chain says about a product; the newest row by (file_time, file_id, row_number) of any of its stores';

    CREATE TABLE prices (
      chain text COLLATE "C" NOT NULL,
      store_id text COLLATE "C" NOT NULL,
      ean text COLLATE "C" NOT NULL,
      price numeric NOT NULL,
      unit_price numeric,
      price_updated_at timestamptz,
      price_since timestamptz NOT NULL,
      file_time timestamptz NOT NULL,
      file_id uuid NOT NULL,
      row_number int NOT NULL,
      PRIMARY KEY (chain, store_id, ean)
    ) WITH (fillfactor = 85);
    CREATE INDEX prices_by_product ON prices (chain, ean);
    COMMENT ON TABLE prices IS
      'The current price of a product at a store; moves forward only by (file_time, file_id, row_number)';
    COMMENT ON COLUMN prices.price_updated_at IS 'When the chain says it changed the price';
    COMMENT ON COLUMN prices.price_since IS 'file_time of the file in which the current price was first seen';

    CREATE TABLE price_history (
      \(historyColumns)
    );
    CREATE INDEX price_history_by_time ON price_history USING brin (file_time);
    COMMENT ON TABLE price_history IS
      'One row per real change of a price: never for its first sighting, a repeat, or a late file';

    CREATE TABLE kafka_offsets (
      cluster_id text COLLATE "C" NOT NULL,
      consumer_group text COLLATE "C" NOT NULL,
      topic text COLLATE "C" NOT NULL,
      partition int NOT NULL,
      next_offset bigint NOT NULL,
      PRIMARY KEY (cluster_id, consumer_group, topic, partition)
    ) WITH (fillfactor = 50);
    COMMENT ON COLUMN kafka_offsets.next_offset IS
      'The first record not yet in the tables; -1 when none is. Moved in the transaction that writes the rows';
    """)
}
