import PriceFiles
import Testing

@Suite struct XMLTests {
  private let row = "<Item><ItemCode>1</ItemCode><ItemPrice>1</ItemPrice></Item>"

  @Test func commentsInstructionsAndSectionsAreNoText() {
    let filler = String(repeating: "-> ? <Item> - ", count: 30_000)
    let text = "<?xml version='1.0'?><!-- \(filler)--><Root a=\"1>2\" b='\"'><?pi \(filler)?><Items\n>"
      + row + "<!----><!-- ->-->" + row.replacing("1</ItemC", with: "2</ItemC") + "</Items></Root  >\n<!-- end -->\n"
    for size in [text.utf8.count, 1_000, 3] {
      let (rows, summary, _) = read(Array(text.utf8)) { size }
      #expect(summary.outcome == .ok, "\(summary.defect?.description ?? "")")
      #expect(rows.count == 2)
    }
  }

  @Test(arguments: [
    ("</Wrong>", "xml_mismatched_tag"), ("<Item></Items>", "xml_mismatched_tag"), ("< Item>", "xml_bad_name"),
    ("<1>", "xml_bad_name"), ("<Item a>", "xml_bad_attribute"), ("<Item a=1>", "xml_bad_attribute"),
    ("<Item a=\"<\">", "xml_bad_attribute"), ("<Item a=\"1\"b=\"2\">", "xml_bad_attribute"),
    ("<Item / >", "xml_bad_tag"), ("</Items x>", "xml_bad_tag"), ("<!ELEMENT a>", "xml_bad_declaration"),
    ("<!DOCTYPE a>", "xml_bad_declaration"), ("<!-x", "xml_bad_declaration"), ("<Item =\"1\">", "xml_bad_attribute"),
    ("</Items></Root>text", "xml_after_root"), ("</Items></Root><Root/>", "xml_after_root"),
    ("<>", "xml_bad_name"), ("<&>", "xml_bad_name"),
  ])
  func rowsBeforeADefectAreKept(_ defect: String, _ code: String) {
    let before = "<Root>\n<Items>\n\(row)\n"
    let text = before + defect + "\n\(row)</Items></Root>"
    for size in [text.utf8.count, 1, 5] {
      let (rows, summary, _) = read(Array(text.utf8)) { size }
      #expect(summary.outcome == .malformed)
      #expect(summary.defect?.code == code)
      #expect(summary.defect?.line == 4)
      #expect((summary.defect?.offset ?? 0) >= before.utf8.count)
      #expect(rows.count == 1)
      #expect(summary.outcome.rowsAreTrustworthy)
    }
  }

  @Test func limitsAreKept() {
    var limits = PriceFileLimits()
    limits.depth = 5
    limits.nameBytes = 20
    limits.tagBytes = 200
    limits.textBytes = 300
    limits.rowBytes = 1_000
    func code(_ inside: String, _ size: Int) -> String? {
      let text = "<Root><Items>" + inside + "</Items></Root>"
      return read(Array(text.utf8), limits: limits) { size }.summary.defect?.code
    }
    let long = String(repeating: "x", count: 301)
    for size in [10_000, 1, 64] {
      #expect(code("<Item><a><b></b></a></Item>", size) == nil)
      #expect(code("<Item><a><b><c></c></b></a></Item>", size) == "xml_depth_limit")
      #expect(code("<Item><abcdefghijklmnopqrst/></Item>", size) == nil)
      #expect(code("<Item><abcdefghijklmnopqrstu/></Item>", size) == "xml_name_limit")
      #expect(code("<Item a='\(long.prefix(150))'/>", size) == nil)
      #expect(code("<Item a='\(long.prefix(250))'/>", size) == "xml_tag_limit")
      #expect(code("<Item abcdefghijklmnopqrst='1'/>", size) == nil)
      #expect(code("<Item abcdefghijklmnopqrstu='1'/>", size) == "xml_name_limit")
      #expect(code("<Item \(String(repeating: "a='1' ", count: 40))/>", size) == "xml_tag_limit")
      #expect(code("<Item><ItemName>\(long.prefix(300))</ItemName></Item>", size) == nil)
      #expect(code("<Item><ItemName>\(long)</ItemName></Item>", size) == "xml_text_limit")
      #expect(code("<Item><ItemName><![CDATA[\(long)]]></ItemName></Item>", size) == "xml_text_limit")
      let wide = String(repeating: "<ItemName>\(long.prefix(180))</ItemName>", count: 5)
      #expect(code("<Item>\(wide)</Item>", size) == "row_limit")
      #expect(code("<Item>\(wide.prefix(800))</ItemName></Item><Item/>", size) != "row_limit")
    }
  }

  @Test func positionsAreBytesAndLines() {
    let text = "<Root>\n<Items>\n" + String(repeating: row + "\n", count: 9_000) + "</Broken>"
    let (rows, summary, _) = read(Array(text.utf8)) { 4_096 }
    #expect(summary.rows == 9_000)
    #expect(rows.count == 1)
    #expect(summary.defect?.line == 9_003)
    #expect(summary.defect?.offset == text.utf8.count - "</Broken>".utf8.count)
    #expect(summary.defect?.description.contains("line 9003") == true)
  }
}
