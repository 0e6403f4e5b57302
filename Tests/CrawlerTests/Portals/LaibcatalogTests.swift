import Core
@testable import CrawlerService
import Portals
import PortalSimulator
import Testing

@Suite struct LaibcatalogTests {
  private func engine(_ portal: PortalSimulator, _ chain: ChainProfile, ids: [String]) throws -> LaibcatalogEngine {
    var row = WebPortal.laibcatalog.row(portal, chain)
    row.chainIDs = ids
    return try LaibcatalogEngine(engineContext(row))
  }

  @Test func aChainWithoutAKnownIDIsMisconfigured() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      let engine = try engine(portal, portal.catalogue.chains[0], ids: ["7290000000001", "7290000000002"])
      let error = await #expect(throws: PortalError.self) { try await sweep(engine) }
      #expect(error?.kind == .unknownChain)
      #expect(error?.errorClass == .configuration)
      #expect(portal.requests(.listing) == 2)
    }
  }

  @Test func oneIDOfSeveralMayBeUnknown() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      let chain = portal.catalogue.chains[0]
      for ids in [["7290000000001", chain.chainID], [chain.chainID, "7290000000001"]] {
        let files = try await sweep(try engine(portal, chain, ids: ids)).files
        #expect(files.count == portal.catalogue.files(of: chain).count)
      }
    }
  }

  @Test(arguments: [[], [""], ["7290x"], ["1&edi=2"]])
  func idsAreDigits(ids: [String]) throws {
    let error = #expect(throws: Failure.self) {
      try LaibcatalogEngine(
        engineContext(Chain(slug: "x", engine: "laibcatalog", locator: "https://portal.example", chainIDs: ids)))
    }
    #expect(error?.errorClass == .configuration)
  }
}
