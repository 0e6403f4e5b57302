import Catalogue
@testable import DBWriterService
import Kafka
import LocalServers
@testable import Messages
import Pipeline
import Testing
@testable import TestSupport
import Values

/// Promotions and their items move forward only, and end with the full file that no longer has them.
@Suite struct PromotionTests {
  private typealias Promotion = PromotionsIngest.Promotion

  private func promotion(_ id: String, _ price: String = "10.00", items: [String] = ["1", "2"]) -> Promotion {
    Promotion(
      promotionID: id, description: "two of \(id)", discountedPrice: ExactDecimal(price), clubs: ["0", "a \"b\""],
      items: items.enumerated().map { PromotionsIngest.Item(ean: $0.element, isGift: $0.offset == 1) })
  }

  private func message(
    hour: Int, full: Bool = true, last: Bool = true, sequence: Int = 0, store: String = "1", _ promotions: [Promotion]
  ) -> [UInt8] {
    PromotionsIngest(
      header: PromotionsIngest.Header(
        batchID: "", chain: "chain", storeID: store, fileID: fileID(hour), fileTime: hourTime(hour),
        sequence: Int64(sequence), isFull: full, isLast: last),
      promotions: promotions
    ).encoded()
  }

  private func write(_ messages: [[UInt8]], each: Bool = true, to fixture: StoreFixture) async throws {
    let store = fixture.store()
    let source = TopicPartition(Topics.promotionsIngest.name, 0)
    var next = Int(try await store.start([source])[source] ?? 0)
    for message in messages {
      #expect(try store.append(source, Int64(next), message) == .keep)
      next += 1
      if each { _ = try await store.flushStaged() }
    }
    _ = try await store.flushStaged()
  }

  private func running(_ fixture: StoreFixture) async throws -> String {
    try await fixture.psql("""
      SELECT promotion_id, extract(hour FROM file_time), coalesce(extract(hour FROM ended_at)::text, 'runs'),
        discounted_price, (SELECT string_agg(ean, ',' ORDER BY item_number) FROM promotion_items i
          WHERE (i.chain, i.store_id, i.promotion_id) = (p.chain, p.store_id, p.promotion_id))
      FROM promotions p ORDER BY store_id, promotion_id
      """)
  }

  @Test(arguments: [true, false]) func aFullFileReplacesTheStoresSet(each: Bool) async throws {
    let fixture = try await StoreFixture()
    let messages = [
      message(hour: 1, last: false, [promotion("a"), promotion("b")]), message(hour: 1, sequence: 1, [promotion("c")]),
      // Not full: adds and changes, ends nothing.
      message(hour: 2, full: false, [promotion("b", "9.50", items: ["3"]), promotion("d")]),
      // Another store's file ends nothing of this one.
      message(hour: 3, store: "2", [promotion("z")]),
      message(hour: 4, [promotion("c"), promotion("d", items: ["7", "7"])]), message(hour: 5, [promotion("a", "8")]),
      // Late, and repeated: what they name for the first time has ended.
      message(hour: 2, full: false, [promotion("b"), promotion("e")]), message(hour: 4, [promotion("c")]),
    ]
    try await write(messages, each: each, to: fixture)
    #expect(try await running(fixture) == """
      a|5|runs|8|1,2
      b|2|4|9.50|3
      c|4|5|10.00|1,2
      d|4|5|10.00|7,7
      e|2|4|10.00|1,2
      z|3|runs|10.00|1,2

      """)
    let before = try await fixture.promotions()
    try await write(messages, to: fixture)
    #expect(try await fixture.promotions() == before)
    #expect(try await fixture.psql("SELECT clubs[2], items FROM promotions WHERE promotion_id = 'a'") == "a \"b\"|2\n")
  }

  @Test func tablesDoNotDependOnWhereFlushesFall() async throws {
    var random = TestRandom("promotion flushes")
    for _ in 0..<5 {
      var messages: [[UInt8]] = []
      for _ in 0..<14 {
        let hour = Int.random(in: 0..<7, using: &random)
        let names = ["a", "b", "c", "d"].filter { _ in Bool.random(using: &random) }
        messages.append(message(
          hour: hour, full: hour % 3 != 0, last: Bool.random(using: &random), store: "\(hour % 2)",
          names.map { promotion($0, ["1", "2"].randomElement(using: &random)!) } + [promotion("x")]))
      }
      let (single, batched) = (try await StoreFixture(), try await StoreFixture())
      try await write(messages, to: single)
      try await write(messages, each: false, to: batched)
      #expect(try await batched.promotions() == single.promotions())
    }
  }

  @Test func aPromotionTheDatabaseRefusesIsDeadLetteredAloneWithItsItems() async throws {
    let fixture = try await StoreFixture()
    _ = try await fixture.psql("ALTER TABLE promotion_items ADD CONSTRAINT no_nines CHECK (ean <> '9')")
    let store = fixture.store()
    let source = TopicPartition(Topics.promotionsIngest.name, 3)
    _ = try await store.start([source])
    var odd = promotion("odd")
    odd.promotionID = ""
    let bytes = message(hour: 1, [promotion("a"), odd, promotion("b", items: ["8", "9"]), promotion("c")])
    guard case .reject(let early) = try store.append(source, 0, bytes) else {
      Issue.record("the promotion without an id was not refused")
      return
    }
    #expect(early.code == "bad_value" && early.message.contains("1 of 4 promotions refused"))
    let report = try await store.flushStaged()
    #expect(report.refused.map(\.elements) == [[1]])
    _ = try await store.start([source])
    guard case .reject(let late) = try store.append(source, 0, bytes) else {
      Issue.record("the promotion that the database refuses was not refused")
      return
    }
    #expect(late.message.contains("2 of 4 promotions refused"))
    let excerpts = try late.excerpts.map { try PromotionsIngest(decoding: $0.value).promotions.map(\.promotionID) }
    #expect(excerpts == [[""], ["b"]])
    #expect(late.excerpts.map(\.code) == ["bad_value", "postgres_23514"])
    #expect(try await store.flushStaged().positions == [source: 1])
    #expect(try await running(fixture) == "a|1|runs|10.00|1,2\nc|1|runs|10.00|1,2\n")
  }
}

extension StoreFixture {
  fileprivate func promotions() async throws -> String {
    try await psql("""
      SELECT * FROM promotions ORDER BY chain, store_id, promotion_id;
      SELECT * FROM promotion_items ORDER BY chain, store_id, promotion_id, item_number;
      SELECT * FROM full_files ORDER BY list, chain, scope, file_time, file_id
      """)
  }
}
