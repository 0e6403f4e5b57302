import Postgres
import ServiceKit

/// The questions that a run ends with, asked of the database itself.
enum Questions {
  struct Question: Sendable {
    var title: String
    var sql: String
    var columns: [TextTable.Column]
  }

  static let all = [
    Question(
      title: "Where is it cheapest? (the product that most chains sell)",
      sql: """
        WITH product AS (
          SELECT master_id FROM offers GROUP BY master_id
          ORDER BY count(DISTINCT chain) DESC, count(*) DESC, max(price) - min(price) DESC, master_id LIMIT 1)
        SELECT name, chain, store_id, price, to_char(price_since AT TIME ZONE 'Asia/Jerusalem', 'YYYY-MM-DD HH24:MI')
        FROM offers JOIN product USING (master_id)
        ORDER BY price, chain, store_id LIMIT 5
        """,
      columns: ["PRODUCT", "CHAIN", .right("STORE"), .right("PRICE"), "SINCE"]),
    Question(
      title: "What do chains call one product, and what does it cost there?",
      sql: """
        WITH product AS (
          SELECT master_id FROM offers GROUP BY master_id
          ORDER BY count(DISTINCT chain) DESC, count(DISTINCT name) DESC,
                   count(DISTINCT chain) FILTER (WHERE master_id LIKE 'gtin:%' AND length(ean) < 8) DESC, master_id
          LIMIT 1)
        SELECT chain, name, ean, min(price), max(price), master_id
        FROM offers JOIN product USING (master_id)
        GROUP BY chain, name, ean, master_id
        ORDER BY min(price), chain, ean LIMIT 10
        """,
      columns: ["CHAIN", "NAME", .right("CODE"), .right("FROM"), .right("TO"), "MASTER"]),
    Question(
      title: "Which prices moved most?",
      sql: """
        SELECT coalesce(name, ean), chain, store_id, previous_price, price, to_char(change_percent, 'FMSG999990.0')
          || ' %', to_char(changed_at AT TIME ZONE 'Asia/Jerusalem', 'YYYY-MM-DD HH24:MI')
        FROM price_changes WHERE change_percent IS NOT NULL
        ORDER BY abs(change_percent) DESC, chain, store_id, ean, changed_at LIMIT 5
        """,
      columns: ["PRODUCT", "CHAIN", .right("STORE"), .right("BEFORE"), .right("NOW"), .right("CHANGE"), "AT"]),
    Question(
      title: "Rows loaded per chain",
      sql: """
        SELECT chain, stores, products, prices, changes,
               to_char(newest_file_time AT TIME ZONE 'Asia/Jerusalem', 'YYYY-MM-DD HH24:MI')
        FROM chain_totals ORDER BY chain
        """,
      columns: ["CHAIN", .right("STORES"), .right("PRODUCTS"), .right("PRICES"), .right("CHANGES"), "NEWEST FILE"]),
    Question(
      title: "Price index by chain (100 is the average over products that two chains or more sell)",
      sql: "SELECT chain, products, price_index, cheapest FROM chain_price_index ORDER BY price_index, chain LIMIT 10",
      columns: ["CHAIN", .right("PRODUCTS"), .right("INDEX"), .right("CHEAPEST AT")]),
    Question(
      title: "Promotions that save most",
      sql: """
        SELECT coalesce(description, promotion_id), chain, coalesce(store, store_id), coalesce(name, ean), price, deal,
               to_char(ends_at AT TIME ZONE 'Asia/Jerusalem', 'YYYY-MM-DD')
        FROM (
          SELECT DISTINCT ON (o.chain, o.ean) o.*, s.name AS store, round(o.discounted_price
                 / greatest(coalesce(o.min_qty, 1), 1), 2) AS deal
          FROM promotion_offers o
          LEFT JOIN store_names s USING (chain, store_id)
          WHERE o.ended_at IS NULL AND o.discounted_price > 0 AND o.price > 0
          ORDER BY o.chain, o.ean, o.discounted_price / greatest(coalesce(o.min_qty, 1), 1) / o.price
        ) AS best
        WHERE deal < price
        ORDER BY deal / price, chain, ean LIMIT 5
        """,
      columns: ["PROMOTION", "CHAIN", "STORE", "PRODUCT", .right("PRICE"), .right("DEAL"), "UNTIL"]),
    Question(
      title: "Stores with the most prices",
      sql: """
        SELECT s.chain, s.store_id, s.name, s.city,
               (SELECT count(*) FROM prices x
                WHERE x.chain = s.chain AND x.store_id = s.store_id AND x.ended_at IS NULL),
               (SELECT count(*) FROM promotions n
                WHERE n.chain = s.chain AND n.store_id = s.store_id AND n.ended_at IS NULL)
        FROM store_names s WHERE s.ended_at IS NULL ORDER BY 5 DESC, 1, 2 LIMIT 8
        """,
      columns: ["CHAIN", .right("STORE"), "NAME", "CITY", .right("PRICES"), .right("PROMOTIONS")]),
    Question(
      title: "Files by outcome",
      sql: """
        SELECT kind, outcome, count(*), sum(rows_in), sum(prices_new), sum(prices_changed), sum(unchanged),
               sum(rejected)
        FROM files GROUP BY kind, outcome ORDER BY kind, outcome
        """,
      columns: [
        "KIND", "OUTCOME", .right("FILES"), .right("ROWS"), .right("NEW PRICES"), .right("CHANGED"),
        .right("UNCHANGED"), .right("REJECTED"),
      ]),
  ]

  /// How long answers wait for the materialized views to have seen everything.
  private static let limit = Duration.seconds(30)

  /// - Returns: the answers as lines of text.
  static func ask(_ database: String, _ questions: [Question] = all) async throws -> [String] {
    let connection = try await PostgresConnection.open(
      PostgresConfiguration(url: database, applicationName: "souk"))
    let deadline = ContinuousClock.now + limit
    while try await connection.execute(behind, operation: "ask").rows.first?[0] != "0",
      ContinuousClock.now < deadline
    {
      try await Task.sleep(for: .milliseconds(200))
    }
    var lines: [String] = []
    for question in questions {
      let answer = try await connection.execute(question.sql, operation: "ask")
      var table = TextTable(question.columns)
      for row in answer.rows { table.append(row.cells.map { $0 ?? "" }) }
      lines += ["", question.title, ""]
      lines += answer.rows.isEmpty ? ["(nothing)"] : table.lines
    }
    return lines + [""]
  }

  /// Views that have not seen the last changes.
  private static let behind = """
    SELECT count(*) FROM view_refreshes WHERE version <> (SELECT coalesce(sum(changes), 0) FROM kafka_offsets)
    """
}
