import Core
import Messages
import Postgres
import ServiceKit

/// Prices of supermarkets and their promotions, as db-writer keeps them.
extension Gateway {
  private static let product = Parameter(
    "product", .word(most: 64), in: .path, "A master's id, or a code that a chain has for it (EAN).")
  private static let chain = Parameter("chain", .word(most: 64), "Of this chain only.")
  private static let store = Parameter("store", .word(most: 64), "Of this store only.")

  var priceEndpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/products/{product}/prices", "prices", "What a product costs in each store, cheapest first.",
        [Self.product, Self.chain, Self.store, Self.limit(100, 1_000), Self.cursor], answer: .prices
      ) { try await prices($0) },
      Endpoint(
        .get, "/products/{product}/prices/history", "priceHistory", "Each change of its price, by its time.",
        [Self.product, Self.chain, Self.store] + Self.range, answer: .priceHistory) { try await history($0) },
      Endpoint(
        .get, "/promotions", "promotions", "Promotions that run, by product or store.",
        [
          Parameter("product", .word(most: 64), "About this product only: a master's id or an EAN."), Self.chain,
          Self.store, Self.limit(100, 1_000), Self.cursor,
        ], answer: .promotions) { try await promotions($0) },
    ]
  }

  /// Rows of a query, each as many texts as it has columns.
  func rows(_ sql: String, _ parameters: [PostgresValue], _ operation: String) async throws -> [PostgresRow] {
    guard let database else { throw Problem.away("postgres", "this gateway has no database") }
    return try await database.rows(sql, parameters, operation)
  }

  /// The masters that a word means, and what the chains call them.
  private static let meant = """
    p.master_id IN (SELECT $1::text UNION SELECT master_id FROM product_masters WHERE ean = $1
                    UNION SELECT survivor_id FROM master_survivors WHERE master_id = $1)
    """

  /// Text of a parameter; NULL where it is not given.
  private func given(_ call: Call, _ name: String) -> PostgresValue {
    call.text(name).isEmpty ? .null : .text(call.text(name))
  }

  private func prices(_ call: Call) async throws -> Reply {
    let (skip, most) = (call.cursor("cursor")?.time ?? 0, call.count("limit"))
    let rows = try await rows("""
      SELECT p.chain, p.store_id, s.name, s.city, p.ean, p.name, p.price, p.unit_price, p.unit_of_measure,
             \(Database.microseconds("p.price_since")), \(Database.microseconds("p.file_time"))
      FROM offers p LEFT JOIN store_names s ON s.chain = p.chain AND s.store_id = p.store_id
      WHERE \(Self.meant) AND ($2::text IS NULL OR p.chain = $2) AND ($3::text IS NULL OR p.store_id = $3)
      ORDER BY p.price, p.chain, p.store_id, p.ean LIMIT $4 OFFSET $5
      """, [
        .text(call.text("product")), given(call, "chain"), given(call, "store"), .int(Int64(most + 1)), .int(skip),
      ], "prices")
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("product", call.text("product"))
    writer.rows("prices", rows.prefix(most), [
      ("chain", .text), ("store_id", .text), ("store", .text), ("city", .text), ("ean", .text), ("name", .text),
      ("price", .number), ("unit_price", .number), ("unit", .text), ("since", .time), ("seen_at", .time),
    ])
    writer.cursor(rows.count > most ? Cursor(time: skip + Int64(most)) : nil)
    writer.truth(Truth(watermark: rows.newest(10)))
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }

  private func history(_ call: Call) async throws -> Reply {
    let (range, most) = (range(call), call.count("limit"))
    let skip = Int64(call.cursor("cursor")?.skipped ?? 0)
    let rows = try await rows("""
      SELECT p.chain, p.store_id, p.ean, p.previous_price, p.price, \(Database.microseconds("p.previous_since")),
             \(Database.microseconds("p.changed_at"))
      FROM price_changes p
      WHERE \(Self.meant) AND ($2::text IS NULL OR p.chain = $2) AND ($3::text IS NULL OR p.store_id = $3)
        AND p.changed_at >= to_timestamp($4::float8 / 1000) AND p.changed_at < to_timestamp($5::float8 / 1000)
      ORDER BY p.changed_at, p.chain, p.store_id, p.ean LIMIT $6 OFFSET $7
      """, [
        .text(call.text("product")), given(call, "chain"), given(call, "store"), .int(range.lowerBound),
        .int(range.upperBound), .int(Int64(most + 1)), .int(skip),
      ], "price history")
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("product", call.text("product"))
    writer.rows("changes", rows.prefix(most), [
      ("chain", .text), ("store_id", .text), ("ean", .text), ("previous_price", .number), ("price", .number),
      ("previous_since", .time), ("changed_at", .time),
    ])
    writer.cursor(rows.next(after: most, time: 6, from: range.lowerBound, skip))
    writer.truth(Truth(watermark: rows.newest(6)))
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }

  private func promotions(_ call: Call) async throws -> Reply {
    let (skip, most) = (call.cursor("cursor")?.time ?? 0, call.count("limit"))
    let rows = try await rows("""
      SELECT p.chain, p.store_id, p.promotion_id, p.description, \(Database.microseconds("p.starts_at")),
             \(Database.microseconds("p.ends_at")), p.ean, p.name, p.price, p.discounted_price, p.discount_rate,
             p.min_qty, p.is_coupon
      FROM promotion_offers p
      WHERE ($1::text IS NULL OR p.ean = $1 OR p.master_id = $1) AND ($2::text IS NULL OR p.chain = $2)
        AND ($3::text IS NULL OR p.store_id = $3) AND p.ended_at IS NULL AND (p.ends_at IS NULL OR p.ends_at > now())
      ORDER BY p.chain, p.store_id, p.promotion_id, p.item_number LIMIT $4 OFFSET $5
      """, [
        given(call, "product"), given(call, "chain"), given(call, "store"), .int(Int64(most + 1)), .int(skip),
      ], "promotions")
    var writer = JSONWriter()
    writer.beginObject()
    writer.rows("promotions", rows.prefix(most), [
      ("chain", .text), ("store_id", .text), ("promotion_id", .text), ("description", .text), ("starts_at", .time),
      ("ends_at", .time), ("ean", .text), ("name", .text), ("price", .number), ("discounted_price", .number),
      ("discount_rate", .number), ("min_qty", .number), ("is_coupon", .boolean),
    ])
    writer.cursor(rows.count > most ? Cursor(time: skip + Int64(most)) : nil)
    writer.truth(Truth())
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }
}
