import Foundation
import PriceFiles
import Testing

@Suite struct DialectTests {
  @Test func cerberus() throws {
    let (rows, summary, _) = read(Array(Fixtures.cerberus.utf8))
    #expect(summary.outcome == .ok)
    #expect(summary.dialect == .cerberus)
    #expect(summary.encoding == .utf8Marked)
    #expect([summary.chainID, summary.subChainID, summary.storeID] == ["7290058140886", "001", "029"])
    #expect(summary.rows == 2)
    #expect(rows.priceSum == Decimal(string: "27.8"))
    #expect(summary.unknownElements == 0)
    let first = try #require(rows.first)
    #expect(first[.code] == "7290000149844")
    #expect(first[.name] == "גבינה \"עמק\" 28%")
    #expect(first[.manufacturer] == "תנובה")
    #expect(first[.unitQty] == "גרם")
    #expect(first.quantity == "200.00")
    #expect(first[.unitOfMeasure] == "100 גרם")
    #expect(first.price == "19.90")
    #expect(first.unitPrice == "9.9500")
    #expect(first.isWeighted == false)
    #expect(first.updatedAt == "2023-10-02T09:15:30+03:00")
    #expect(first[.status] == "1")
    let second = try #require(rows.last)
    #expect(second.index == 1)
    #expect(second[.code] == "0042")
    #expect(second[.manufacturer] == "")
    #expect(second.isWeighted == true)
    #expect(second.updatedAt == "2023-01-02T09:15:00+02:00")
  }

  @Test func bina() throws {
    let (rows, summary, _) = read(Array(Fixtures.bina.utf8))
    #expect(summary.dialect == .bina)
    let row = try #require(rows.first)
    #expect(row[.name] == "מלפפון")
    #expect(row.price == "99")
    #expect(row.unitPrice == "99.0000")
    #expect(row.isWeighted == true)
  }

  @Test func bigID() throws {
    let (rows, summary, _) = read(Array(Fixtures.bigID.utf8))
    #expect(summary.dialect == .bigID)
    #expect(summary.storeID == "002")
    let row = try #require(rows.first)
    #expect(row[.manufacturer] == "ביכורי השדה")
    #expect(row[.unitOfMeasure] == "")
    #expect(row.isWeighted == true)
    #expect(row[.status] == "1")
    #expect(row.updatedAt == "2022-08-29T10:42:00+03:00")
  }

  @Test func shufersal() throws {
    let (rows, summary, _) = read(Array(Fixtures.shufersal.utf8))
    #expect(summary.dialect == .shufersal)
    #expect(try #require(rows.first)[.unitOfMeasure] == "100 מיליליטר")
    #expect(rows.first?.updatedAt == "2015-01-06T07:24:00+02:00")
  }

  @Test func common2026() throws {
    let (rows, summary, _) = read(Array(Fixtures.common2026.utf8))
    #expect(summary.dialect == .common2026)
    let row = try #require(rows.first)
    #expect(row.updatedAt == "2026-08-23T06:56:41.250+03:00")
    #expect(row[.manufacturer] == "")
    #expect(row[.status] == "")
  }

  @Test func superPharm() throws {
    for bytes in [Array(Fixtures.superPharm.utf8), Fixtures.windows1255(Fixtures.superPharm)] {
      let (rows, summary, _) = read(bytes)
      #expect(summary.dialect == .superPharm)
      #expect(summary.chainID == "7290172900007")
      let row = try #require(rows.first)
      #expect(row[.name] == "סינטבון")
      #expect(row[.manufacturer] == "החברה הדרומית")
      #expect(row.updatedAt == "2024-03-03T00:00:00+02:00")
      #expect(row.isWeighted == false)
    }
  }

  @Test(arguments: Fixtures.all.map(\.name)) func namesCompareWithoutCase(_ name: String) throws {
    let text = try #require(Fixtures.all.first { $0.name == name }).text
    let expected = read(Array(text.utf8))
    var shouted = ""
    var isInTag = false
    for character in text {
      if character == "<" { isInTag = true }
      if character == ">" { isInTag = false }
      shouted += isInTag ? character.uppercased() : String(character)
    }
    let found = read(Array(shouted.replacingOccurrences("<?XML", "<?xml").utf8))
    #expect(found.rows == expected.rows)
  }

  @Test(arguments: [
    ("<Root><ChainId>1</ChainId><Items Count=\"0\"/></Root>", PriceFileOutcome.empty),
    ("<Root><ChainId>1</ChainId></Root>", .empty),
    ("<Root><Items></Items></Root>", .empty),
    ("<Root><ChainId>1</ChainId><Promotions/></Root>", .empty),
    ("<Root><SubChains><SubChain><Stores></Stores></SubChain></SubChains></Root>", .empty),
    ("<Store Date=\"02/11/22\"><Branches/></Store>", .empty),
    ("", .emptyFile),
    (" \r\n\t ", .emptyFile),
    ("\u{FEFF}", .emptyFile),
    ("<!DOCTYPE html><html><body>x</body></html>", .notXMLOrHTML),
    ("  <HTML><body>x</body></HTML>", .notXMLOrHTML),
    ("{\"error\": 1}", .notXMLOrHTML),
    ("<", .truncated),
    ("<?xml version=\"1.0\"?><Error><Code>BlobNotFound</Code></Error>", .unknownDocument),
    ("<!DOCTYPE Root [<!ENTITY a \"b\">]><Root><Items/></Root>", .refused),
  ] as [(String, PriceFileOutcome)])
  func filesWithoutRows(_ text: String, _ outcome: PriceFileOutcome) {
    let (rows, summary, _) = read(Array(text.utf8))
    #expect(summary.outcome == outcome, "\(summary.defect?.description ?? "")")
    #expect(rows.isEmpty)
    #expect(read(Array(text.utf8)) { 1 }.summary.withoutProgress == summary.withoutProgress)
  }
}

extension String {
  fileprivate func replacingOccurrences(_ old: String, _ new: String) -> String {
    split(separator: old, omittingEmptySubsequences: false).joined(separator: new)
  }
}
