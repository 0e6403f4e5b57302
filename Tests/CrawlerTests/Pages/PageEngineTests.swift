import Core
@testable import CrawlerService
import HTTP
import PortalSimulator
import PriceFiles
import Testing
import Values

/// Every engine that reads pages, against a portal that serves them over HTTP.
@Suite struct PageEngineTests {
  @Test(arguments: PortalSimulator.Pages.allCases)
  func listsExactlyWhatThePortalHas(pages: PortalSimulator.Pages) async throws {
    var options = PortalOptions()
    options.rowsPerPage = 4
    try await PortalSimulator.serving(smallCatalogue(), options: options) { portal in
      for chain in portal.catalogue.chains {
        let engine = try pagesEngine(portal, pages, chain)
        let all = try await listings(of: engine)
        let files = all.flatMap(\.files)
        let expected = portal.catalogue.files(of: chain)
        #expect(files.map(\.fileName).sorted() == expected.map(pages.name).sorted())
        #expect(files.allSatisfy { $0.chain == chain.slug && $0.link != nil && !$0.version.isEmpty })
        #expect(all.allSatisfy { $0.skipped.isEmpty && $0.unknownColumns.isEmpty })
        let pageCount = PortalSimulator.Pages.paged.contains(pages) ? (expected.count + 3) / 4 : 1
        #expect(all.count == pageCount)
      }
      #expect(portal.requests(.download) == 0)
    }
  }

  @Test(arguments: PortalSimulator.Pages.allCases)
  func linksLeadToTheFiles(pages: PortalSimulator.Pages) async throws {
    try await PortalSimulator.serving(smallCatalogue(rounds: 1)) { portal in
      for chain in portal.catalogue.chains {
        let engine = try pagesEngine(portal, pages, chain)
        for file in try await allFiles(engine) {
          let original = try #require(portal.catalogue.files(of: chain).first { pages.name(of: $0) == file.fileName })
          let link = try #require(try await engine.link(to: file))
          let response = try await fetch(link)
          #expect(response.status == 200)
          #expect(response.body == portal.catalogue.bytes(of: original))
          if let size = file.size { #expect(size == Int64(response.body.count)) }
        }
      }
    }
  }

  @Test(arguments: PortalSimulator.Pages.allCases)
  func aFilePublishedAgainIsAnotherPublication(pages: PortalSimulator.Pages) async throws {
    try await PortalSimulator.serving(pagedCatalogue(rounds: 1)) { portal in
      let chain = portal.catalogue.chains[0]
      let engine = try pagesEngine(portal, pages, chain)
      let before = Set(try await allFiles(engine).map(\.fingerprint))
      // A new signature does not make a new publication.
      portal.passTime(.seconds(600))
      #expect(Set(try await allFiles(engine).map(\.fingerprint)) == before)
      let again = try #require(portal.catalogue.files(of: chain).first { $0.kind == .priceFull })
      portal.republish(again)
      let changed = try await allFiles(engine).filter { !before.contains($0.fingerprint) }
      #expect(changed.map(\.fileName) == [pages.name(of: again)])
    }
  }

  @Test(arguments: [PortalSimulator.Pages.shufersal, .superPharm, .haziHinam])
  func asksOnlyForTheTypesWanted(pages: PortalSimulator.Pages) async throws {
    try await PortalSimulator.serving(pagedCatalogue()) { portal in
      let engine = try pagesEngine(portal, pages, portal.catalogue.chains[0])
      let stores = try await allFiles(engine, [.stores])
      #expect(stores.map(\.name.type) == [.stores])
      let prices = try await allFiles(engine, [.price, .priceFull])
      #expect(prices.count == 2 * 7)
      #expect(prices.allSatisfy { $0.name.type.holdsPrices })
    }
  }

  @Test(arguments: PortalSimulator.Pages.allCases, [Fault.Mode.serverError, .rateLimit, .truncated])
  func retriesWhileThePortalFails(pages: PortalSimulator.Pages, mode: Fault.Mode) async throws {
    try await PortalSimulator.serving(pagedCatalogue(rounds: 1)) { portal in
      portal.add(Fault(mode, on: .listing, times: 2, retryAfter: 0))
      let chain = portal.catalogue.chains[0]
      let files = try await allFiles(pagesEngine(portal, pages, chain))
      #expect(files.count == portal.catalogue.files(of: chain).count)
      #expect(portal.requests(.listing) == 3)
    }
  }

  @Test(arguments: PortalSimulator.Pages.allCases, [
    (Fault.Mode.loginPage, "login_page"), (.unknownShape, "unknown_listing_page"), (.expiredLink, "http_403"),
    (.serverError, "http_500"),
  ])
  func reportsAnswersThatAreNotListings(
    pages: PortalSimulator.Pages, fault: (mode: Fault.Mode, code: String)
  ) async throws {
    try await PortalSimulator.serving(pagedCatalogue(rounds: 1)) { portal in
      portal.add(Fault(fault.mode, on: .listing))
      let engine = try pagesEngine(portal, pages, portal.catalogue.chains[0], attempts: 2)
      do {
        _ = try await allFiles(engine)
        Issue.record("\(fault.mode) was taken for a listing")
      } catch let error as any ClassifiedError {
        #expect(error.code == fault.code)
      }
    }
  }

  @Test(arguments: PortalSimulator.Pages.allCases)
  func aSlowPortalEndsAtTheTimeLimit(pages: PortalSimulator.Pages) async throws {
    var options = PortalOptions()
    options.dripBytes = 1
    try await PortalSimulator.serving(pagedCatalogue(rounds: 1), options: options) { portal in
      portal.add(Fault(.slow, on: .listing))
      let engine = try pagesEngine(
        portal, pages, portal.catalogue.chains[0], httpLimits: HTTPLimits(totalTime: .milliseconds(300)), attempts: 1)
      let error = await #expect(throws: HTTPError.self) { try await allFiles(engine) }
      #expect(error?.kind == .timedOut)
    }
  }

  @Test(arguments: PortalSimulator.Pages.allCases)
  func anEmptyListingIsNoError(pages: PortalSimulator.Pages) async throws {
    try await PortalSimulator.serving(pagedCatalogue()) { portal in
      portal.add(Fault(.emptyListing, on: .listing))
      let all = try await listings(of: pagesEngine(portal, pages, portal.catalogue.chains[0]))
      // An empty front page of Carrefour may be the new day's: the engine reads the day before too.
      #expect(all.count == (pages == .carrefour ? 2 : 1))
      #expect(all.allSatisfy { $0.files.isEmpty && $0.unknownColumns.isEmpty })
    }
  }

  @Test(arguments: PortalSimulator.Pages.allCases, [Fault.Mode.unknownColumn, .missingColumn])
  func changedColumnsAreReportedAndLoseNoFile(pages: PortalSimulator.Pages, mode: Fault.Mode) async throws {
    try await PortalSimulator.serving(pagedCatalogue(rounds: 1)) { portal in
      portal.add(Fault(mode, on: .listing))
      let chain = portal.catalogue.chains[0]
      let all = try await listings(of: pagesEngine(portal, pages, chain))
      #expect(Set(all.flatMap(\.files).map(\.fileName)) == Set(portal.catalogue.files(of: chain).map(pages.name)))
      let reported =
        switch (pages, mode) {
        case (.carrefour, .unknownColumn): "shelf"
        case (.carrefour, _): "-modified"
        case (_, .unknownColumn): "שובר קופה"
        default: "-time"
        }
      #expect(all.allSatisfy { $0.unknownColumns == [reported] })
    }
  }

  @Test(arguments: PortalSimulator.Pages.allCases)
  func aListingOverALimitIsRefused(pages: PortalSimulator.Pages) async throws {
    try await PortalSimulator.serving(pagedCatalogue(rounds: 1)) { portal in
      var limits = quickLimits()
      limits.maxRows = 2
      let chain = portal.catalogue.chains[0]
      let rows = await #expect(throws: PortalError.self) {
        try await allFiles(pagesEngine(portal, pages, chain, limits: limits))
      }
      #expect(rows?.kind == .tooManyRows)
      let bytes = await #expect(throws: HTTPError.self) {
        try await allFiles(pagesEngine(portal, pages, chain, httpLimits: HTTPLimits(maxBodyBytes: 100)))
      }
      #expect(bytes?.kind == .bodyTooLarge)
    }
  }

  @Test(arguments: PortalSimulator.Pages.daily)
  func asksForTheLastDays(pages: PortalSimulator.Pages) async throws {
    try await PortalSimulator.serving(pagedCatalogue(rounds: 2)) { portal in
      let chain = portal.catalogue.chains[0]
      let all = portal.catalogue.files(of: chain).count
      // In Israel the day of the catalogue begins at 21:00 of the day before, UTC.
      let day: Int64 = 1_787_443_200 - 3 * 3_600
      for (now, expected) in [
        (day - 1, 0), (day, all), (day + 86_399, all), (day + 86_400, all), (day + 2 * 86_400 - 1, all),
        (day + 2 * 86_400, 0),
      ] {
        let engine = try at(now, pagesEngine(portal, pages, chain, days: nil))
        let files = try await allFiles(engine)
        #expect(files.count == expected)
      }
    }
  }

  @Test func invalidDaysAreAConfigurationError() async throws {
    try await PortalSimulator.serving(pagedCatalogue(rounds: 1)) { portal in
      for days in ["x", "-1", "367"] {
        let error = #expect(throws: Failure.self) {
          try pagesEngine(portal, .haziHinam, portal.catalogue.chains[0], days: days)
        }
        #expect(error?.errorClass == .configuration)
      }
    }
  }

  /// The engine with its clock at a time, in seconds since 1970.
  private func at(_ now: Int64, _ engine: any PortalEngine) -> any PortalEngine {
    guard var engine = engine as? TableEngine else { return engine }
    engine.days.now = { now }
    return engine
  }
}
