import Core
import HTML
import Testing

@Suite struct HTMLDocumentTests {
  private func page(_ text: String) throws -> HTMLDocument { try HTMLDocument(Array(text.utf8)) }

  @Test func readsUnclosedTables() throws {
    let page = try page("""
      <HTML><body><div id=grid><TABLE><tbody>
      <tr><td><a HREF="/a?x=1&amp;y=2">one</a><td> 1
         KB
      <tr><td><a href='/b'>שלום &quot;לך&quot;&nbsp;</a><td>2 KB
      """)
    let rows = try page.select("//div[@id='grid']//tr")
    #expect(rows.count == 2)
    #expect(try rows.map { try $0.first("td[1]/a")?.attribute("href") } == ["/a?x=1&y=2", "/b"])
    #expect(try rows.map { try $0.first("td[2]")?.text } == ["1 KB", "2 KB"])
    #expect(try rows[1].first(".//a")?.text == "שלום \"לך\"")
    #expect(try page.select("//a/@href").map(\.text) == ["/a?x=1&y=2", "/b"])
    #expect(try page.first("//a")?.name == "a")
    #expect(try page.first("//a")?.attribute("id") == nil)
    #expect(try page.select("//h1").isEmpty)
  }

  @Test func declaredCharsetsAreIgnored() throws {
    for declared in ["windows-1255", "iso-8859-8", "nonsense"] {
      let page = try page("<meta charset=\(declared)><p>מחיר</p>")
      #expect(try page.first("//p")?.text == "מחיר")
    }
    #expect(try HTMLDocument([0xef, 0xbb, 0xbf] + Array("<p>א</p>".utf8)).first("//p")?.text == "א")
  }

  @Test func scriptsAreText() throws {
    let page = try page("<script>const files = [{\"name\":\"a<b>&amp;\"}];</script><p>x")
    #expect(try page.first("//script")?.rawText == "const files = [{\"name\":\"a<b>&amp;\"}];")
  }

  @Test func recognisesALoginPage() throws {
    #expect(try page("<title> Sign in </title><form><INPUT type=PassWord name=p></form>").isLogin)
    #expect(try page("<title> Sign in </title>").title == "Sign in")
    #expect(try !page("<form><input type=text></form>").isLogin)
  }

  /// A document type can declare entities in XML; HTML readers have no such thing.
  @Test func entitiesAreNeitherDefinedNorLoaded() throws {
    let page = try page("""
      <!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y "aaaa">]><b>&x;|&y;|&lt;</b>
      """)
    let text = try #require(try page.first("//b")?.text)
    #expect(text.hasSuffix("|<") && !text.contains("root:") && !text.contains("aaaa"))
  }

  @Test func limits() throws {
    let bytes = Array("<p>1<p>2<p>3".utf8)
    #expect(throws: HTMLError.self) { try HTMLDocument(bytes, maxBytes: 11) }
    let small = try HTMLDocument(bytes, maxNodes: 2)
    #expect(throws: HTMLError.self) { try small.select("//p") }
    #expect(throws: HTMLError.self) { try HTMLDocument(Array(" \n".utf8)) }
  }

  @Test func depthIsBounded() throws {
    let deep = try page(String(repeating: "<div>", count: 200_000) + "<p>x")
    #expect(try deep.select("//div").count <= 200_000)
  }

  @Test func invalidExpressionsAreFatal() throws {
    let page = try page("<p>1")
    for path in ["//p[", "count(//p)", ""] {
      let error = #expect(throws: HTMLError.self) { try page.select(path) }
      #expect(error?.errorClass == .fatal)
    }
  }

  @Test func randomBytesNeverCrash() throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      let bytes = (0..<300).map { _ in UInt8.random(in: 0...255, using: &random) }
      _ = try? HTMLDocument(bytes + Array("<p>".utf8)).select("//*").map(\.text)
    }
  }
}
