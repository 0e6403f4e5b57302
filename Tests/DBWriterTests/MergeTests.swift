@testable import DBWriterService
import LocalServers
import Messages
import Pipeline
import Testing
import TestSupport
import Values

/// The tables after some messages, compared with a model that handles one row after the other.
@Suite struct MergeTests {
  @Test func pricesMoveForwardOnly() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    _ = try await store.start([source()])
    let prices = [(hour: 5, "10.00"), (3, "9.00"), (5, "11.00"), (7, "10.0"), (6, "1.00"), (8, "12.50")]
    for (index, (hour, price)) in prices.enumerated() {
      try store.append(source(), Int64(index), ingest(hour: hour, [item("1", price)]))
    }
    _ = try await store.flushStaged()
    #expect(try await fixture.psql("SELECT price, price_since, file_time FROM prices")
      == "12.50|2025-01-20 08:00:00+00|2025-01-20 08:00:00+00\n")
    // 10.00 -> 10.0 is the same price; the late hours 3 and 6 changed nothing.
    #expect(try await fixture.psql("SELECT previous_price, previous_since, price, file_time FROM price_history")
      == "10.0|2025-01-20 05:00:00+00|12.50|2025-01-20 08:00:00+00\n")
  }

  @Test func allChangesWithinOneFlushAreKept() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    _ = try await store.start([source()])
    for (index, price) in ["1", "2", "2", "3", "1"].enumerated() {
      try store.append(source(), Int64(index), ingest(hour: index, [item("1", price)]))
    }
    let report = try await store.flushStaged()
    #expect(report.staged == ["prices": 5])
    #expect(report.written == ["prices": 1, "price_history": 3, "products": 1, "ended_prices": 0])
    // One price seen for the first time, three changed, one new product.
    #expect(report.changes == 5)
    let effects = "SELECT prices_new, prices_changed, prices_unchanged FROM file_effects ORDER BY file_time"
    #expect(try await fixture.psql(effects)
      == "1|0|0\n0|1|0\n0|0|1\n0|1|0\n0|1|0\n")
    #expect(try await fixture.psql("SELECT previous_price, price FROM price_history ORDER BY file_time")
      == "1|2\n2|3\n3|1\n")
  }

  @Test func productsAreTheNewestOfAllStores() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    _ = try await store.start([source(0), source(1)])
    try store.append(source(0), 0, ingest(store: "1", hour: 2, [item("1", "5", name: "newer")]))
    try store.append(source(1), 0, ingest(store: "2", hour: 1, [item("1", "6", name: "older")]))
    _ = try await store.flushStaged()
    #expect(try await fixture.psql("SELECT name, file_time FROM products") == "newer|2025-01-20 02:00:00+00\n")
    #expect(try await fixture.prices() == "chain|1|1|5\nchain|2|1|6\n")
  }

  @Test func aStoredItemIsTheMessagesToTheDigit() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    _ = try await store.start([source()])
    var full = item("07290", "0.00", row: 7, name: "חלב \"3%\" \\ \n₪")
    full.manufacturer = ""
    full.unitQty = "ליטר"
    full.quantity = ExactDecimal("1.000")
    full.unitOfMeasure = "100 מ\"ל"
    full.unitPrice = ExactDecimal("0.645000")
    full.isWeighted = false
    full.priceUpdatedAt = Timestamp(microseconds: 1_737_300_000_123_456, offsetMinutes: 120)
    try store.append(source(), 0, ingest(file: 0xabc, [full]))
    _ = try await store.flushStaged()
    let stored = try await fixture.psql("""
      SELECT ean, master_id, name = E'חלב "3%" \\\\ \\n₪', manufacturer = '', unit_qty, quantity, unit_of_measure,
        is_weighted, row_number, file_id FROM products;
      SELECT price, unit_price, price_updated_at, row_number, file_id FROM prices
      """)
    #expect(stored == """
      07290|chain:07290|t|t|ליטר|1.000|100 מ"ל|f|7|00000000-0000-0000-0000-000000000abc
      0.00|0.645000|2025-01-19 15:20:00.123456+00|7|00000000-0000-0000-0000-000000000abc

      """)
  }

  @Test func oneBadItemIsRefusedAloneAndNamed() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    _ = try await store.start([source()])
    let good = String(decoding: ingest([item("1", "5"), item("2", "6", row: 1), item("3", "7", row: 2)]), as: UTF8.self)
    let cases: [(from: String, to: String, code: String, says: String)] = [
      (#""price":"6""#, #""price":"-6""#, "bad_price", "items[1]"),
      (#""price":"6""#, #""price":"six""#, "bad_price", "items[1]"),
      (#""ean":"2""#, #""ean":"""#, "bad_value", "ean"),
      (#""ean":"2""#, #""ean":"2\u0000""#, "bad_value", "NUL"),
      (#""ean":"2""#, #""ean":"\#(String(repeating: "9", count: 65))""#, "bad_value", "ean"),
      (#""ean":"2""#, #""other":"2""#, "missing_field", "ean"),
      (#""row":1"#, #""row":-1"#, "bad_number", "row"),
    ]
    for (index, test) in cases.enumerated() {
      let text = good.replacing(test.from, with: test.to)
      #expect(text != good)
      guard case .reject(let rejection) = try store.append(source(), Int64(index), Array(text.utf8)) else {
        Issue.record("\(test.to) was not rejected")
        continue
      }
      #expect(rejection.code == test.code)
      #expect(rejection.message.contains(test.says), "\(rejection.message)")
      #expect(rejection.message.contains("1 of 3 items"))
      let excerpt = String(decoding: try #require(rejection.excerpts.first).value, as: UTF8.self)
      #expect(excerpt.contains(test.to))
      #expect(!excerpt.contains(#""price":"5""#) && !excerpt.contains(#""price":"7""#))
    }
    _ = try await store.flushStaged()
    #expect(try await fixture.prices() == "chain|1|1|5\nchain|1|3|7\n")
    #expect(try await fixture.offsets() == "\(StoreFixture.topic)|0|\(cases.count)\n")
  }

  @Test func aHeaderThatCannotBeStoredRefusesTheMessage() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    _ = try await store.start([source()])
    let good = String(decoding: ingest([item("1", "5")]), as: UTF8.self)
    let cases = [
      good.replacing(#""chain":"chain""#, with: #""chain":"a\u0000b""#),
      good.replacing(#""file_id":"000"#, with: #""file_id":"xyz"#),
      good.replacing(#""store_id":"1""#, with: #""store_id":"""#),
      good.replacing(#""store_id":"1""#, with: #""store_id":null"#), good + "}", String(good.dropLast(5)), "[]", "",
    ]
    for (index, text) in cases.enumerated() {
      guard case .reject(let rejection) = try store.append(source(), Int64(index), Array(text.utf8)) else {
        Issue.record("case \(index) was not rejected")
        continue
      }
      #expect(rejection.excerpts.isEmpty)
    }
    #expect(store.load.rows == 0)
    _ = try await store.flushStaged()
    #expect(try await fixture.tables() == "")
  }

  @Test func theViewsAnswerTheirQuestions() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    _ = try await store.start([source()])
    func product(_ price: String, row: Int = 0) -> ProductsIngest.Item {
      var product = item("7290000000001", price, row: row, name: "tea")
      product.masterID = "gtin:07290000000001"
      return product
    }
    let messages = [
      ingest(chain: "a", store: "1", [product("5.00"), item("2", "0", row: 1)]),
      ingest(chain: "a", store: "2", [product("4.00")]), ingest(chain: "b", store: "1", [product("3.00")]),
      ingest(chain: "b", store: "1", hour: 1, [product("4.50")]),
    ]
    for (offset, message) in messages.enumerated() { try store.append(source(), Int64(offset), message) }
    _ = try await store.flushStaged()
    #expect(try await fixture.psql("""
      SELECT chain, store_id, price, highest_price, offers, name FROM cheapest_offers
      WHERE master_id = 'gtin:07290000000001'
      """) == "a|2|4.00|5.00|3|tea\n")
    #expect(
      try await fixture.psql("SELECT chain, previous_price, price, change, change_percent, name FROM price_changes")
        == "b|3.00|4.50|1.50|50.0|tea\n")
    #expect(try await fixture.psql("SELECT chain, products, stores, prices, changes FROM chain_totals ORDER BY chain")
      == "a|2|2|3|0\nb|1|1|1|1\n")
  }
}
