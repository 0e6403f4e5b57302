import Catalogue
import Masters
import Messages
import ObjectStore
import Testing
import TestSupport
import Values

/// `--masters off|gtin`: what items refer to, and what is published of new products. Of `full` see `LearnedModeTests`.
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
}
