import Documents
import Testing

/// One quirk of filings each.
@Suite struct OutlineTests {
  private func page(_ bodies: [(heading: String, text: String)]) -> String {
    let parts = bodies.map { "<p><b>\($0.heading)</b></p><p>\($0.text)</p>" }
    return "<html><body>\(parts.joined())</body></html>"
  }

  /// Both parts of a quarterly report have an item 1, 2, 3 and 4.
  @Test(arguments: [true, false]) func twinsOfTheParts(hasParts: Bool) throws {
    let part = { (name: String) in hasParts ? "<p>PART \(name)</p>" : "" }
    let html = """
      <html><body><table><tr><td>Part I. Financial Information</td></tr><tr><td>Item 1.</td><td>Financial Statements
      </td><td>1</td></tr><tr><td>Item 2.</td><td>Management's Discussion and Analysis</td><td>9</td></tr><tr><td>Part
      II. Other Information</td></tr><tr><td>Item 1.</td><td>Legal Proceedings</td><td>30</td></tr><tr><td>Item 6.</td>
      <td>Exhibits</td><td>33</td></tr></table>
      \(part("I — FINANCIAL INFORMATION"))<p>Item 1. Financial Statements</p><p>\(prose("balances"))</p>
      <p>Item 2. Management’s Discussion and Analysis of Financial Condition</p><p>\(prose("quarters"))</p>
      <p>Item 3. Quantitative and Qualitative Disclosures About Market Risk</p><p>\(prose("rates"))</p>
      <p>Item 4. Controls and Procedures</p><p>\(prose("checks"))</p>
      \(part("II — OTHER INFORMATION"))<p>Item 1. Legal Proceedings</p><p>\(prose("suits"))</p>
      <p>Item 1A. Risk Factors</p><p>\(prose("dangers"))</p>
      <p>Item 2. Unregistered Sales of Equity Securities and Use of Proceeds</p><p>\(prose("buybacks"))</p>
      <p>Item 6. Exhibits</p><p>\(prose("lists"))</p></body></html>
      """
    let filing = try split(html, form: "10-Q")
    #expect(filing.names == ["I:1", "I:2", "I:3", "I:4", "II:1", "II:1A", "II:2", "II:6"])
    #expect(filing.text("1", part: "I").contains("balances") && filing.text("1", part: "II").contains("suits"))
    #expect(filing.text("2", part: "I").contains("quarters") && filing.text("2", part: "II").contains("buybacks"))
  }

  /// Numbers alone, with the part to tell them apart.
  @Test func headingsWithoutTitles() throws {
    let filing = try split(page([
      ("PART I", ""), ("Item 1.", prose("sheets")), ("Item 2.", prose("views")), ("PART II", ""),
      ("Item 1.", prose("judges")), ("Item 2.", prose("shares")),
    ]), form: "10-Q/A")
    #expect(filing.names == ["I:1", "I:2", "II:1", "II:2"])
    #expect(filing.text("2", part: "II").contains("shares"))
  }

  /// The pages of the contents stand in lines of their own, so no entry shows that it is one.
  @Test func contentsWithoutTables() throws {
    let contents = ["Item 1. Business", "4", "Item 1A. Risk Factors", "9", "Item 2. Properties", "30"]
    let filing = try split("""
      <html><body>\(contents.map { "<p>\($0)</p>" }.joined())<p>\(prose("the cover", 700))</p>
      <p>Item 1. Business</p><p>\(prose("trade", 600))</p><p>Item 1A. Risk Factors</p><p>\(prose("fire", 600))</p>
      <p>Item 2. Properties</p><p>\(prose("land", 600))</p></body></html>
      """)
    #expect(filing.names == ["I:1", "I:1A", "I:2"])
    #expect(filing.text("1").contains("trade") && !filing.text("1").contains("the cover"))
    #expect(filing.text("2").contains("land") && !filing.text("2").contains("the cover"))
  }

  /// A section ends at the next item in the order of the form, not at a reference to a later one.
  @Test func referencesDoNotEndASection() throws {
    let filing = try split("""
      <html><body><p>Item 1. Business</p><p>\(prose("goods", 900))</p>
      <p>Item 1A. Risk Factors</p><p>\(prose("risk"))</p>
      <p>Item 7. Management’s Discussion and Analysis</p><p>\(prose("storms", 900))</p>
      <p>Item 1B. Unresolved Staff Comments</p><p>None.</p>
      <p>Item 3. Legal Proceedings</p><p>\(prose("claims", 900))</p>
      <p>Item 7. Management’s Discussion and Analysis</p><p>\(prose("sales", 2_000))</p>
      <p>Item 8. Financial Statements and Supplementary Data</p><p>\(prose("sums", 900))</p></body></html>
      """)
    #expect(filing.names == ["I:1", "I:1A", "I:1B", "I:3", "II:7", "II:8"])
    #expect(filing.text("1A").contains("storms") && filing.text("7").contains("sales"))
  }

  @Test func sentencesAreNoHeadings() throws {
    let filing = try split("""
      <html><body><p>Item 1. Business</p><p>\(prose("boats", 900))</p>
      <p>Item 7 of this report describes our results.</p><p>\(prose("ships", 900))</p>
      <p>Part II of this report has more.</p><p>Item 2. Properties</p><p>\(prose("docks", 900))</p></body></html>
      """)
    #expect(filing.names == ["I:1", "I:2"])
    #expect(filing.text("1").contains("ships") && filing.text("1").contains("Item 7 of this report"))
  }

  /// The same short answer at the ends of pages is no running footer.
  @Test func nothingToSayOnSeveralPages() throws {
    let items = ["1B. Unresolved Staff Comments", "9. Changes in and Disagreements", "16. Form 10-K Summary"]
    let pages = items.map { "<p>Item \($0)</p><p>None.</p><p>ACME 10-K 7</p><hr>" }
    let first = "<p>Item 1. Business</p><p>\(prose("ink", 900))</p><p>ACME 10-K 6</p><hr>"
    let filing = try split("<html><body>\(first)\(pages.joined())</body></html>")
    #expect(filing.names == ["I:1", "I:1B", "II:9", "IV:16"])
    #expect(filing.passages.suffix(3).map(\.text) == ["None.", "None.", "None."])
    #expect(!filing.text("1").contains("ACME"))
  }

  /// An amendment repeats whole items, and only those.
  @Test func anAmendmentOfOnePart() throws {
    let filing = try split(page([
      ("EXPLANATORY NOTE", prose("this amendment")), ("PART III", ""),
      ("Item 10. Directors, Executive Officers and Corporate Governance", prose("people", 900)),
      ("Item 11. Executive Compensation", prose("pay", 900)),
      ("PART IV", ""), ("Item 15. Exhibits and Financial Statement Schedules", prose("certificates")),
    ]), form: "10-K/A")
    #expect(filing.names == ["III:10", "III:11", "IV:15"])
  }

  @Test func aFilingWithoutItemsIsStillText() throws {
    let filing = try split("<html><body><p>\(prose("nothing that is an item", 2_000))</p></body></html>")
    #expect(filing.method == .none && filing.items.isEmpty)
    #expect(filing.passages.count > 1 && filing.passages.allSatisfy { $0.item == nil })
  }

  /// The items of plain text, as filings were before HTML.
  @Test func plainText() throws {
    let text = """
      <SEC-DOCUMENT>0000000000-96-000001.txt
                               FORM 10-K405
                            TABLE OF CONTENTS
      Item 1.  Business ............................   1
      Item 2.  Properties ..........................   7
      <PAGE>
                                PART I
      ITEM 1.  BUSINESS
      \(prose("steel", 500))

      \(prose("iron", 500))
      <PAGE>
      ITEM 2.  PROPERTIES
      \(prose("mills", 500))

      <TABLE>
      <CAPTION>
                       1995       1994
      <S>              <C>        <C>
      Mills               12         11
      Capacity         $ 400      $ 380
      </TABLE>
      """
    let filing = try split(text, form: "10-K405")
    #expect(filing.names == ["I:1", "I:2"])
    #expect(filing.text("1").contains("iron") && filing.text("2").contains("mills"))
    #expect(filing.passages.contains { $0.isTable && $0.text.contains("Capacity | $ 400 | $ 380") })
  }
}
