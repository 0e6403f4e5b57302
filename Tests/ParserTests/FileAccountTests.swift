import Catalogue
import Core
import Foundation
import Logging
import Messages
import ObjectStore
import Pipeline
import PriceFiles
import ServiceState
import Testing
import TestSupport
import Values

@testable import ParserService

/// Promotions, stores, and the message about each file.
@Suite struct FileAccountTests {
  private static let promotions = """
    <Root><ChainId>7290058140886</ChainId><SubChainId>001</SubChainId><StoreId>029</StoreId><Promotions>\
    <Promotion><PromotionId>01</PromotionId><PromotionDescription>a &amp; b</PromotionDescription>\
    <PromotionStartDate>2023-10-02</PromotionStartDate><PromotionEndDate>2023-10-09</PromotionEndDate>\
    <RewardType>1</RewardType><MinQty>2.00</MinQty><DiscountedPrice>10.00</DiscountedPrice>\
    <AdditionalIsCoupon>0</AdditionalIsCoupon><Clubs><ClubId>0</ClubId></Clubs><Novelty>x</Novelty><PromotionItems>\
    <Item><ItemCode>7290000000017</ItemCode><ItemType>1</ItemType><IsGiftItem>0</IsGiftItem></Item>\
    <Item><ItemCode>7290000000017</ItemCode><IsGiftItem>1</IsGiftItem></Item></PromotionItems></Promotion>\
    <Promotion><PromotionId>02</PromotionId></Promotion></Promotions></Root>
    """

  @Test func promotionsBecomeMessages() async throws {
    try await withBench { bench in
      let name = "PromoFull7290058140886-029-202310021200.gz"
      let parsed = try await bench.parse(Array(Self.promotions.utf8), fileName: name, type: .promoFull)
      #expect(parsed.disposition == .keep)
      #expect(parsed.topics == [Topics.promotionsIngest.name, Topics.filesParsed.name])
      let message = try #require(parsed.promotions.first)
      #expect(message.header.isFull)
      #expect(message.header.isLast)
      #expect(message.header.storeID == "29")
      #expect(message.header.chainID == "7290058140886")
      #expect(message.header.batchID == message.header.fileID + "-000000")
      #expect(message.promotions.map(\.promotionID) == ["01", "02"])
      let first = message.promotions[0]
      #expect(first.description == "a & b")
      #expect(first.startsAt?.description == "2023-10-02T00:00:00+03:00")
      #expect(first.endsAt?.description == "2023-10-09T23:59:59+03:00")
      #expect(first.rewardType == 1)
      #expect(first.minQty?.description == "2.00")
      #expect(first.isCoupon == false)
      #expect(first.clubs == ["0"])
      #expect(first.items.map(\.isGift) == [false, true])
      #expect(first.items.map(\.itemType) == [1, nil])
      let account = try #require(parsed.parsed.first)
      #expect(account.kind == .promoFull)
      #expect(account.outcome == "ok")
      #expect(account.rows == 2)
      #expect(account.itemReferences == 2)
      #expect(account.batches == 1)
      #expect(account.unknownElements == ["Novelty": 1])
      #expect(account.fileID == message.header.fileID)
      #expect(account.storeID == "29")
      #expect(account.parsedAt?.description == "2023-11-14T22:15:00Z")
      let again = try await bench.parse(Array(Self.promotions.utf8), fileName: name, type: .promoFull)
      #expect(again.promotions == parsed.promotions)
    }
  }

  @Test func manyPromotionsAreSplitBetweenPromotions() async throws {
    try await withBench { bench in
      let items = String(repeating: "<Item><ItemCode>7290000000017</ItemCode></Item>", count: 300)
      let all = (0..<60).map { "<Promotion><PromotionId>\($0)</PromotionId>\(items)</Promotion>" }.joined()
      let parsed = try await bench.parse(
        Array("<Root><StoreId>1</StoreId><Promotions>\(all)</Promotions></Root>".utf8), fileName: "p", type: .promo)
      #expect(parsed.promotions.count > 1)
      #expect(parsed.promotions.flatMap(\.promotions).map(\.promotionID) == (0..<60).map { "\($0)" })
      #expect(parsed.promotions.flatMap(\.promotions).allSatisfy { $0.items.count == 300 })
      #expect(parsed.promotions.map(\.header.sequence) == (0..<Int64(parsed.promotions.count)).map { $0 })
      #expect(parsed.promotions.map(\.header.isLast).filter { $0 }.count == 1)
      #expect(parsed.promotions.last?.header.isLast == true)
      #expect(parsed.promotions.allSatisfy { !$0.header.isFull })
    }
  }

  @Test func storesBecomeMessages() async throws {
    try await withBench { bench in
      let stores = (1...501).map { "<Store><StoreId>00\($0)</StoreId><StoreName>s\($0)</StoreName></Store>" }.joined()
      let text = "<Root><ChainId>7290058140886</ChainId><ChainName>r</ChainName><SubChains><SubChain>"
        + "<SubChainId>001</SubChainId><Stores>\(stores)</Stores></SubChain></SubChains></Root>"
      let parsed = try await bench.parse(Array(text.utf8), fileName: "Stores7290058140886.xml", type: .stores)
      #expect(parsed.disposition == .keep)
      #expect(parsed.stores.map(\.stores.count) == [500, 1])
      #expect(parsed.stores.map(\.isLast) == [false, true])
      let first = try #require(parsed.stores.first?.stores.first)
      #expect(first.chainID == "7290058140886")
      #expect(first.chainName == "r")
      #expect(first.subChainID == "1")
      #expect(first.storeID == "1")
      #expect(first.name == "s1")
      #expect(parsed.parsed.first?.kind == .stores)
      #expect(parsed.parsed.first?.rows == 501)
    }
  }

  @Test func everyOutcomePublishesAResult() async throws {
    try await withBench { bench in
      let cut = try await bench.parse(Array(PriceText.file(rows: 100).dropLast(100)))
      #expect(cut.parsed.map(\.outcome) == ["truncated"])
      #expect(cut.parsed.first?.reason == "truncated")
      #expect(cut.parsed.first?.batches == 1)
      let html = try await bench.parse(Array("<html/>".utf8))
      #expect(html.parsed.map(\.outcome) == ["not_xml_html"])
      #expect(html.parsed.first?.batches == 0)
      let other = try await bench.parse(PriceText.file(rows: 3), sha256: SHA256.hash([1]))
      #expect(other.parsed.map(\.outcome) == ["sha256_mismatch"])
      // The message about the file comes last.
      #expect(cut.topics.last == Topics.filesParsed.name)
    }
  }

  @Test func aFileThatShrinksRaisesAnAlertOnce() async throws {
    try await withBench { bench in
      for rows in [200, 210, 190] {
        #expect(try await bench.parse(PriceText.file(rows: rows)).alerts.isEmpty)
      }
      #expect(try await bench.parse(PriceText.file(rows: 120)).alerts.isEmpty)
      let fallen = try await bench.parse(PriceText.file(rows: 80))
      let alert = try #require(fallen.alerts.first)
      #expect(alert.kind == .rowsFell)
      #expect(alert.value?.description == "80")
      #expect(alert.expected?.description == "200")
      #expect(alert.subject == "rami_levy/29")
      #expect(alert.alertID.hasSuffix(try #require(fallen.parsed.first).fileID))
      // The same file again is compared with those before it, not with itself.
      #expect(try await bench.parse(PriceText.file(rows: 80)).alerts.map(\.alertID) == [alert.alertID])
      let empty = try await bench.parse(Array("<Root><Items/></Root>".utf8))
      #expect(empty.alerts.map(\.severity) == [.critical])
      // A file of changes may have any length.
      let changes = try await bench.parse(PriceText.file(rows: 1), fileName: "Price1-029-202310021200", type: .price)
      #expect(changes.alerts.isEmpty)
    }
  }

  @Test func anUnreachableHistoryDelaysNoFile() async throws {
    struct Broken: StateStore {
      func values(of keys: [String]) async throws -> [String?] { throw Failure(.transient, code: "down", "down") }
      func set(_ values: [(key: String, value: String)]) async throws {}
      func remove(_ key: String) async throws {}
      func ping() async throws {}
      func close() async {}
    }
    try await withTemporaryDirectory { folder in
      let bench = try await HandlerBench(folder: folder, history: RowHistory(Broken()))
      defer { bench.store.close() }
      let parsed = try await bench.parse(PriceText.file(rows: 100))
      #expect(parsed.disposition == .keep)
      #expect(parsed.alerts.isEmpty)
    }
  }

  @Test func seriesKeepTheLastCounts() {
    var series: [RowCount] = []
    for index in 0..<10 { series = RowSeries.appending(RowCount(fileID: "f\(index)", rows: 100 + index), to: series) }
    #expect(series.map(\.rows) == Array(103...109))
    #expect(RowSeries.appending(RowCount(fileID: "f9", rows: 109), to: series) == series)
    #expect(RowSeries.counts(RowSeries.text(series)) == series)
    #expect(RowSeries.counts("f:1 broken g:x h:2") == [RowCount(fileID: "f", rows: 1), RowCount(fileID: "h", rows: 2)])
    let fallen = RowCount(fileID: "new", rows: 52)
    #expect(RowSeries.fall(to: fallen, from: series, threshold: 0.5) == 106)
    #expect(RowSeries.fall(to: RowCount(fileID: "new", rows: 53), from: series, threshold: 0.5) == nil)
    #expect(RowSeries.fall(to: fallen, from: [], threshold: 0.5) == nil)
    let few = [RowCount(fileID: "m", rows: 9)]
    #expect(RowSeries.fall(to: RowCount(fileID: "n", rows: 0), from: few, threshold: 0.5) == nil)
  }

  @Test func theHistoryInAFileOutlivesTheProcess() async throws {
    func open(_ path: String) throws -> RowHistory {
      RowHistory(try FileState(path: path, retention: RowHistory.retention, format: RowHistory.format))
    }
    try await withTemporaryDirectory { folder in
      let path = folder + "/state/rows"
      let first = try open(path)
      for rows in 1...3 { try await first.remember([RowCount(fileID: "f", rows: rows)], of: "chain/29/price_full") }
      try await first.remember([RowCount(fileID: "g", rows: 7)], of: "other")
      await first.state.close()
      let second = try open(path)
      #expect(try await second.counts(of: "chain/29/price_full") == [RowCount(fileID: "f", rows: 3)])
      #expect(try await second.counts(of: "other") == [RowCount(fileID: "g", rows: 7)])
      await second.state.close()
      #expect(try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").count == 2)
      #expect(throws: Failure.self) { try open("/proc/nowhere/rows") }
      for text in ["mine", "mine\nand yours\n", "a\tb\tc\n"] {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: Failure.self, "of another program") { try open(path) }
        #expect(FileManager.default.contents(atPath: path) == Data(text.utf8), "and kept")
      }
    }
  }

  private func withBench<R>(_ body: (HandlerBench) async throws -> R) async throws -> R {
    try await withTemporaryDirectory { folder in
      let bench = try await HandlerBench(folder: folder)
      defer { bench.store.close() }
      return try await body(bench)
    }
  }
}
