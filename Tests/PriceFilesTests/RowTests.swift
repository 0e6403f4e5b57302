import Foundation
import PriceFiles
import Testing

@Suite struct RowTests {
  private func file(_ rows: String...) -> [UInt8] {
    Array(("<Root><ChainId>1</ChainId><Items>" + rows.joined() + "</Items></Root>").utf8)
  }

  private func item(_ code: String?, _ price: String?, _ more: String = "") -> String {
    "<Item>" + (code.map { "<ItemCode>\($0)</ItemCode>" } ?? "") + (price.map { "<ItemPrice>\($0)</ItemPrice>" } ?? "")
      + more + "</Item>"
  }

  @Test func unusableRowsAreCountedByReason() {
    let (rows, summary, _) = read(
      file(
        item("1", "1.10"), item(nil, "2"), item(" ", "2"), item("2", nil), item("3", ""), item("4", "abc"),
        item("5", "-1"), item("6", "1,5"), item("7 8", "1"), item("9", "12.5"), "<Item/>", "<Item></Item>"))
    #expect(summary.outcome == .ok)
    #expect(summary.rows == 12)
    #expect(summary.rejected.missingCode == 4)
    #expect(summary.rejected.missingPrice == 2)
    #expect(summary.rejected.badPrice == 3)
    #expect(summary.rejected.badCode == 1)
    #expect(rows.map { $0[.code] } == ["1", "9"])
    #expect(rows.map(\.index) == [0, 9])
    #expect(summary.keptRows == 2)
    #expect(rows.priceSum == Decimal(string: "13.6"))
  }

  @Test func theFirstUsableRowOfACodeCounts() {
    let (rows, summary, _) = read(
      file(item("1", "bad"), item("1", "1.00"), item("1", "2.00"), item("01", "3"), item("1", "4")))
    #expect(rows.map(\.price) == ["1.00", "3"])
    #expect(summary.repeatedRows == 2)
    #expect(summary.distinctCodes == 2)
    #expect(summary.rows == summary.keptRows + summary.repeatedRows + summary.rejected.total)
  }

  @Test func manyCodesOfEveryLengthStayDistinct() {
    var codes: [String] = []
    for length in 1...25 {
      for digit in 0...9 { codes.append(String(repeating: "0", count: length - 1) + "\(digit)") }
    }
    codes += (0..<9_000).map { "\(7_290_000_000_000 + $0 * 13)" } + ["A1", "a1", "A1-b"]
    let (rows, summary, _) = read(file((codes + codes).map { item($0, "1") }.joined()))
    #expect(rows.map { $0[.code] } == codes)
    #expect(summary.distinctCodes == codes.count)
    #expect(summary.repeatedRows == codes.count)
    #expect(rows.priceSum == Decimal(codes.count))
  }

  @Test func digitsStayAsPublished() {
    let prices = ["0", "0.00", "5", "5.0", "12.90", "0.5", "2999.90", "123456789012.345678", "7.10"]
    let (rows, _, _) = read(file(prices.enumerated().map { item("\($0 + 1)", $1) }.joined()))
    #expect(rows.map(\.price) == prices)
    #expect(rows.priceSum == Decimal(string: "123456792042.745678"))
  }

  @Test(arguments: [
    ("2025-12-18 09:15:00", "2025-12-18T09:15:00+02:00"),
    ("2025-07-18 09:15", "2025-07-18T09:15:00+03:00"),
    ("2025-07-18", "2025-07-18T00:00:00+03:00"),
    ("2022/08/29 10:42", "2022-08-29T10:42:00+03:00"),
    ("2026-08-23T06:56:41.000", "2026-08-23T06:56:41+03:00"),
    ("2026-08-23T06:56:41.12", "2026-08-23T06:56:41.120+03:00"),
    ("2026-08-23T06:56:41.123456789", "2026-08-23T06:56:41.123456+03:00"),
    ("2026-10-25 01:30:00", "2026-10-25T01:30:00+03:00"),
    ("0001-01-01 00:00:00", nil), ("2025-02-29", nil), ("2025-13-01", nil), ("2025-01-01 24:00", nil),
    ("2025-01-01 1:00", nil), ("2025/01-01", nil), ("01/02/2025 10:00", nil), ("2025-01-01 10:00:00.", nil),
    ("2025-01-01 10:00:00Z", nil), ("yesterday", nil),
  ] as [(String, String?)])
  func updateTimes(_ text: String, _ expected: String?) {
    let (rows, summary, _) = read(file(item("1", "1", "<PriceUpdateDate>\(text)</PriceUpdateDate>")))
    #expect(rows.first?.updatedAt == expected)
    #expect(summary.unreadableValues == (expected == nil ? 1 : 0))
  }

  @Test func nonNumericValuesAreUnknown() {
    let (rows, summary, _) = read(
      file(item("1", "1", "<Quantity>לא ידוע</Quantity><UnitOfMeasurePrice>9.99</UnitOfMeasurePrice>")))
    #expect(rows.first?.quantity == nil)
    #expect(rows.first?.unitPrice == "9.99")
    // A word for "unknown" is readable.
    #expect(summary.unreadableValues == 0)
    #expect(read(file(item("1", "1", "<Quantity>viel</Quantity>"))).summary.unreadableValues == 1)
  }

  @Test func textIsCleaned() {
    let name = " a &amp;&lt;&gt;&quot;&apos; &#1488;&#x5D1; &#0;&#xD800; &nbsp; & b\r\nc\td <!-- x --><![CDATA[<&amp;>]]> "
    let (rows, summary, _) = read(file(item("1", "1", "<ItemName>\(name)</ItemName>")))
    #expect(rows.first?[.name] == "a &<>\"' אב \u{FFFD}\u{FFFD} &nbsp; & b  c d <&amp;>")
    #expect(summary.strayAmpersands == 2)
  }

  @Test func strangeMarkupInRowsIsCountedNotUsed() {
    let (rows, summary, _) = read(
      file(
        item("1", "1", "<Mystery>x<Deep><ItemPrice>5</ItemPrice></Deep></Mystery><ItemName>n<b>bold</b>m</ItemName>"),
        "<Note><Item><ItemCode>9</ItemCode></Item></Note>", "stray text",
        item("2", "2", "<ItemName lang=\"he\">second</ItemName><ItemNm>other</ItemNm>")))
    #expect(rows.map { $0[.name] } == ["nm", "second"])
    #expect(rows.map(\.price) == ["1", "2"])
    #expect(summary.unknownElements == 4)
    #expect(summary.outcome == .ok)
  }

  /// Rows that look different from the ones before (order, blanks, missing and new elements) are read like those
  /// that look alike.
  @Test func readingDoesNotDependOnTheRowsBefore() {
    let shapes = [
      "<ItemCode>#</ItemCode><ItemName>a#</ItemName><ItemPrice>1.#</ItemPrice>",
      "\n  <ItemCode>#</ItemCode>\n  <ItemName>a#</ItemName>\n  <ItemPrice>1.#</ItemPrice>\n",
      "<ItemPrice>1.#</ItemPrice><ItemName>a#</ItemName><ItemCode>#</ItemCode>",
      "<ItemCode >#</ItemCode ><ItemName><![CDATA[a#]]></ItemName><ItemPrice\n>1.#</ItemPrice>",
      "<ItemStatus/><ItemCode>#</ItemCode><Quantity></Quantity><ItemNm>a#</ItemNm><ItemPrice>1.#</ItemPrice><X/>",
      "<ItemCode>#</ItemCode><!-- c --><ItemName>a&#x23;</ItemName><ItemPrice x='1'>1.#</ItemPrice>",
    ]
    let tags = [("<Item>", "</Item>"), ("\n  <Item>", "\n  </Item>"), ("<Line>", "</Line>"), ("<Item a='>'>", "</Item>")]
    for first in 0..<shapes.count {
      for second in 0..<shapes.count {
        for (index, tag) in tags.enumerated() {
          var text = ""
          var expected: [String] = []
          for number in 1...9 {
            let shape = number % 3 == 0 ? second : first
            let around = number % 4 == 0 ? tags[(index + 1) % tags.count] : tag
            text += around.0 + shapes[shape].split(separator: "#", omittingEmptySubsequences: false)
              .joined(separator: "\(number)").replacing("&\(number)x23;", with: "&#x23;") + around.1
            expected.append("\(number) \(shape == 5 ? "a#" : "a\(number)") 1.\(number)")
          }
          let (rows, summary, _) = read(file(text))
          #expect(rows.map { "\($0[.code]) \($0[.name]) \($0.price)" } == expected, "\(first) \(second) \(index)")
          #expect(summary.outcome == .ok)
        }
      }
    }
  }
}
