import Postgres

extension DBWriterSchema {
  /// Chains, stores, masters, promotions and the ledger of files.
  ///
  /// One topic writes each table, so writers of two topics never wait for each other's rows. The ledger is therefore a
  /// view of two tables: the parsed files, and their effects on prices.
  static let moreTables = Migration(4, "more_tables", sql: """
    CREATE TABLE chains (
      chain text COLLATE "C" NOT NULL,
      chain_id text COLLATE "C" NOT NULL,
      name text,
      file_time timestamptz NOT NULL,
      file_id uuid NOT NULL,
      PRIMARY KEY (chain, chain_id)
    );
    COMMENT ON COLUMN chains.chain IS 'The name of the source; some publish for several chain_id';

    CREATE TABLE sub_chains (
      chain text COLLATE "C" NOT NULL,
      chain_id text COLLATE "C" NOT NULL,
      sub_chain_id text COLLATE "C" NOT NULL,
      name text,
      file_time timestamptz NOT NULL,
      file_id uuid NOT NULL,
      PRIMARY KEY (chain, chain_id, sub_chain_id)
    );

    CREATE TABLE stores (
      chain text COLLATE "C" NOT NULL,
      chain_id text COLLATE "C" NOT NULL,
      sub_chain_id text COLLATE "C" NOT NULL,
      store_id text COLLATE "C" NOT NULL,
      name text,
      type bigint,
      address text,
      city text,
      zip text,
      latitude numeric,
      longitude numeric,
      file_time timestamptz NOT NULL,
      file_id uuid NOT NULL,
      PRIMARY KEY (chain, chain_id, sub_chain_id, store_id)
    );
    CREATE INDEX stores_by_id ON stores (chain, store_id);
    COMMENT ON TABLE stores IS 'The newest word on each store; one that a newer file leaves out stays';

    CREATE TABLE masters (
      master_id text COLLATE "C" PRIMARY KEY,
      gtin text COLLATE "C",
      name text NOT NULL,
      brand text,
      quantity numeric,
      unit text,
      source_file_id uuid,
      minted_at timestamptz NOT NULL
    );

    CREATE TABLE promotions (
      chain text COLLATE "C" NOT NULL,
      store_id text COLLATE "C" NOT NULL,
      promotion_id text COLLATE "C" NOT NULL,
      description text,
      starts_at timestamptz,
      ends_at timestamptz,
      updated_at timestamptz,
      reward_type bigint,
      min_qty numeric,
      max_qty numeric,
      discount_rate numeric,
      discount_type bigint,
      discounted_price numeric,
      discounted_unit_price numeric,
      min_purchase_amount numeric,
      min_items numeric,
      is_weighted boolean,
      is_coupon boolean,
      allow_multiple boolean,
      remarks text,
      clubs text[] NOT NULL,
      items int NOT NULL,
      content_hash bigint NOT NULL,
      ended_at timestamptz,
      file_time timestamptz NOT NULL,
      file_id uuid NOT NULL,
      PRIMARY KEY (chain, store_id, promotion_id)
    ) WITH (fillfactor = 70);
    COMMENT ON TABLE promotions IS
      'A store''s promotions as of the newest file that names each; moves forward only by (file_time, file_id)';
    COMMENT ON COLUMN promotions.ended_at IS
      'file_time of the first full file that no longer has it; null while it runs, and again when it comes back';
    COMMENT ON COLUMN promotions.content_hash IS
      'Of all it says, its items included: the items are written when it changes';

    CREATE TABLE promotion_items (
      chain text COLLATE "C" NOT NULL,
      store_id text COLLATE "C" NOT NULL,
      promotion_id text COLLATE "C" NOT NULL,
      item_number int NOT NULL,
      ean text COLLATE "C" NOT NULL,
      item_type bigint,
      is_gift boolean,
      group_id text,
      reward_type bigint,
      min_qty numeric,
      max_qty numeric,
      discount_rate numeric,
      discounted_price numeric,
      PRIMARY KEY (chain, store_id, promotion_id, item_number)
    );
    CREATE INDEX promotion_items_by_product ON promotion_items (chain, ean);

    CREATE TABLE full_promotion_files (
      chain text COLLATE "C" NOT NULL,
      store_id text COLLATE "C" NOT NULL,
      file_time timestamptz NOT NULL,
      file_id uuid NOT NULL,
      PRIMARY KEY (chain, store_id)
    ) WITH (fillfactor = 50);
    COMMENT ON TABLE full_promotion_files IS
      'The newest full file of each store that arrived to its end: what is older says nothing any more';

    CREATE TABLE parsed_files (
      file_id uuid PRIMARY KEY,
      chain text COLLATE "C" NOT NULL,
      chain_id text,
      sub_chain_id text,
      store_id text COLLATE "C",
      file_name text NOT NULL,
      kind text,
      dialect text,
      outcome text NOT NULL,
      reason text,
      rows bigint NOT NULL,
      distinct_codes bigint NOT NULL,
      duplicates bigint NOT NULL,
      rejected bigint NOT NULL,
      item_refs bigint NOT NULL,
      batches bigint NOT NULL,
      unknown_elements jsonb NOT NULL,
      compression text,
      encoding text,
      bytes bigint NOT NULL,
      xml_bytes bigint NOT NULL,
      file_time timestamptz NOT NULL,
      discovered_at timestamptz,
      downloaded_at timestamptz,
      parsed_at timestamptz,
      parse_ms bigint NOT NULL,
      new_masters bigint NOT NULL,
      matched bigint NOT NULL
    );
    CREATE INDEX parsed_files_by_store ON parsed_files (chain, store_id, file_time);
    COMMENT ON TABLE parsed_files IS 'What the parser said of each file, the last time it parsed it';

    CREATE TABLE file_effects (
      file_id uuid NOT NULL,
      chain text COLLATE "C" NOT NULL,
      store_id text COLLATE "C" NOT NULL,
      file_time timestamptz NOT NULL,
      prices_new bigint NOT NULL,
      prices_changed bigint NOT NULL,
      prices_unchanged bigint NOT NULL,
      written_at timestamptz NOT NULL,
      PRIMARY KEY (chain, store_id, file_id)
    ) WITH (fillfactor = 70);
    COMMENT ON TABLE file_effects IS 'What each file did to the prices; rows that came late or again did nothing';
    COMMENT ON COLUMN file_effects.written_at IS
      'By the clock of the server: of the last transaction that counted here';

    CREATE VIEW files AS
      \(filesColumns)
      FROM parsed_files f
      FULL JOIN file_effects e USING (file_id, chain);
    COMMENT ON VIEW files IS
      'The ledger. Of a price file, rows_in - written - unchanged are rows that were late, repeated or refused';

    CREATE VIEW store_names AS
      SELECT DISTINCT ON (chain, store_id) chain, store_id, name, type, address, city, zip, latitude, longitude
      FROM stores
      ORDER BY chain, store_id, file_time DESC, file_id DESC, chain_id, sub_chain_id;
    COMMENT ON VIEW store_names IS 'One row for each (chain, store_id) of prices and promotions';

    CREATE VIEW promotion_offers AS
      SELECT n.chain, n.store_id, n.promotion_id, n.description, n.starts_at, n.ends_at, n.ended_at, n.min_qty,
             coalesce(i.discounted_price, n.discounted_price) AS discounted_price,
             coalesce(i.discount_rate, n.discount_rate) AS discount_rate, n.is_coupon, n.clubs,
             i.item_number, i.ean, i.is_gift, p.master_id, p.name, x.price
      FROM promotions n
      JOIN promotion_items i USING (chain, store_id, promotion_id)
      LEFT JOIN products p USING (chain, ean)
      LEFT JOIN prices x USING (chain, store_id, ean);
    COMMENT ON VIEW promotion_offers IS
      'Each product of each promotion, with its shelf price; those that run: ended_at is null and ends_at not passed';

    ALTER TABLE prices ADD COLUMN unit text, ADD COLUMN price_per_unit numeric;
    COMMENT ON COLUMN prices.unit IS 'kg, l, m or unit: what price_per_unit is for; comparable between chains';
    ALTER TABLE kafka_offsets ADD COLUMN changes bigint NOT NULL DEFAULT 0;
    COMMENT ON COLUMN kafka_offsets.changes IS 'Grows when a flush changes what readers see; its sum dates the views';
    """)

  /// The query of the view `files`, to which step 7 adds columns.
  static let filesColumns = """
    SELECT file_id, chain, f.sub_chain_id, coalesce(f.store_id, e.store_id) AS store_id,
             f.file_name, f.kind, f.dialect, f.outcome, f.reason, coalesce(f.file_time, e.file_time) AS file_time,
             f.rows AS rows_in, f.duplicates, f.rejected,
             coalesce(e.prices_new, 0) + coalesce(e.prices_changed, 0) AS written,
             coalesce(e.prices_unchanged, 0) AS unchanged,
             coalesce(e.prices_new, 0) AS prices_new, coalesce(e.prices_changed, 0) AS prices_changed,
             f.distinct_codes, f.item_refs, f.batches, f.unknown_elements, f.compression, f.encoding,
             f.bytes, f.xml_bytes,
             f.new_masters, f.matched, f.discovered_at, f.downloaded_at, f.parsed_at, f.parse_ms, e.written_at
    """
}
