import Catalogue
import Masters
import Messages
import ObjectStore
import Testing
import TestSupport
import Values

/// `--masters off|gtin|full`: what items refer to, and what is published of new products.
@Suite struct MasterModeTests {
  private static let file = [
    row("7290000149844", "חלב טרי 3% 1 ליטר", maker: "תנובה"),
    row("1001", "שוקולד מריר תפוז 100 גרם", maker: "כרמית"), row("1002", "עגבניות שרי"), row("1003", ""),
  ]
  private static let gtin = "gtin:07290000149844"

  private static func row(_ code: String, _ name: String, maker: String = "") -> String {
    """
    <Item><PriceUpdateDate>2023-10-01 08:00</PriceUpdateDate><ItemCode>\(code)</ItemCode><ItemName>\(name)</ItemName>\
    <ManufacturerName>\(maker)</ManufacturerName><bIsWeighted>0</bIsWeighted><ItemPrice>6.90</ItemPrice></Item>
    """
  }

  private static func bytes(_ rows: [String]) -> [UInt8] {
    Array(("<Root><ChainId>7290058140886</ChainId><SubChainId>1</SubChainId><StoreId>29</StoreId><Items>"
      + rows.joined(separator: "\n") + "</Items></Root>").utf8)
  }

  private func withBench(_ mode: MatchMode, _ body: (HandlerBench) async throws -> Void) async throws {
    try await withTemporaryDirectory { folder in
      let bench = try await HandlerBench(folder: folder, masters: mode)
      defer { bench.store.close() }
      try await body(bench)
    }
  }

  /// As the topic delivers them.
  private func learn(_ masters: [ProductMaster], _ bench: HandlerBench) throws {
    let index = try #require(bench.index)
    index.change { writer in
      for master in masters { _ = writer.put(master) }
    }
  }

  @Test func offKnowsNumbersOnlyAndPublishesNothing() async throws {
    try await withBench(.off) { bench in
      #expect(bench.index == nil)
      let parsed = try await bench.parse(Self.bytes(Self.file))
      #expect(parsed.items.map(\.masterID) == [Self.gtin, "rami_levy:1001", "rami_levy:1002", "rami_levy:1003"])
      #expect(parsed.masters.isEmpty)
      #expect(parsed.parsed.first?.newMasters == 0)
      #expect(parsed.parsed.first?.matched == 0)
    }
  }

  @Test func gtinPublishesNumbersOnlyOnceTheyAreNew() async throws {
    try await withBench(.gtin) { bench in
      let first = try await bench.parse(Self.bytes(Self.file))
      #expect(first.items.map(\.masterID) == [Self.gtin, "rami_levy:1001", "rami_levy:1002", "rami_levy:1003"])
      let master = try #require(first.masters.first)
      #expect(first.masters.count == 1)
      #expect(master.masterID == Self.gtin)
      #expect(master.gtin == "07290000149844")
      #expect(master.name == "חלב טרי 3% 1 ליטר")
      #expect(master.brand == "תנובה")
      #expect(first.parsed.first?.newMasters == 1)
      #expect(first.parsed.first?.matched == 0)

      try learn(first.masters, bench)
      let second = try await bench.parse(Self.bytes(Self.file))
      #expect(second.items.map(\.masterID) == first.items.map(\.masterID))
      #expect(second.masters.isEmpty)
      #expect(second.parsed.first?.newMasters == 0)
      #expect(second.parsed.first?.matched == 1)
    }
  }

  @Test func fullKnowsProductsByNameToo() async throws {
    try await withBench(.full) { bench in
      let first = try await bench.parse(Self.bytes(Self.file))
      let ids = first.items.map(\.masterID)
      // Without a name the row stays its chain's own.
      #expect(ids.first == Self.gtin)
      #expect(ids.last == "rami_levy:1003")
      #expect(Set(first.masters.map(\.masterID)) == Set(ids.dropLast()))
      for master in first.masters.dropFirst() {
        #expect(master.masterID.hasPrefix("name:"))
        #expect(master.gtin == nil)
      }
      #expect(first.masters.map(\.name) == ["חלב טרי 3% 1 ליטר", "שוקולד מריר תפוז 100 גרם", "עגבניות שרי"])
      #expect(first.masters[1].quantity?.description == "100")
      #expect(first.masters[1].unit == "g")
      #expect(first.parsed.first?.newMasters == 3)
      // A master goes out ahead of what refers to it.
      let item = try #require(first.topics.firstIndex(of: Topics.productsIngest.name))
      let last = try #require(first.topics.lastIndex(of: Topics.productsMasters.name))
      #expect(last < item)

      // Until its record has been consumed, every parser publishes it again, with the same id and bytes.
      let again = try await bench.parse(Self.bytes(Self.file))
      #expect(again.masters == first.masters)
      #expect(again.items.map(\.masterID) == ids)

      try learn(first.masters, bench)
      let others = try await bench.parse(Self.bytes([
        Self.row("55", "שוק' מריר תפוז 100 גרם", maker: "כרמית"), Self.row("56", "שרי עגבניות"),
        Self.row("57", "שוקולד מריר תפוז 200 גרם", maker: "כרמית"), Self.row("7290000149844", "משהו אחר"),
      ]))
      #expect(others.items[0].masterID == ids[1])
      #expect(others.items[1].masterID == ids[2])
      #expect(others.items[3].masterID == Self.gtin)
      // Another size is another product.
      #expect(others.masters.map(\.masterID) == [others.items[2].masterID])
      #expect(!ids.contains(others.items[2].masterID))
      #expect(others.parsed.first?.newMasters == 1)
      #expect(others.parsed.first?.matched == 3)
    }
  }
}
