import Core
import HTML
import HTTP
import Portals
import Testing

@testable import CrawlerService

@Suite struct IndexEngineTests {
  private static let nginx = """
    <html><head><title>Index of /prices/</title></head><body bgcolor="white"><h1>Index of /prices/</h1><hr><pre>
    <a href="../">../</a>
    <a href="sub/">sub/</a>                            02-Jan-2026 03:00       -
    <a href="PriceFull7290000000017-001-202601020300.gz">PriceFull7290000000017..&gt;</a> 02-Jan-2026 03:00    48213
    <a href="notes.txt">notes.txt</a>                  02-Jan-2026 03:00      12
    </pre><hr></body></html>
    """
  private static let apache = """
    <table id="indexlist"><tr><th><a href="?C=N;O=D">Name</a></th><th><a href="?C=M;O=A">Last modified</a></th></tr>
    <tr><td><a href="/">Parent Directory</a></td><td>&nbsp;</td><td>  - </td></tr>
    <tr><td><img src="/icons/c.gif"><td><a href="Promo7290000000017-001-202601020300.gz">Promo..</a></td>
    <td align="right">2026-01-02 03:01  </td><td align="right">1.2K</td></tr>
    <tr><td><td><a href="http://elsewhere.example/prices/Price7290000000017-001-202601020300.gz">other</a></td></tr>
    <tr><td><td><a href="/secret/Price7290000000017-001-202601020300.gz">above</a></td></tr>
    <tr><td><td><a href="%2e%2e/Price7290000000017-001-202601020300.gz">climbs</a></td></tr></table>
    """

  private func engine(depth: String = "1", pattern: String? = nil) throws -> IndexEngine {
    var chain = Chain(slug: "c", engine: "http", locator: "http://127.0.0.1:9/prices", options: ["depth": depth])
    chain.options["pattern"] = pattern
    return try IndexEngine(engineContext(chain))
  }

  @Test func readsWhatNginxWrites() throws {
    let engine = try engine()
    let (listing, folders) = try engine.read(HTMLDocument(Array(Self.nginx.utf8)), at: engine.base)
    #expect(listing.files.map(\.fileName) == ["PriceFull7290000000017-001-202601020300.gz"])
    let file = try #require(listing.files.first)
    #expect(file.size == 48_213 && file.version == "02-Jan-2026 03:00 48213" && file.chain == "c")
    #expect(file.link == "http://127.0.0.1:9/prices/PriceFull7290000000017-001-202601020300.gz")
    #expect(listing.skipped == ["bad_file_name": 1])
    #expect(folders.map(\.text) == ["http://127.0.0.1:9/prices/sub/"])
  }

  @Test func readsWhatApacheWritesAndStaysBelowItsFolder() throws {
    let engine = try engine()
    let (listing, folders) = try engine.read(HTMLDocument(Array(Self.apache.utf8)), at: engine.base)
    #expect(listing.files.map(\.fileName) == ["Promo7290000000017-001-202601020300.gz"])
    #expect(listing.files.first?.size == nil && listing.files.first?.version == "2026-01-02 03:01 1.2K")
    #expect(folders.isEmpty)
  }

  @Test func aPatternLeavesNamesOut() throws {
    let engine = try engine(pattern: "*promo*")
    #expect(try engine.read(HTMLDocument(Array(Self.nginx.utf8)), at: engine.base).listing.files.isEmpty)
    #expect(try engine.read(HTMLDocument(Array(Self.apache.utf8)), at: engine.base).listing.files.count == 1)
  }

  @Test func aLoginAndAPageWithoutLinksAreErrors() throws {
    let engine = try engine()
    let login = #expect(throws: PortalError.self) {
      let page = try HTMLDocument(Array("<title>Sign in</title><input type=password><a href=x>".utf8))
      return try engine.read(page, at: engine.base)
    }
    #expect(login?.kind == .loginPage)
    let nothing = #expect(throws: PortalError.self) {
      try engine.read(HTMLDocument(Array("<p>maintenance".utf8)), at: engine.base)
    }
    #expect(nothing?.kind == .unknownPage)
  }

  @Test func theDepthIsBounded() {
    for depth in ["0", "6", "x"] { #expect(throws: Failure.self) { try engine(depth: depth) } }
  }
}
