import Postgres

/// The three questions that a run ends with, asked of the database itself.
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
      columns: [.init("PRODUCT"), .init("CHAIN"), .init("STORE", .right), .init("PRICE", .right), .init("SINCE")]),
    Question(
      title: "Which prices moved most?",
      sql: """
        SELECT coalesce(name, ean), chain, store_id, previous_price, price, to_char(change_percent, 'FMSG999990.0')
          || ' %', to_char(changed_at AT TIME ZONE 'Asia/Jerusalem', 'YYYY-MM-DD HH24:MI')
        FROM price_changes WHERE change_percent IS NOT NULL
        ORDER BY abs(change_percent) DESC, chain, store_id, ean, changed_at LIMIT 5
        """,
      columns: [
        .init("PRODUCT"), .init("CHAIN"), .init("STORE", .right), .init("BEFORE", .right), .init("NOW", .right),
        .init("CHANGE", .right), .init("AT"),
      ]),
    Question(
      title: "How much is there of each chain?",
      sql: """
        SELECT chain, stores, products, prices, changes,
               to_char(newest_file_time AT TIME ZONE 'Asia/Jerusalem', 'YYYY-MM-DD HH24:MI')
        FROM chain_totals ORDER BY chain
        """,
      columns: [
        .init("CHAIN"), .init("STORES", .right), .init("PRODUCTS", .right), .init("PRICES", .right),
        .init("CHANGES", .right), .init("NEWEST FILE"),
      ]),
  ]

  /// - Returns: the answers as lines of text.
  static func ask(_ database: String) async throws -> [String] {
    let connection = try await PostgresConnection.open(
      PostgresConfiguration(url: database, applicationName: "souk"))
    var lines: [String] = []
    for question in all {
      let answer = try await connection.execute(question.sql, operation: "ask")
      var table = TextTable(question.columns)
      for row in answer.rows { table.append(row.cells.map { $0 ?? "" }) }
      lines += ["", question.title, ""]
      lines += answer.rows.isEmpty ? ["(nothing)"] : table.lines
    }
    return lines + [""]
  }
}
