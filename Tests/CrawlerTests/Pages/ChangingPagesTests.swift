@testable import CrawlerService
import Foundation
import HTTP
import PortalSimulator
import PriceFiles
import Testing
import Values

/// Portals publish and withdraw files while their pages are read, and their signed links expire.
@Suite struct ChangingPagesTests {
  private func options(rows: Int = 3, firstRounds: Int? = nil) -> PortalOptions {
    var options = PortalOptions()
    options.rowsPerPage = rows
    options.firstRounds = firstRounds
    return options
  }

  /// Reads page by page and runs an action after one of them.
  private func names(
    _ engine: any PortalEngine, after page: Int, _ change: () -> Void
  ) async throws -> [String] {
    var names: [String] = []
    var count = 0
    try await engine.list(Set(FileType.allCases)) { listing in
      names += listing.files.map(\.fileName)
      count += 1
      if count == page { change() }
      return true
    }
    return names
  }

  @Test(arguments: PortalSimulator.Pages.paged, [1, 2, 4])
  func missesNothingWhenFilesAreAdded(pages: PortalSimulator.Pages, page: Int) async throws {
    try await PortalSimulator.serving(pagedCatalogue(), options: options(firstRounds: 3)) { portal in
      let chain = portal.catalogue.chains[0]
      let before = Set(portal.visibleFiles.map(pages.name))
      let engine = try pagesEngine(portal, pages, chain)
      let found = Set(try await names(engine, after: page) { portal.reveal(rounds: 6) })
      let after = Set(portal.visibleFiles.map(pages.name))
      #expect(after.count == before.count + 6)
      #expect(found.isSuperset(of: before))
      #expect(after.isSuperset(of: found))
      #expect(Set(try await allFiles(engine).map(\.fileName)) == after)
    }
  }

  @Test(arguments: PortalSimulator.Pages.paged, [3, 4, 5, 7])
  func missesNothingWhenAPageAndMoreIsWithdrawn(pages: PortalSimulator.Pages, count: Int) async throws {
    try await PortalSimulator.serving(pagedCatalogue(rounds: 8), options: options()) { portal in
      let chain = portal.catalogue.chains[0]
      let newest = portal.catalogue.files(of: chain).sorted { ($1.time, $1.name) < ($0.time, $0.name) }
      let engine = try pagesEngine(portal, pages, chain)
      let found = Set(try await names(engine, after: 3) { newest.prefix(count).forEach(portal.withdraw) })
      #expect(found.isSuperset(of: newest.dropFirst(count).map(pages.name)))
      #expect(Set(try await allFiles(engine).map(\.fileName)) == Set(newest.dropFirst(count).map(pages.name)))
    }
  }

  @Test(arguments: PortalSimulator.Pages.paged)
  func everythingWithdrawnEndsThePass(pages: PortalSimulator.Pages) async throws {
    try await PortalSimulator.serving(pagedCatalogue(), options: options()) { portal in
      let chain = portal.catalogue.chains[0]
      let engine = try pagesEngine(portal, pages, chain)
      let found = try await names(engine, after: 4) { portal.catalogue.files(of: chain).forEach(portal.withdraw) }
      #expect(found.count == 4 * 3)
      #expect(portal.requests(.listing) < 10)
    }
  }

  /// Pages of 20 rows without a pager: the engine reads the next page, and reports the missing pager.
  @Test(arguments: PortalSimulator.Pages.paged)
  func missesNothingWithoutAPager(pages: PortalSimulator.Pages) async throws {
    try await PortalSimulator.serving(pagedCatalogue(rounds: 20), options: options(rows: 20)) { portal in
      portal.add(Fault(.noPager, on: .listing))
      let chain = portal.catalogue.chains[0]
      let all = try await listings(of: pagesEngine(portal, pages, chain))
      #expect(Set(all.flatMap(\.files).map(\.fileName)) == Set(portal.catalogue.files(of: chain).map(pages.name)))
      #expect(all.contains { $0.unknownColumns == ["-pager"] })
    }
  }

  @Test(arguments: PortalSimulator.Pages.paged)
  func stopsAtTheLimitOfRequests(pages: PortalSimulator.Pages) async throws {
    try await PortalSimulator.serving(pagedCatalogue(), options: options()) { portal in
      let engine = try pagesEngine(portal, pages, portal.catalogue.chains[0], limits: quickLimits(maxRequests: 2))
      #expect(try await allFiles(engine).count == 6)
      #expect(portal.requests(.listing) == 2)
    }
  }

  @Test func signedLinksSayWhenTheyExpireAndComeInThatOrder() async throws {
    try await PortalSimulator.serving(pagedCatalogue(), options: options(rows: 6)) { portal in
      let engine = try pagesEngine(portal, .shufersal, portal.catalogue.chains[0])
      #expect(engine.linksExpire)
      let all = try await listings(of: engine)
      for listing in all {
        let ends = try listing.files.map { try #require($0.linkExpires?.microseconds) }
        #expect(ends == ends.sorted())
      }
      #expect(all.contains { $0.files.count > 1 })

      let file = try #require(all.last?.files.last)
      let link = try #require(try await engine.link(to: file))
      #expect(try await fetch(link).status == 200)
      #expect(try await fetch(link.replacingOccurrences(of: "sig=", with: "sig=0")).status == 403)
      portal.passTime(.seconds(1_801))
      let late = try await fetch(link)
      #expect(late.status == 403)
      #expect(late.text.hasPrefix("<?xml") && late.text.contains("<Error>"))
      // Listed again, the same publication has a link that works.
      let again = try #require(try await allFiles(engine).first { $0.fileName == file.fileName })
      #expect(again.fingerprint == file.fingerprint)
      #expect(try await fetch(try #require(again.link)).status == 200)
    }
  }

  @Test func onlySignedLinksExpire() async throws {
    try await PortalSimulator.serving(pagedCatalogue(rounds: 1)) { portal in
      for pages in PortalSimulator.Pages.allCases where pages != .shufersal {
        let engine = try pagesEngine(portal, pages, portal.catalogue.chains[0])
        #expect(!engine.linksExpire)
        #expect(try await allFiles(engine).allSatisfy { $0.linkExpires == nil })
      }
    }
  }

  /// The faults of a downloaded file, behind the links of every engine.
  @Test(arguments: PortalSimulator.Pages.allCases)
  func downloadsMisbehaveAsAsked(pages: PortalSimulator.Pages) async throws {
    try await PortalSimulator.serving(pagedCatalogue(rounds: 1)) { portal in
      let engine = try pagesEngine(portal, pages, portal.catalogue.chains[0])
      let link = try #require(try await allFiles(engine).first?.link)
      func spoiled(_ mode: Fault.Mode) async throws -> (status: Int, head: [UInt8], body: [UInt8]) {
        portal.add(Fault(mode, on: .download, times: 1))
        let response = try await fetch(link)
        return (response.status, Array(response.body.prefix(4)), response.body)
      }
      #expect(try await spoiled(.zipped).head == Array("PK".utf8) + [3, 4])
      let broken = try await spoiled(.brokenGzip)
      #expect(broken.head.prefix(2) == [0x1f, 0x8b])
      #expect(try await broken.body != fetch(link).body)
      #expect(try await spoiled(.rateLimit).status == 429)
      #expect(try await spoiled(.loginPage).body.starts(with: Array("<!DOCTYPE".utf8)))
      #expect(try await spoiled(.expiredLink).status == 403)
    }
  }
}
