import Documents
import Testing

/// The beginnings of five companies' annual reports, written after what their filings are known for.
@Suite struct CompanyTests {
  /// Inline XBRL with a hidden header, a table of contents with links, headings of spans, footers with page numbers.
  private static let linked = """
    <?xml version='1.0' encoding='ASCII'?><html xmlns:ix="http://www.xbrl.org/2013/inlineXBRL"><head><title>f</title>
    </head><body><div style="display:none"><ix:header><ix:hidden><ix:nonNumeric name="dei:x">Item 1. Business
    hidden</ix:nonNumeric></ix:hidden></ix:header></div>
    <div><span style="font-weight:700">UNITED STATES</span></div><div><span>FORM 10-K</span></div>
    <div><ix:nonNumeric name="dei:EntityRegistrantName" id="f-1"><span>Orchard Devices Inc.</span></ix:nonNumeric></div>
    <div><span>TABLE OF CONTENTS</span></div>
    <table><tr><td colspan="3"><span>Part I</span></td></tr>
    <tr><td><a href="#i1"><span>Item 1.</span></a></td><td><a href="#i1"><span>Business</span></a></td>
    <td><a href="#i1">1</a></td></tr>
    <tr><td><a href="#i2">Item 1A.</a></td><td><a href="#i2">Risk Factors</a></td><td><a href="#i2">5</a></td></tr>
    <tr><td><a href="#i3">Item 1B.</a></td><td><a href="#i3">Unresolved Staff Comments</a></td><td>17</td></tr>
    <tr><td><a href="#i4">Item 1C.</a></td><td><a href="#i4">Cybersecurity</a></td><td>17</td></tr>
    <tr><td><a href="#i5">Item 2.</a></td><td><a href="#i5">Properties</a></td><td>18</td></tr>
    <tr><td>Part II</td><td></td></tr>
    <tr><td>Item 7.</td><td>Management&#8217;s Discussion and Analysis of Financial Condition and Results of
    Operations</td><td>21</td></tr>
    <tr><td>Item 9C.</td><td>Disclosure Regarding Foreign Jurisdictions that Prevent Inspections</td><td>55</td></tr>
    </table>
    <div><span>This report contains forward-looking statements. \(prose("the future", 900))</span></div>
    <div style="text-align:center"><span>Orchard Devices Inc. | 2025 Form 10-K | 1</span></div>
    <hr style="page-break-after:always"/>
    <div id="i0"><span style="font-weight:700">PART I</span></div>
    <div id="i1"><span style="color:#000;font-weight:700">Item 1.&#160;&#160;&#160;&#160;Business</span></div>
    <div><span style="font-weight:700">Company Background</span></div>
    <div><span>The Company designs devices. \(prose("telephones"))</span></div>
    <div><span>Orchard Devices Inc. | 2025 Form 10-K | 2</span></div><hr style="page-break-after:always"/>
    <div id="i2"><span style="font-weight:700">Item 1A.&#160;&#160;Risk Factors</span></div>
    <div><span>\(prose("supply"))</span></div>
    <div><ix:continuation id="f-2"><span>\(prose("currencies"))</span></ix:continuation></div>
    <div><span>Orchard Devices Inc. | 2025 Form 10-K | 3</span></div><hr style="page-break-after:always"/>
    <div><span style="font-weight:700">Item 1B.&#160;&#160;Unresolved Staff Comments</span></div><div>None.</div>
    <div><span style="font-weight:700">Item 1C.&#160;&#160;Cybersecurity</span></div><div>\(prose("intrusions"))</div>
    <div><span style="font-weight:700">Item 2.&#160;&#160;Properties</span></div><div>\(prose("buildings"))</div>
    <div><span>Orchard Devices Inc. | 2025 Form 10-K | 4</span></div><hr style="page-break-after:always"/>
    <div><span style="font-weight:700">PART II</span></div>
    <div><span style="font-weight:700">Item 7.&#160;&#160;Management&#8217;s Discussion and Analysis of Financial
    Condition and Results of Operations</span></div><div>\(prose("results"))</div>
    <div><span>See Item 1A of this report under the heading &#8220;Risk Factors.&#8221;</span></div>
    <div><span style="font-weight:700">Item 9C.&#160;&#160;Disclosure Regarding Foreign Jurisdictions that Prevent
    Inspections</span></div><div>Not applicable.</div>
    <div>SIGNATURES</div><div>Pursuant to the requirements of Section 13 the registrant has signed.</div>
    </body></html>
    """

  @Test func anIndexWithLinksIsNotTheItems() throws {
    let filing = try split(Self.linked)
    #expect(filing.method == .headings)
    #expect(filing.names == ["I:1", "I:1A", "I:1B", "I:1C", "I:2", "II:7", "II:9C"])
    #expect(filing.text("1").contains("The Company designs devices."))
    #expect(filing.text("1A").contains("supply") && filing.text("1A").contains("currencies"))
    #expect(filing.text("1B") == "None." && filing.text("9C") == "Not applicable.")
    #expect(filing.passages.first { $0.item == "1" }?.heading == "Business — Company Background")
    let all = filing.passages.map(\.text).joined(separator: "\n")
    for word in ["hidden", "Form 10-K |", "forward-looking", "UNITED STATES", "Pursuant to"] {
      #expect(!all.contains(word), "\(word)")
    }
    #expect(filing.outside > 900)
  }

  /// Each page begins with the part and the item that it is in.
  @Test func runningHeaders() throws {
    func page(_ part: String, _ item: String, _ body: String) -> String {
      """
      <p style="page-break-before:always"></p><p align=center>PART \(part)</p><p align=center>Item \(item)</p>\(body)
      """
    }
    let html = """
      <html><body><p>FORM 10-K</p><p>INDEX</p><table><tr><td>PART I</td></tr><tr><td>Item 1.</td><td>Business</td><td>3
      </td></tr><tr><td>Item 1A.</td><td>Risk Factors</td><td>21</td></tr><tr><td>Item 2.</td><td>Properties</td><td>38
      </td></tr></table>
      \(page("I", "1", "<p><b>ITEM 1. B<font size=1>USINESS</font></b></p><p>\(prose("software", 900))</p>"))
      \(page("I", "1", "<p>\(prose("clouds", 900))</p>"))
      \(page("I", "1", "<p>\(prose("games", 900))</p><p><b>ITEM 1A. RISK FACTORS</b></p><p>\(prose("rivals"))</p>"))
      \(page("I", "1A", "<p>\(prose("competition", 900))</p>"))
      \(page("I", "1A", "<p>\(prose("lawsuits", 900))</p>"))
      \(page("I", "1A, 2", "<p>\(prose("talent", 900))</p><p><b>ITEM 2. PROPERTIES</b></p><p>\(prose("sites"))</p>"))
      </body></html>
      """
    let filing = try split(html)
    #expect(filing.names == ["I:1", "I:1A", "I:2"])
    for word in ["software", "clouds", "games"] { #expect(filing.text("1").contains(word)) }
    for word in ["rivals", "competition", "lawsuits", "talent"] { #expect(filing.text("1A").contains(word)) }
    #expect(filing.text("2").contains("sites") && !filing.text("2").contains("talent"))
    #expect(!filing.passages.contains { $0.text.contains("PART I") || $0.text.contains("Item 1") })
  }

  /// No item has a heading: an index at the end names printed pages.
  @Test func anIndexOfPrintedPages() throws {
    func page(_ number: Int, _ body: String) -> String {
      "<div>\(body)</div><div>2025 FORM 10-K \(number)</div><hr style='page-break-after:always'>"
    }
    let html = """
      <html><body>\(page(3, "<b>ABOUT US</b><p>\(prose("turbines"))</p>"))
      \(page(4, "<p>\(prose("engines"))</p>"))
      \(page(5, "<b>MANAGEMENT'S VIEW</b><p>\(prose("margins"))</p>"))
      \(page(6, "<p>\(prose("cash"))</p>"))
      \(page(7, "<b>DANGERS</b><p>\(prose("suppliers"))</p>"))
      \(page(8, "<b>STATEMENTS</b><p>\(prose("ledgers"))</p>"))
      <p>FORM 10-K CROSS REFERENCE INDEX</p><table>
      <tr><td>Part I</td><td></td><td>Page(s)</td></tr>
      <tr><td>Item 1.</td><td>Business</td><td>3-4</td></tr>
      <tr><td>Item 1A.</td><td>Risk Factors</td><td>7</td></tr>
      <tr><td>Item 1B.</td><td>Unresolved Staff Comments</td><td>Not applicable</td></tr>
      <tr><td>Item 7.</td><td>Management&#146;s Discussion and Analysis of Financial Condition</td><td>5-6, 8</td></tr>
      <tr><td>Item 8.</td><td>Financial Statements and Supplementary Data</td><td>8</td></tr>
      <tr><td>Item 15.</td><td>Exhibits</td><td>40</td></tr></table></body></html>
      """
    let filing = try split(html)
    #expect(filing.method == .pages)
    #expect(filing.names == ["I:1", "II:7", "I:1A", "II:7,8"])
    #expect(filing.text("1").contains("turbines") && filing.text("1").contains("engines"))
    #expect(filing.text("1A").contains("suppliers") && filing.text("7").contains("cash"))
    #expect(filing.text("7,8").contains("ledgers"))
    #expect(!filing.passages.contains { $0.text.contains("2025 FORM") })
  }

  /// Items that only name the annual report to stockholders, which is an exhibit.
  @Test func incorporatedByReference() throws {
    let html = """
      <html><body><p><b>PART I</b></p><p><b>Item 1. Business:</b></p><p>\(prose("machines", 900))</p>
      <p><b>Item 3. Legal Proceedings:</b></p><p>Refer to note N, which is incorporated herein by reference.</p>
      <p><b>PART II</b></p><p><b>Item 7. Management&rsquo;s Discussion and Analysis of Financial Condition and Results
      of Operations:</b></p><p>Refer to pages 6 through 70 of the Annual Report to Stockholders, which are incorporated
      herein by reference.</p><p><b>Item 9B. Other Information:</b></p>
      <p><b>PART III</b></p><p><b>Item 10. Directors, Executive Officers and Corporate Governance:</b></p>
      <p>The proxy statement is incorporated by reference. \(prose("officers"))</p></body></html>
      """
    let filing = try split(html)
    #expect(filing.names == ["I:1", "I:3", "II:7", "II:9B", "III:10"])
    #expect(filing.state("1") == .text && filing.state("7") == .incorporated && filing.state("3") == .incorporated)
    #expect(filing.state("10") == .incorporated && filing.state("9B") == .empty)
    #expect(filing.text("7").hasPrefix("Refer to pages 6 through 70"))
  }

  /// One heading for two items, and labels in other cells than titles.
  @Test func headingsInCells() throws {
    func heading(_ label: String, _ title: String) -> String {
      "<table><tr><td style=\"width:10%\"></td><td><b>\(label)</b></td><td></td><td><b>\(title)</b></td></tr></table>"
    }
    let html = """
      <html><body><div>PART I</div>\(heading("Items 1 and 2.", "Business and Properties"))<p>\(prose("wells", 900))</p>
      \(heading("Item No. 1A.", "Risk Factors"))<p>\(prose("prices", 900))</p>
      \(heading("Item 3.", "Legal Proceedings"))<p>\(prose("courts"))</p>
      <div>PART II</div><table><tr><td>Item 5.</td></tr></table>
      <table><tr><td>Market for Registrant&#8217;s Common Equity</td></tr></table><p>\(prose("dividends"))</p>
      <p>ITEM 7A &#151; QUANTITATIVE AND QUALITATIVE DISCLOSURES ABOUT MARKET RISK</p><p>\(prose("hedges"))</p>
      <p>Item&nbsp;8:Financial Statements and Supplementary Data</p><p>\(prose("audits"))</p>
      <p>Item 9 A. Controls and Procedures. Our officers \(prose("controls", 700))</p></body></html>
      """
    let filing = try split(html)
    #expect(filing.names == ["I:1,2", "I:1A", "I:3", "II:5", "II:7A", "II:8", "II:9A"])
    #expect(filing.text("1,2").contains("wells") && filing.text("8").contains("audits"))
    #expect(filing.text("9A").contains("Our officers"))
    #expect(filing.passages.first { $0.item == "1,2" }?.heading == "Business and Properties")
  }
}
