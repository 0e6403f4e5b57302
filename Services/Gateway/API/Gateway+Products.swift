import Core
import Messages
import Postgres
import ServiceKit
import Values

/// Products by their names, what chains call one, what several cost together, and when files of a chain came.
extension Gateway {
  private static let product = Parameter(
    "product", .word(most: 64), in: .path, "A master's id, or a code that a chain has for it (EAN).")

  var productEndpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/products", "products", "Products by words of their names, in any language, or by a code.",
        [
          Parameter("q", .text(most: 200), isRequired: true, """
            Words that all stand in the name that a chain gives, in any order; or an EAN, or a master's id.
            """), Self.limit(50, 200), Self.cursor,
        ], answer: .products) { try await products($0) },
      Endpoint(
        .get, "/products/{product}", "product", "What each chain calls a product.", [Self.product],
        answer: .product, mayBeUnknown: true) { try await product($0) },
      Endpoint(
        .get, "/basket", "basket", "What some products cost together: in one store of each chain, and split.",
        [Parameter("products", .words(most: 40), isRequired: true, "Masters' ids or EANs, separated by commas.")],
        answer: .basket) { try await basket($0.texts("products")) },
      Endpoint(
        .get, "/chains", "chains", "When price files of each chain came, and when none came for long.",
        [
          Parameter("start", .time, "Files from here on; default 30 days ago."),
          Parameter("end", .time, "Files up to here, not included; default now."),
          Parameter("silence", .count(standard: 26, most: 8_760), "Hours without a file that are told of."),
        ], answer: .chains) { try await chains($0) },
    ]
  }

  /// SQL patterns of ILIKE, one for each word of a text: a name has to have all of them.
  static func patterns(_ text: String) -> [String] {
    text.split { $0.isWhitespace }.map { word in
      "%" + word.map { "\\%_".contains($0) ? "\\\($0)" : "\($0)" }.joined() + "%"
    }
  }

  /// The masters that the words of a basket or a path mean: `words(word, place)` has to be there.
  private static let meant = """
    meant AS (
      SELECT DISTINCT w.place, w.word, m.id
      FROM words w, LATERAL (
        SELECT w.word AS id UNION SELECT master_id FROM product_masters WHERE ean = w.word
        UNION SELECT survivor_id FROM master_survivors WHERE master_id = w.word) m)
    """

  private func products(_ call: Call) async throws -> Reply {
    let (skip, most, text) = (call.cursor("cursor")?.time ?? 0, call.count("limit"), call.text("q"))
    let patterns = Self.patterns(text)
    guard !patterns.isEmpty else { throw Problem.badParameter("q", "has no word") }
    let rows = try await rows("""
      WITH found AS (
        SELECT master_id, count(DISTINCT chain) AS chains FROM product_masters
        WHERE name ILIKE ALL ($1::text[]) OR ean = $2 OR master_id = $2
        GROUP BY master_id ORDER BY 2 DESC, 1 LIMIT $3 OFFSET $4)
      SELECT f.master_id, m.gtin, m.name, m.brand, m.quantity, m.unit, n.chains, n.names, x.stores, x.lowest, x.highest,
             \(Database.microseconds("x.newest"))
      FROM found f
      LEFT JOIN masters m USING (master_id)
      LEFT JOIN LATERAL (
        SELECT count(DISTINCT p.chain) AS chains,
               coalesce(json_agg(DISTINCT p.name) FILTER (WHERE p.name IS NOT NULL), '[]') AS names
        FROM product_masters p WHERE p.master_id = f.master_id) n ON true
      LEFT JOIN LATERAL (
        SELECT count(*) AS stores, min(o.price) AS lowest, max(o.price) AS highest, max(o.file_time) AS newest
        FROM offers o WHERE o.master_id = f.master_id) x ON true
      ORDER BY f.chains DESC, f.master_id
      """, [
        .texts(patterns), .text(text), .int(Int64(most + 1)), .int(skip),
      ], "products")
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("q", text)
    writer.rows("products", rows.prefix(most), [
      ("product", .text), ("gtin", .text), ("name", .text), ("brand", .text), ("quantity", .number), ("unit", .text),
      ("chains", .number), ("names", .json), ("stores", .number), ("lowest", .number), ("highest", .number),
      ("seen_at", .time),
    ])
    writer.cursor(rows.count > most ? Cursor(time: skip + Int64(most)) : nil)
    writer.truth(Truth(watermark: rows.newest(11)))
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }

  private func product(_ call: Call) async throws -> Reply {
    let word = call.text("product")
    let rows = try await rows("""
      WITH words AS (SELECT $1::text AS word, 1 AS place), \(Self.meant)
      SELECT p.chain, p.ean, p.name, p.manufacturer, p.unit_qty, p.quantity, p.unit_of_measure, p.is_weighted,
             \(Database.microseconds("p.file_time")), p.master_id, m.gtin, m.name, m.brand, m.quantity, m.unit
      FROM meant i JOIN product_masters p ON p.master_id = i.id LEFT JOIN masters m ON m.master_id = p.master_id
      ORDER BY p.chain, p.ean, p.master_id LIMIT 1000
      """, [.text(word)], "product")
    guard let first = rows.first else { throw Problem(404, "unknown_product", "no chain has \(word)") }
    var writer = JSONWriter()
    writer.beginObject()
    for (name, place) in [("product", 9), ("gtin", 10), ("name", 11), ("brand", 12), ("unit", 14)] {
      writer.text(name, first[place])
    }
    writer.key("quantity")
    if let quantity = first[13], HotStore.isNumber(quantity) { writer.raw(quantity) } else { writer.null() }
    writer.rows("names", rows, [
      ("chain", .text), ("ean", .text), ("name", .text), ("manufacturer", .text), ("unit_qty", .text),
      ("quantity", .number), ("unit", .text), ("is_weighted", .boolean), ("seen_at", .time),
    ])
    writer.truth(Truth(watermark: rows.newest(8)))
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }

  private func basket(_ products: [String]) async throws -> Reply {
    let rows = try await rows("""
      WITH words AS (SELECT * FROM unnest($1::text[]) WITH ORDINALITY AS w (word, place)), \(Self.meant)
      SELECT i.place - 1, o.chain, o.store_id, min(o.price), \(Database.microseconds("max(o.file_time)")),
             min(o.name)
      FROM meant i JOIN offers o ON o.master_id = i.id
      GROUP BY i.place, o.chain, o.store_id ORDER BY i.place, o.chain, o.store_id
      """, [.texts(products)], "basket")
    let offers = rows.compactMap { row -> Basket.Offer? in
      guard let place = row[0].flatMap({ Int($0) }), let chain = row[1], let store = row[2],
        let price = row[3].flatMap({ ExactDecimal(approximating: $0) }) else { return nil }
      return Basket.Offer(product: place, chain: chain, store: store, price: price)
    }
    let basket = Basket(of: products.count, offers)
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("products")
    writer.beginArray()
    for (place, product) in products.enumerated() {
      writer.beginObject()
      writer.field("product", product)
      writer.text("name", rows.first { $0[0] == "\(place)" }.flatMap { $0[5] })
      writer.key("cheapest")
      basket.cheapest[place].write(to: &writer)
      writer.endObject()
    }
    writer.endArray()
    writer.key("split_total")
    if let total = basket.splitTotal { writer.number(total) } else { writer.null() }
    writer.key("chains")
    writer.beginArray()
    for store in basket.chains {
      writer.beginObject()
      writer.field("chain", store.chain)
      writer.field("store_id", store.store)
      writer.key("total")
      writer.number(store.total)
      writer.key("prices")
      writer.beginArray()
      for price in store.prices { if let price { writer.number(price) } else { writer.null() } }
      writer.endArray()
      writer.key("missing")
      writer.integer(Int64(store.missing))
      writer.endObject()
    }
    writer.endArray()
    writer.truth(Truth(watermark: rows.newest(4)))
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }

  private func chains(_ call: Call) async throws -> Reply {
    let end = call.time("end") ?? now() + 1
    let rows = try await rows("""
      WITH files AS (
        SELECT chain, file_time, lag(file_time) OVER (PARTITION BY chain ORDER BY file_time) AS before
        FROM file_effects
        WHERE file_time >= to_timestamp($1::float8 / 1000) AND file_time < to_timestamp($2::float8 / 1000))
      SELECT f.chain, (SELECT min(c.name) FROM chains c WHERE c.chain = f.chain), count(*),
             \(Database.microseconds("min(f.file_time)")), \(Database.microseconds("max(f.file_time)")),
             coalesce(json_agg(json_build_object('from', \(Self.text("f.before")), 'to', \(Self.text("f.file_time")))
                               ORDER BY f.before)
                      FILTER (WHERE f.file_time - f.before > make_interval(hours => $3::int)), '[]')
      FROM files f GROUP BY f.chain ORDER BY f.chain
      """, [
        .int(call.time("start") ?? max(0, now() - 30 * 86_400_000)), .int(end), .int(Int64(call.count("silence"))),
      ], "chains")
    var writer = JSONWriter()
    writer.beginObject()
    writer.rows("chains", rows, [
      ("chain", .text), ("name", .text), ("files", .number), ("oldest_file", .time), ("newest_file", .time),
      ("silences", .json),
    ])
    writer.truth(Truth(watermark: rows.newest(4)))
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }

  /// SQL of a time as RFC 3339 in UTC, to the second.
  private static func text(_ column: String) -> String {
    "to_char(\(column) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
  }
}

/// What some products cost together, exactly.
struct Basket: Sendable {
  struct Offer: Hashable, Sendable {
    /// Its place in the basket.
    var product: Int
    var chain: String
    var store: String
    var price: ExactDecimal

    func write(to writer: inout JSONWriter) {
      writer.beginObject()
      writer.field("chain", chain)
      writer.field("store_id", store)
      writer.key("price")
      writer.number(price)
      writer.endObject()
    }
  }
  /// One shop for all of it.
  struct Store: Hashable, Sendable {
    var chain: String
    var store: String
    /// By place; nil for what the store does not have.
    var prices: [ExactDecimal?]
    /// Of what it has.
    var total: ExactDecimal

    var missing: Int { prices.count { $0 == nil } }
  }
  /// By place, where each product is cheapest; nil for one that no store has.
  private(set) var cheapest: [Offer?]
  /// Of the cheapest offers; nil when a product has none.
  private(set) var splitTotal: ExactDecimal?
  /// The best store of each chain: those that lack least first, then the cheapest.
  private(set) var chains: [Store] = []

  init(of count: Int, _ offers: [Offer]) {
    cheapest = Array(repeating: nil, count: count)
    var stores: [String: [String: Store]] = [:]
    for offer in offers where offer.product < count {
      if cheapest[offer.product].map({ offer.price < $0.price }) ?? true { cheapest[offer.product] = offer }
      let empty = Store(
        chain: offer.chain, store: offer.store, prices: Array(repeating: nil, count: count), total: .zero)
      stores[offer.chain, default: [:]][offer.store, default: empty].prices[offer.product] = offer.price
    }
    splitTotal = cheapest.contains { $0 == nil } ? nil : Self.sum(cheapest.map { $0?.price })
    chains = stores.values.compactMap { stores in
      stores.values.compactMap { store in
        guard let total = Self.sum(store.prices) else { return nil }
        var store = store
        store.total = total
        return store
      }.min(by: Self.isBetter)
    }.sorted(by: Self.isBetter)
  }

  private static func isBetter(_ first: Store, _ second: Store) -> Bool {
    (first.missing, first.total, first.chain, first.store) < (second.missing, second.total, second.chain, second.store)
  }

  /// nil for more digits than a decimal holds.
  private static func sum(_ prices: [ExactDecimal?]) -> ExactDecimal? {
    var sum: ExactDecimal? = .zero
    for case let price? in prices { sum = sum?.adding(price) }
    return sum
  }
}

extension Basket.Offer? {
  fileprivate func write(to writer: inout JSONWriter) {
    if let self { self.write(to: &writer) } else { writer.null() }
  }
}
