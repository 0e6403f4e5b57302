import Documents
import Testing

/// How the text of an item becomes passages.
@Suite struct PassageTests {
  private func passages(_ body: String, limit: Int = 40) throws -> [Passage] {
    try split(
      "<html><body><p>Item 1. Business</p>\(body)<p>Item 2. Properties</p><p>\(prose("x", 900))</p></body></html>",
      limit: limit
    ).passages.filter { $0.item == "1" }
  }

  @Test func noPassageIsTooLong() throws {
    let word = String(repeating: "long", count: 100)
    let found = try passages("<p>\(prose("a", 3_000))</p><p>\(prose("b", 90))</p><p>\(word) \(word)</p>")
    #expect(found.count > 5)
    #expect(found.allSatisfy { $0.tokens <= 40 && $0.tokens == countWords($0.text) && !$0.text.isEmpty })
    // Nothing is lost, nothing is there twice.
    let text = found.flatMap { $0.text.split(whereSeparator: \.isWhitespace) }
    #expect(text.count == countWords(prose("a", 3_000)) + countWords(prose("b", 90)) + 2)
  }

  @Test func paragraphsStayWhole() throws {
    let found = try passages("<p>One two three.</p><p>Four five six.</p><p>\(prose("seven", 160))</p>", limit: 30)
    #expect(found.map(\.text).first == "One two three.\nFour five six.")
  }

  @Test func headingsBeginPassages() throws {
    let found = try passages("<p>Intro.</p><p><b>Competition</b></p><p>Rivals.</p><p><b>People</b></p><p>Staff.</p>")
    #expect(found.map(\.heading) == ["Business", "Business — Competition", "Business — People"])
    #expect(found.map(\.text) == ["Intro.", "Rivals.", "Staff."])
  }

  private static func table(_ rows: Int) -> String {
    let body = (0..<rows).map { "<tr><td>Region \($0)</td><td>$</td><td>\($0)00</td><td>\($0)</td><td>%</td></tr>" }
    return "<table><tr><td></td><td>2025</td><td>Change</td></tr>\(body.joined())</table>"
  }

  @Test func aTableStaysWholeWithItsCaption() throws {
    let found = try passages("<p>\(prose("sales", 100))</p><p>Sales by region:</p>\(Self.table(3))<p>After.</p>")
    let table = try #require(found.first { $0.isTable })
    #expect(table.text == """
      Sales by region:
      2025 | Change
      Region 0 | $000 | 0%
      Region 1 | $100 | 1%
      Region 2 | $200 | 2%
      """)
    #expect(found.filter(\.isTable).count == 1 && found.last?.text == "After.")
    #expect(!found[0].text.contains("Sales by region"))
  }

  @Test func aLongTableIsCutBetweenRows() throws {
    let found = try passages("<p><b>Sales by region</b></p>\(Self.table(20))").filter(\.isTable)
    #expect(found.count > 2 && found.allSatisfy { $0.tokens <= 40 })
    #expect(found.allSatisfy { $0.text.hasPrefix("Sales by region\n") })
    for row in 0..<20 {
      #expect(found.count { $0.text.contains("Region \(row) |") } == 1)
    }
  }

  /// Bullets are laid out as tables.
  @Test func aListIsNoTable() throws {
    let row = { (text: String) in "<tr><td></td><td>&#8226;</td><td>\(text)</td></tr>" }
    let found = try passages("<p>We sell:</p><table>\(row("ore in bulk;"))\(row("coal in sacks."))</table>")
    #expect(found.map(\.text) == ["We sell:\n• ore in bulk;\n• coal in sacks."])
    #expect(found.allSatisfy { !$0.isTable })
  }
}
