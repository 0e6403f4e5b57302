import Postgres

/// Statements of `ViewRefresher`.
enum RefreshSQL {
  /// The views of the migrations. Other names in `view_refreshes` are ignored: a name from a table never becomes part
  /// of a statement.
  static let views = ["chain_price_index", "cheapest_by_product", "todays_changes"]

  static let states = """
    SELECT view_name, version, (SELECT coalesce(sum(changes), 0)::bigint FROM kafka_offsets),
           floor(extract(epoch FROM now() - refreshed_at) * 1000)::bigint
    FROM view_refreshes
    WHERE view_name = ANY ($1::text[])
    ORDER BY view_name
    """

  static let note = """
    UPDATE view_refreshes SET version = $2, refreshed_at = now(), seconds = $3::double precision WHERE view_name = $1
    """

  /// Readers keep the old contents until the refresh ends.
  static func refresh(_ view: String, _ dialect: Dialect) -> String {
    switch dialect {
    case .postgresql: "REFRESH MATERIALIZED VIEW CONCURRENTLY \(view)"
    case .cockroachdb: "REFRESH MATERIALIZED VIEW \(view)"
    }
  }

  /// Returns `t` to one replica at a time: by a lock that ends with the session, or by a lease that expires.
  static func take(_ dialect: Dialect, lease: Duration) -> PostgresStatement {
    switch dialect {
    case .postgresql:
      PostgresStatement("SELECT pg_try_advisory_lock($1)", [.int(key)])
    case .cockroachdb:
      PostgresStatement("""
        UPDATE view_refreshes SET leased_until = now() + $1::interval
        WHERE view_name = 'cheapest_by_product' AND leased_until <= now() RETURNING true
        """, [.text("\(lease.components.seconds + 1) seconds")])
    }
  }

  static func release(_ dialect: Dialect) -> String {
    switch dialect {
    case .postgresql: "SELECT pg_advisory_unlock(\(key))"
    case .cockroachdb:
      "UPDATE view_refreshes SET leased_until = now() WHERE view_name = 'cheapest_by_product'"
    }
  }

  /// A unique number among the database's advisory locks.
  private static let key: Int64 = 7_290_058_140_887
}
