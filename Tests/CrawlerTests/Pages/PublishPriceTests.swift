import Core
@testable import CrawlerService
import PortalSimulator
import PriceFiles
import Testing

@Suite struct PublishPriceTests {
  private func value(_ script: String, _ name: String = "files") -> String? {
    ScriptSource(script).value(of: name)
  }

  @Test(arguments: [
    ("const files = [1, 2];", "[1, 2]"),
    ("let\tfiles=\n[{\"a\":\"]\"}]", "[{\"a\":\"]\"}]"),
    ("var files = {\"a\": [\"\\\"}\"]};", "{\"a\": [\"\\\"}\"]}"),
    ("// const files = [0];\n/* files = [0]; */ const files = [3]", "[3]"),
    ("const s = 'files = [0]', t = \"it's\"; files = [4]", "[4]"),
    ("function f() { const files = [0]; }\nconst files = [5];", "[5]"),
    ("const myfiles = [0], files2 = [0], files = [6];", "[6]"),
    ("const files = load(); const a = `files = [0]`; files = [7];", "[7]"),
    ("const files = 'it\\'s';", "'it\\'s'"),
    ("const מחיר = 1; const files = [];", "[]"),
  ])
  func findsWhatIsAssigned(script: String, expected: String) {
    #expect(value(script) == expected)
  }

  @Test(arguments: [
    "", "files", "files =", "files = [1, 2", "files = 'open", "files == [1]", "x.y = [1]; {files = [1]}",
  ])
  func returnsNilWithoutAnAssignment(script: String) {
    #expect(value(script) == nil)
  }

  @Test func removesQuotesAndEscapes() {
    #expect(ScriptSource.string("'2026\\'0811'") == "2026'0811")
    #expect(ScriptSource.string("\"a\\\\b\"") == "a\\b")
    #expect(ScriptSource.string("[1]") == nil)
    #expect(ScriptSource.string("'") == nil)
  }

  private func page(_ script: String) throws -> PublishPricePage {
    try PublishPricePage(Array("<title>P</title><script>x()</script><script>\(script)</script>".utf8), maxRows: 3)
  }

  @Test func readsTheScriptOfAPage() throws {
    let page = try page("""
      const path = '20260811';
      const files = [{"name":"Price1.gz","size":581,"modified":"12:00 11-08-2026"},{"name":"b","size":"7"},{"size":1}];
      """)
    #expect(page.day == CivilDate(year: 2026, month: 8, day: 11))
    #expect(page.rows.map { $0.text("name") } == ["Price1.gz", "b", nil])
    #expect(page.rows.map { $0.text("size") } == ["581", "7", "1"])
    #expect(page.rows.map { $0.text("modified") } == ["12:00 11-08-2026", nil, nil])
    #expect(page.drift.isEmpty)
  }

  @Test(arguments: [
    ("const path = '20260811';", PortalError.Kind.unknownPage),
    ("const files = [];", .unknownShape),
    ("const path = '../etc'; const files = [];", .unknownShape),
    ("const path = '20261311'; const files = [];", .unknownShape),
    ("const path = '20260811'; const files = [a];", .invalidJSON),
    ("const path = '20260811'; const files = {\"a\":1};", .unknownShape),
    ("const path = '20260811'; const files = [1];", .unknownShape),
    ("const path = '20260811'; const files = [{},{},{},{}];", .tooManyRows),
  ])
  func saysWhatIsWrong(script: String, kind: PortalError.Kind) {
    let error = #expect(throws: PortalError.self) { try page(script) }
    #expect(error?.kind == kind)
  }

  @Test func asksForEarlierDaysFromTheNewestOn() async throws {
    var settings = pagedCatalogue(rounds: 30)
    settings.sideFiles = false
    try await PortalSimulator.serving(settings) { portal in
      let chain = portal.catalogue.chains[0]
      let all = portal.catalogue.files(of: chain)
      let newest = try #require(all.map { $0.time.text("YMD") }.max())
      let days = Set(all.map { $0.time.text("YMD") }).count
      #expect(days == 2)
      for (wanted, expected) in [(1, all.filter { $0.time.text("YMD") == newest }), (2, all), (3, all)] {
        let found = try await listings(of: pagesEngine(portal, .carrefour, chain, days: "\(wanted)"))
        #expect(found.count == wanted)
        #expect(Set(found.flatMap(\.files).map(\.fileName)) == Set(expected.map(\.name)))
      }
    }
  }
}
