import Catalogue
@testable import DBWriterService
import Kafka
import LocalServers
@testable import Messages
import Pipeline
import Testing
@testable import TestSupport

/// Rows that newer full files no longer have end: the tables against a model of the arrived messages.
@Suite struct EndedTests {
  enum List: String, CaseIterable {
    case prices, promotions, stores

    var topic: Topic {
      switch self {
      case .prices: Topics.productsIngest
      case .promotions: Topics.promotionsIngest
      case .stores: Topics.storesIngest
      }
    }

    var key: String {
      switch self {
      case .prices: "store_id || '/' || ean"
      case .promotions: "store_id || '/' || promotion_id"
      case .stores: "chain_id || '/' || store_id"
      }
    }
  }

  /// One message: a part of a file, and whether it closes the file.
  struct Part {
    var hour: Int
    var file: Int
    /// Keys are `scope/code`. A file of prices or promotions has one scope, its store; one of branches has several.
    var names: [String]
    var scopes: Set<String>
    var closes = false
    var alsoNamed: [String] = []

    func encoded(_ list: List) -> [UInt8] {
      let codes = names.map { String($0.split(separator: "/")[1]) }
      let store = scopes.first ?? ""
      switch list {
      case .prices:
        return ingest(
          store: store, hour: hour, file: file, closes: closes, alsoNamed: alsoNamed, codes.map { item($0, "\(file)") })
      case .promotions:
        return PromotionsIngest(
          header: PromotionsIngest.Header(
            batchID: "", chain: "chain", storeID: store, fileID: fileID(file), fileTime: hourTime(hour), isFull: closes,
            isLast: closes, alsoNamed: alsoNamed),
          promotions: codes.map { PromotionsIngest.Promotion(promotionID: $0) }
        ).encoded()
      case .stores:
        return StoresIngest(
          fileID: fileID(file), fileTime: hourTime(hour), chain: "chain", isLast: closes,
          chainIDs: closes ? scopes.sorted() : [],
          stores: names.map { name in
            let halves = name.split(separator: "/").map(String.init)
            return StoresIngest.Store(chainID: halves[0], storeID: halves[1])
          }
        ).encoded()
      }
    }
  }

  /// A row ends with the first full file that is newer than all that name it.
  private func model(_ parts: [Part]) -> String {
    var lines: [String] = []
    for key in Set(parts.flatMap(\.names)) {
      let scope = String(key.prefix { $0 != "/" })
      let code = String(key.drop { $0 != "/" }.dropFirst())
      let closings = parts.filter { $0.closes && $0.scopes.contains(scope) }
      let namings = parts.filter { $0.names.contains(key) } + closings.filter { $0.alsoNamed.contains(code) }
      let seen = namings.map { ($0.hour, $0.file) }.max { $0 < $1 } ?? (0, 0)
      let end = closings.filter { ($0.hour, $0.file) > seen }.map(\.hour).min()
      lines.append("\(key)|\(end.map { "\($0)" } ?? "")")
    }
    return lines.sorted().joined(separator: "\n")
  }

  private func files(_ list: List, _ random: inout TestRandom) -> [Part] {
    var parts: [Part] = []
    for file in 1...7 {
      // Two files may be of one time.
      let hour = file / 2 + Int.random(in: 0...1, using: &random)
      let isFull = Int.random(in: 0..<4, using: &random) > 0
      let all = list == .stores ? ["a", "b"] : [["1", "2"].randomElement(using: &random) ?? "1"]
      var names = all.flatMap { scope in (1...5).map { "\(scope)/\($0)" } }.filter { _ in
        Int.random(in: 0..<5, using: &random) < 3
      }
      if names.isEmpty { names = ["\(all[0])/1"] }
      let scopes = Set(names.map { String($0.prefix { $0 != "/" }) })
      let cut = Int.random(in: 0...names.count, using: &random)
      parts.append(Part(hour: hour, file: file, names: Array(names[..<cut]), scopes: scopes))
      var last = Part(hour: hour, file: file, names: Array(names[cut...]), scopes: scopes, closes: isFull)
      if list != .stores, isFull, Bool.random(using: &random) {
        last.alsoNamed = ["\(Int.random(in: 1...5, using: &random))"]
      }
      parts.append(last)
    }
    return parts.filter { !$0.names.isEmpty || $0.closes }
  }

  @Test(arguments: List.allCases, Dialect.allCases)
  func endsDependOnTheSetOfMessagesAlone(_ list: List, _ dialect: Dialect) async throws {
    var random = TestRandom("ends of \(list) \(dialect)")
    for _ in 0..<6 {
      let fixture = try await StoreFixture(dialect: dialect)
      let store = fixture.store()
      let source = TopicPartition(list.topic.name, 0)
      _ = try await store.start([source])
      var parts = files(list, &random)
      parts += parts.filter { _ in Int.random(in: 0..<4, using: &random) == 0 }
      parts.shuffle(using: &random)
      for (offset, part) in parts.enumerated() {
        #expect(try store.append(source, Int64(offset), part.encoded(list)) == .keep)
        guard Int.random(in: 0..<4, using: &random) == 0 || offset == parts.count - 1 else { continue }
        _ = try await store.flushStaged()
        let rows = try await fixture.psql("SELECT \(list.key), extract(hour FROM ended_at) FROM \(list.rawValue)")
        let found = rows.split(separator: "\n").sorted().joined(separator: "\n")
        #expect(found == model(Array(parts[...offset])))
      }
    }
  }

  @Test func viewsOmitEndedRows() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    let (prices, stores) = (source(), TopicPartition(Topics.storesIngest.name, 0))
    let promotions = TopicPartition(Topics.promotionsIngest.name, 0)
    _ = try await store.start([prices, stores, promotions])
    func branches(hour: Int, _ ids: [String]) -> [UInt8] {
      StoresIngest(
        fileID: fileID(hour), fileTime: hourTime(hour), chain: "chain",
        stores: ids.map { StoresIngest.Store(chainID: "729", storeID: $0, name: "s\($0)") }
      ).encoded()
    }
    func promotion(store: String) -> [UInt8] {
      PromotionsIngest(
        header: PromotionsIngest.Header(
          batchID: "", chain: "chain", storeID: store, fileID: fileID(1), fileTime: hourTime(1), isFull: true,
          isLast: true),
        promotions: [PromotionsIngest.Promotion(promotionID: "p", items: [PromotionsIngest.Item(ean: "1")])]
      ).encoded()
    }
    var next: [TopicPartition: Int64] = [:]
    func write(_ source: TopicPartition, _ messages: [UInt8]...) async throws -> StoreReport {
      for message in messages {
        try store.append(source, next[source, default: 0], message)
        next[source, default: 0] += 1
      }
      return try await store.flushStaged()
    }
    func offers() async throws -> String {
      try await fixture.psql("SELECT string_agg(store_id || '/' || ean, ' ' ORDER BY store_id, ean) FROM offers")
    }
    let both = [item("1", "5"), item("2", "6", row: 1)]
    _ = try await write(
      prices, ingest(store: "1", hour: 1, both), ingest(store: "1", hour: 1, closes: true, []),
      ingest(store: "2", hour: 1, both), ingest(store: "2", hour: 1, closes: true, []))
    _ = try await write(stores, branches(hour: 1, ["1", "2"]))
    _ = try await write(promotions, promotion(store: "1"), promotion(store: "2"))
    #expect(try await offers() == "1/1 1/2 2/1 2/2\n")

    // The item goes, the message that says so has no item, and views that are kept are out of date.
    _ = try await write(prices, ingest(store: "1", hour: 2, [item("2", "6")]))
    #expect(try await write(prices, ingest(store: "1", hour: 2, closes: true, [])).changes == 1)
    #expect(try await offers() == "1/2 2/1 2/2\n")
    #expect(try await fixture.psql("SELECT price IS NULL FROM promotion_offers WHERE store_id = '1'") == "t\n")
    #expect(try await fixture.psql("SELECT prices, stores FROM chain_totals") == "3|2\n")

    // An unreadable row does not end the earlier price.
    _ = try await write(prices, ingest(store: "1", hour: 3, closes: true, alsoNamed: ["2"], []))
    #expect(try await offers() == "1/2 2/1 2/2\n")

    // The branch ends, with its offers and promotions.
    #expect(try await write(stores, branches(hour: 3, ["1"])).changes == 1)
    #expect(try await offers() == "1/2\n")
    #expect(try await fixture.psql("SELECT store_id FROM store_names WHERE ended_at IS NULL") == "1\n")
    #expect(try await fixture.psql("SELECT store_id FROM promotion_offers WHERE ended_at IS NULL") == "1\n")

    // Both are back, at the price of before: no change of a price, but of what is offered.
    let back = try await write(prices, ingest(store: "1", hour: 4, [item("1", "5")]))
    #expect((back.written["price_history"], back.changes) == (0, 1))
    _ = try await write(stores, branches(hour: 5, ["1", "2"]))
    #expect(try await offers() == "1/1 1/2 2/1 2/2\n")
    #expect(try await fixture.psql("SELECT count(*) FROM price_history") == "0\n")
  }

  /// A closed branch that continues to publish prices is open.
  @Test func pricesNewerThanTheStoresFileShowThatABranchIsOpen() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    let stores = TopicPartition(Topics.storesIngest.name, 0)
    _ = try await store.start([source(), stores])
    for (offset, (hour, ids)) in [(1, ["1", "2"]), (2, ["2"])].enumerated() {
      try store.append(stores, Int64(offset), StoresIngest(
        fileID: fileID(hour), fileTime: hourTime(hour), chain: "chain",
        stores: ids.map { StoresIngest.Store(chainID: "729", storeID: $0) }
      ).encoded())
    }
    try store.append(source(), 0, ingest(store: "1", hour: 1, [item("1", "5")]))
    try store.append(source(), 1, ingest(store: "1", hour: 3, [item("2", "5")]))
    _ = try await store.flushStaged()
    #expect(try await fixture.psql("SELECT ean FROM offers") == "2\n")
  }
}
