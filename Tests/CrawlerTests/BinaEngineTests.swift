import Core
@testable import CrawlerService
import HTTP
import PortalSimulator
import PriceFiles
import Testing
import Values

/// The engine against a portal that speaks the protocol over HTTP.
@Suite struct BinaEngineTests {
  @Test func listsEveryFileInEveryShape() async throws {
    try await PortalSimulator.serving(smallCatalogue()) { portal in
      for chain in portal.catalogue.chains {
        let engine = try engine(portal, chain)
        let files = try await allFiles(engine)
        let expected = portal.catalogue.files(of: chain)
        #expect(Set(files.map(\.fileName)) == Set(expected.map(\.name)))
        #expect(files.count == expected.count)
        #expect(files.allSatisfy { $0.chain == chain.slug })
        #expect(files.allSatisfy { ($0.size != nil) == (chain.listing == .wrapped) })
      }
      #expect(portal.requests(.download) == 0)
    }
  }

  @Test func asksOnlyForTheTypesWanted() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      let files = try await allFiles(engine(portal, portal.catalogue.chains[0]), [.price, .priceFull])
      #expect(files.allSatisfy { $0.name.type.holdsPrices })
      #expect(files.count == 2 * 3)
      #expect(portal.requests(.listing) == 2)
    }
  }

  @Test(arguments: [25, 12, 5, 2])
  func narrowsUntilNothingIsCut(cap: Int) async throws {
    var settings = smallCatalogue(chains: 1, rounds: 20)
    settings.stores = 3
    var options = PortalOptions()
    options.listingCap = cap
    try await PortalSimulator.serving(settings, options: options) { portal in
      let chain = portal.catalogue.chains[0]
      let all = try await listings(of: engine(portal, chain, limits: quickLimits(rowCap: cap)))
      let found = Set(all.flatMap(\.files).map(\.fileName))
      let expected = portal.catalogue.files(of: chain)
      // The narrowest query is one type, date and store; with more rows than the cap its answer is cut.
      var perQuestion: [[String]: [String]] = [:]
      for file in expected {
        perQuestion[[file.kind.word, file.storeID, file.time.text("YMD")], default: []].append(file.name)
      }
      let answerable = perQuestion.values.filter { $0.count <= cap }.flatMap { $0 }
      #expect(found.isSuperset(of: answerable))
      if cap == 25 { #expect(found == Set(expected.map(\.name))) }
      // Store 0, in the names of stores files, means all stores to the portal: a query for it would look cut.
      #expect(all.contains(where: \.isCut) == (cap < 25))
    }
  }

  @Test func linksDirectlyOrByAsking() async throws {
    try await PortalSimulator.serving(smallCatalogue()) { portal in
      for chain in portal.catalogue.chains {
        for links in BinaEngine.Links.allCases {
          let engine = try engine(portal, chain, links: links)
          let file = try #require(try await allFiles(engine).first { $0.name.type == .priceFull })
          let link = try await engine.link(to: file)
          #expect(link == "\(portal.baseURL(of: chain))/Download/\(file.fileName)")
        }
      }
      // Three of the five listings have no links.
      #expect(portal.requests(.resolver) == 3)
    }
  }

  @Test func aFileThatThePortalRemovedHasNoLink() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      let engine = try engine(portal, portal.catalogue.chains[0], links: .resolver)
      var file = try #require(try await allFiles(engine).first)
      file.fileName = "PriceFull7299910000016-001-200001010000.gz"
      #expect(try await engine.link(to: file) == nil)
    }
  }

  @Test(arguments: [Fault.Mode.serverError, .rateLimit, .truncated])
  func retriesWhileThePortalFails(mode: Fault.Mode) async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      portal.add(Fault(mode, on: .listing, times: 2, retryAfter: 0))
      let chain = portal.catalogue.chains[0]
      let files = try await allFiles(engine(portal, chain))
      #expect(files.count == portal.catalogue.files(of: chain).count)
      #expect(portal.requests(.listing) == 3)
    }
  }

  @Test func givesUpAfterSomeTries() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      portal.add(Fault(.serverError, on: .listing))
      let engine = try engine(portal, portal.catalogue.chains[0])
      let error = await #expect(throws: HTTPError.self) { try await allFiles(engine) }
      #expect(error?.code == "http_500")
      #expect(portal.requests(.listing) == 4)
    }
  }

  @Test(arguments: [
    (Fault.Mode.loginPage, "html_instead_of_json"), (.unknownShape, "unknown_listing_shape"),
    (.expiredLink, "http_403"),
  ])
  func reportsAnswersThatAreNotListings(mode: Fault.Mode, code: String) async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      portal.add(Fault(mode, on: .listing))
      let engine = try engine(portal, portal.catalogue.chains[0])
      do {
        _ = try await allFiles(engine)
        Issue.record("\(mode) was taken for a listing")
      } catch let error as any ClassifiedError {
        #expect(error.code == code)
      }
      #expect(portal.requests(.listing) == 1)
    }
  }

  @Test func aSlowPortalEndsAtTheTimeLimit() async throws {
    var options = PortalOptions()
    options.dripBytes = 1
    try await PortalSimulator.serving(smallCatalogue(chains: 1), options: options) { portal in
      portal.add(Fault(.slow, on: .listing))
      let engine = try engine(
        portal, portal.catalogue.chains[0], httpLimits: HTTPLimits(totalTime: .milliseconds(300)),
        attempts: 1)
      let error = await #expect(throws: HTTPError.self) { try await allFiles(engine) }
      #expect(error?.kind == .timedOut)
    }
  }

  @Test func aListingOverTheByteLimitIsRefused() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      let engine = try engine(portal, portal.catalogue.chains[0], httpLimits: HTTPLimits(maxBodyBytes: 100))
      let error = await #expect(throws: HTTPError.self) { try await allFiles(engine) }
      #expect(error?.kind == .bodyTooLarge)
    }
  }

  @Test func anEmptyListingIsNoError() async throws {
    try await PortalSimulator.serving(smallCatalogue()) { portal in
      portal.add(Fault(.emptyListing, on: .listing))
      for chain in portal.catalogue.chains {
        let files = try await allFiles(engine(portal, chain))
        #expect(files.isEmpty)
      }
    }
  }
}
