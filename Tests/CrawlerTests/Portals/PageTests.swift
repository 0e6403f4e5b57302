import Core
@testable import CrawlerService
import HTML
import HTTP
import Portals
import PortalSimulator
import Testing

@Suite struct PageTests {
  private let name = "PriceFull7290058160839-001-202608230300.gz"

  private func links(_ page: String) throws -> [FileLink] {
    try FileLink.all(in: try HTMLDocument(Array(page.utf8)), base: try HTTPURL("https://portal.example/a/"))
  }

  @Test(arguments: [
    ("<a href='Prices/Download?fileName=NAME'>x</a>", "https://portal.example/a/Prices/Download?fileName=NAME"),
    ("<a href='/d?v=1&amp;fileName=NAME'>x</a>", "https://portal.example/d?v=1&fileName=NAME"),
    ("<A HREF='download/2026-08-23/NAME'>x", "https://portal.example/a/download/2026-08-23/NAME"),
    ("<a data-filename=NAME href='/f/123'>x</a>", "https://portal.example/f/123"),
    ("<a href='/f/123'> \n NAME </a>", "https://portal.example/f/123"),
    ("<a href='https://blob.example/x/NAME?sig=a%2Fb'>x</a>", "https://blob.example/x/NAME?sig=a%2Fb"),
    ("<table><tr><td>a<td><a href='NAME'>x</table>", "https://portal.example/a/NAME"),
  ])
  func findsAFileByAnyPartOfItsLink(page: String, url: String) throws {
    let found = try links(page.replacing("NAME", with: name))
    #expect(found.map(\.fileName) == [name])
    #expect(found.map(\.url.text) == [url.replacing("NAME", with: name)])
  }

  @Test(arguments: [
    "<a name=top></a><a>x</a>", "<a href=''>x</a>", "<a href='assets/site.css'>style</a>",
    "<a href='javascript:void(0)'>PriceFull</a>", "<!-- <a href='NAME'>x</a> -->",
    "<script>var a = \"<a href='NAME'>\";</script>", "<a href='ftp://h/NAME'>x</a>", "<a href='../NAME/..'>x</a>",
  ])
  func ignoresOtherLinks(page: String) throws {
    #expect(try links(page.replacing("NAME", with: name)).isEmpty)
  }

  @Test func readsTheRowAroundALink() throws {
    let found = try links("<table><tr><td>23/08/2026  03:00<td>1.2&nbsp;KB<td><a href='\(name)'>x</a></table>")
    #expect(found.map(\.row) == ["23/08/2026 03:00 1.2 KB x"])
    #expect(try links("<ul><li>b <a href='\(name)'>x</a></ul>").map(\.row) == ["b x"])
    #expect(try links("<p>b <a href='\(name)'>x</a>").map(\.row) == [""])
  }

  @Test func netivHasedWantsABrowser() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      var row = WebPortal.netivHased.row(portal, portal.catalogue.chains[0])
      row.userAgent = "curl/8.0"
      let engine = try LinkPageEngine(engineContext(row), .netivHased)
      let error = await #expect(throws: HTTPError.self) { try await sweep(engine) }
      #expect(error?.code == "http_403")
    }
  }

  /// The day in Israel, and those before it.
  @Test func netivHasedAsksDayByDay() async throws {
    let settings = smallCatalogue(chains: 1)
    try await PortalSimulator.serving(settings) { portal in
      let chain = portal.catalogue.chains[0]
      let midnight = Int64(settings.day.secondsSince1970)
      for (later, found) in [(-1, 0), (0, 1), (2 * 86_400 - 1, 1), (2 * 86_400, 0)] as [(Int64, Int)] {
        var engine = try LinkPageEngine(engineContext(WebPortal.netivHased.row(portal, chain)), .netivHased)
        engine.days.now = { midnight + later }
        #expect(try await sweep(engine).files.count == found * portal.catalogue.files(of: chain).count)
      }
      #expect(portal.requests(.listing) == 4 * 2)
    }
  }

  /// One page for what the index calls a day; the row says how many of the newest are read, 0 means all.
  @Test(arguments: [("0", 2), ("1", 1), ("2", 2)])
  func woltReadsTheNewestDays(days: String, pages: Int) async throws {
    // Rounds come every hour from 03:00 on: the last of these lie on the next day.
    try await PortalSimulator.serving(smallCatalogue(chains: 1, rounds: 20)) { portal in
      let chain = portal.catalogue.chains[0]
      var row = WebPortal.wolt.row(portal, chain)
      row.options["days"] = days
      let files = try await sweep(try LinkPageEngine(engineContext(row), .wolt)).files
      #expect(portal.requests(.listing) == pages)
      #expect(Set(files.map(\.name.date)).count == pages)
      let newest = try #require(portal.catalogue.files(of: chain).last)
      #expect(files.contains { $0.fileName == newest.name })
    }
  }

  @Test func woltReadsOnePageADay() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      let engine = try WebPortal.wolt.engine(portal, portal.catalogue.chains[0])
      _ = try await sweep(engine)
      #expect(portal.requests(.listing) == 1)
      #expect(portal.requests(.resolver) == 1)
    }
  }

  @Test func anIndexWithoutDaysIsNoEmptyListing() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      let engine = try WebPortal.wolt.engine(portal, portal.catalogue.chains[0])
      for (mode, kind) in [
        (Fault.Mode.emptyListing, PortalError.Kind.unknownPage), (.unknownShape, .unknownPage),
        (.loginPage, .loginPage),
      ] {
        portal.clearFaults()
        portal.add(Fault(mode, on: .resolver))
        let error = await #expect(throws: PortalError.self) { try await sweep(engine) }
        #expect(error?.kind == kind)
      }
    }
  }
}
