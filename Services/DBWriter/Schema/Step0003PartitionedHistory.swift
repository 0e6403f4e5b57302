import Postgres

extension DBWriterSchema {
  /// One partition per month, created by the first file of that month. There is no default partition, which PostgreSQL
  /// would have to scan for every new one. Old months are dropped as tables.
  ///
  /// A partition is created as a table and then attached, because readers and writers of the others can continue;
  /// `CREATE TABLE ... PARTITION OF` would wait for every query on the history and block all later ones.
  static let partitionedHistory = Migration(3, "partitioned_history", sql: """
    DROP VIEW chain_totals;
    DROP VIEW price_changes;
    ALTER TABLE price_history RENAME TO unpartitioned_history;
    ALTER INDEX price_history_pkey RENAME TO unpartitioned_history_pkey;
    ALTER INDEX price_history_by_time RENAME TO unpartitioned_history_by_time;

    CREATE TABLE price_history (
      \(historyColumns)
    ) PARTITION BY RANGE (file_time);
    CREATE INDEX price_history_by_time ON price_history (file_time);
    COMMENT ON TABLE price_history IS
      'One row per real change of a price: never for its first sighting, a repeat, or a late file; by month (UTC)';

    -- As its owner, so that a writer needs no right to create tables.
    CREATE FUNCTION ensure_price_history(months date[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    DECLARE
      month date;
      part text;
      name text;
      copy int;
    BEGIN
      FOREACH month IN ARRAY months LOOP
        part := 'price_history_' || to_char(month, 'YYYY_MM');
        CONTINUE WHEN EXISTS (
          SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
          WHERE i.inhparent = 'price_history'::regclass AND (c.relname = part OR c.relname LIKE part || '\\_%'));
        PERFORM pg_advisory_xact_lock(7290058140886);
        -- Somebody else may have made it while this one waited.
        CONTINUE WHEN EXISTS (
          SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
          WHERE i.inhparent = 'price_history'::regclass AND (c.relname = part OR c.relname LIKE part || '\\_%'));
        name := part;
        copy := 1;
        -- A month that was detached to be kept elsewhere still has its name.
        WHILE to_regclass(quote_ident(name)) IS NOT NULL LOOP
          copy := copy + 1;
          name := part || '_' || copy;
        END LOOP;
        EXECUTE format('CREATE TABLE %I (LIKE price_history INCLUDING ALL)', name);
        EXECUTE format('ALTER TABLE price_history ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name,
          month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
      END LOOP;
    END
    $$;
    REVOKE ALL ON FUNCTION ensure_price_history(date[]) FROM PUBLIC;

    SELECT ensure_price_history(array(
      SELECT DISTINCT date_trunc('month', file_time AT TIME ZONE 'UTC')::date FROM unpartitioned_history));
    INSERT INTO price_history
      (chain, store_id, ean, file_time, file_id, row_number, price, previous_price, previous_since)
    SELECT chain, store_id, ean, file_time, file_id, row_number, price, previous_price, previous_since
    FROM unpartitioned_history;
    DROP TABLE unpartitioned_history;

    \(historyViews)
    """)

  /// The history as one table, for servers without range partitions.
  static let plainHistory = Migration(3, "plain_history", sql: """
    CREATE INDEX price_history_by_file_time ON price_history (file_time);
    """)

  static let historyColumns = """
    chain text COLLATE "C" NOT NULL,
      store_id text COLLATE "C" NOT NULL,
      ean text COLLATE "C" NOT NULL,
      file_time timestamptz NOT NULL,
      file_id uuid NOT NULL,
      row_number int NOT NULL,
      price numeric NOT NULL,
      previous_price numeric NOT NULL,
      previous_since timestamptz NOT NULL,
      PRIMARY KEY (chain, store_id, ean, file_time, file_id, row_number)
    """

  /// The views of the history, which the partitioned one needs anew.
  static let historyViews = """
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
    """
}
