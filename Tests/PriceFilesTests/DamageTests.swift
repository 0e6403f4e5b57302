import Foundation
import PriceFiles
import Testing

/// A file with one defect loses the row of the defect and no other.
@Suite struct DamageTests {
  private func item(_ code: Int, _ name: String = "n") -> String {
    "<Item><ItemCode>\(code)</ItemCode><ItemName>\(name)</ItemName><ItemPrice>\(code).90</ItemPrice></Item>"
  }

  /// Six rows with the given third one.
  private func prices(_ third: String) -> [UInt8] {
    let rows = (1...6).map { $0 == 3 ? third : item($0) }.joined(separator: "\n")
    return Array("<Root><ChainId>1</ChainId><Items>\n\(rows)\n</Items></Root>".utf8)
  }

  static let kept: [(String, String, String)] = [
    ("fat <5% sugar", "fat <5% sugar", "xml_bad_name"), ("a < b << c", "a < b << c", "xml_bad_name"),
    ("<", "<", "xml_bad_name"), ("קטן <מ 5%", "קטן <מ 5%", "xml_bad_attribute"), ("a <b/ c", "a <b/ c", "xml_bad_tag"),
    ("1 </ 2", "1 </ 2", "xml_bad_tag"), ("a <! b", "a <! b", "xml_bad_declaration"),
    ("a <b", "a <b", "xml_bad_attribute"),
  ]

  @Test(arguments: kept)
  func aStrayAngleIsText(_ name: String, _ expected: String, _ code: String) {
    let bytes = prices(item(3, name))
    for size in [bytes.count, 1, 7] {
      let (rows, summary, _) = read(bytes) { size }
      #expect(rows.map { $0[.code] } == ["1", "2", "3", "4", "5", "6"])
      #expect(rows.count < 3 || rows[2][.name] == expected)
      #expect(summary.outcome == .malformed)
      #expect(summary.defect?.code == code)
      #expect(summary.isComplete)
    }
  }

  @Test(arguments: [
    // A missing end tag of a field; of the row; of both; a missing start tag of a field; of the row.
    "<Item><ItemCode>3</ItemCode><ItemName>n<ItemPrice>3</ItemPrice></Item>",
    "<Item><ItemCode>3</ItemCode><ItemName>n</ItemName><ItemPrice>3</ItemPrice>",
    "<Item><ItemCode>3</ItemCode><ItemName>n<ItemPrice>3</ItemPrice>",
    "<Item><ItemCode>3</ItemCode>n</ItemName><ItemPrice>3</ItemPrice></Item>",
    "<ItemCode>3</ItemCode><ItemName>n</ItemName><ItemPrice>3</ItemPrice></Item>",
    // A wrong end tag; one too many; a piece that is gone.
    "<Item><ItemCode>3</ItemCode><ItemName>n</Itemname2><ItemPrice>3</ItemPrice></Item>",
    "<Item><ItemCode>3</ItemCode><ItemName>n</b></ItemName><ItemPrice>3</ItemPrice></Item>",
    "<Item><ItemCode>3</ItemCode><Item",
  ])
  func brokenMarkupCostsOnlyItsRow(_ third: String) {
    let bytes = prices(third)
    for size in [bytes.count, 1, 7] {
      let (rows, summary, _) = read(bytes) { size }
      #expect(rows.map { $0[.code] } == ["1", "2", "4", "5", "6"], "\(third)")
      #expect(summary.rejected.malformed == 1)
      #expect(summary.rows == 6)
      #expect(summary.outcome == .malformed)
      #expect(summary.defect?.line == 4 || summary.defect?.line == 5)
      #expect(!summary.isComplete)
    }
  }

  @Test func severalDefectsCostTheirRows() {
    let lost = "<Item><ItemCode>7</ItemCode><ItemName>x<ItemPrice>7</ItemPrice></Item>"
    let open = "<Item><ItemCode>8</ItemCode><ItemPrice>8</ItemPrice>"
    let text = "<Root><Items>" + item(1) + lost + item(2) + open + open + item(3) + open + "</Items></Root>"
    let (rows, summary, _) = read(Array(text.utf8))
    #expect(rows.map { $0[.code] } == ["1", "2", "3"])
    #expect(summary.rejected.malformed == 4)
    #expect(summary.rows == 7)
  }

  @Test func aContainerThatEndsTooEarlyContinues() {
    for early in ["</Items></Root>", "</Root>"] {
      let text = "<Root><Items>" + item(1) + early + item(2) + item(3) + "</Items></Root>"
      let (rows, summary, _) = read(Array(text.utf8))
      #expect(rows.map { $0[.code] } == ["1", "2", "3"], "\(early)")
      #expect(summary.outcome == .malformed)
    }
  }

  @Test func contentAfterTheRootIsReportedOnce() {
    for tail in [String(repeating: "\0", count: 5_000), "<html>error</html>", "</Root>", "text"] {
      let text = Array("<Root><Items>\(item(1))\(item(2))</Items></Root>\(tail)".utf8)
      for size in [text.count, 1] {
        let (rows, summary, _) = read(text) { size }
        #expect(rows.count == 2)
        #expect(summary.outcome == .malformed)
        #expect(summary.defects == ["xml_after_root": 1])
        #expect(summary.isComplete)
      }
    }
  }

  private func promotion(_ id: Int, _ items: String = "<Item><ItemCode>1</ItemCode></Item>") -> String {
    "<Promotion><PromotionId>\(id)</PromotionId><PromotionItems>\(items)</PromotionItems></Promotion>"
  }

  @Test(arguments: [
    "<Promotion><PromotionId>2<PromotionItems></PromotionItems></Promotion>",
    "<Promotion><PromotionId>2</PromotionId><PromotionItems><Item><ItemCode>1</ItemCode></PromotionItems></Promotion>",
    "<Promotion><PromotionId>2</PromotionId><PromotionItems><Item><ItemCode>1</ItemCode></Item>",
  ])
  func brokenMarkupCostsOnlyItsPromotion(_ second: String) {
    let text = "<Root><Promotions>\(promotion(1))\(second)\(promotion(3))\(promotion(4))</Promotions></Root>"
    let (found, summary) = records(Array(text.utf8))
    #expect(found.map { $0[.id] } == ["1", "3", "4"])
    #expect(summary.rejected.malformed == 1)
    #expect(summary.outcome == .malformed)
  }

  @Test func brokenMarkupCostsOnlyItsFlatRow() {
    func sale(_ id: Int, _ code: String) -> String {
      "<Sale><PromotionID>\(id)</PromotionID><ItemCode>\(code)</ItemCode></Sale>"
    }
    let broken = "<Sale><PromotionID>1</PromotionID><ItemCode>b<ItemType>1</ItemType></Sale>"
    let text = "<Promos><Sales>" + sale(1, "a") + broken + sale(1, "c") + sale(2, "d") + "</Sales></Promos>"
    let (found, summary) = records(Array(text.utf8))
    #expect(found.map { "\($0[.id] ?? "") \($0.items.count)" } == ["1 2", "2 1"])
    #expect(summary.rejected.malformed == 1)
  }

  @Test func brokenMarkupCostsOnlyItsStore() {
    let text = "<Root><ChainId>1</ChainId><SubChains><SubChain><SubChainId>1</SubChainId><Stores>"
      + "<Store><StoreId>1</StoreId></Store><Store><StoreId>2<StoreName>x</StoreName></Store>"
      + "<Store><StoreId>3</StoreId><Store><StoreId>4</StoreId></Store></Stores></SubChain></SubChains></Root>"
    let (found, summary) = records(Array(text.utf8))
    #expect(found.count == 2)
    #expect(summary.rejected.malformed == 2)
  }
}
