import Core
@testable import CrawlerService
import Foundation
import HTTP
import Portals
import PortalSimulator
import PriceFiles
import Testing
import Values

/// The contract of every engine, each against its simulated portal over HTTP.
@Suite struct WebPortalTests {
  @Test(arguments: WebPortal.allCases)
  func listsExactlyWhatIsPublished(kind: WebPortal) async throws {
    try await PortalSimulator.serving(smallCatalogue()) { portal in
      for chain in portal.catalogue.chains {
        let (files, _, odd) = try await sweep(try kind.engine(portal, chain))
        #expect(files.map(\.fileName).sorted() == kind.files(portal, chain).map(\.name).sorted())
        #expect(files.allSatisfy { $0.chain == chain.slug && $0.name.chainID == chain.chainID })
        #expect(odd.isEmpty)
      }
      #expect(portal.requests(.download) == 0)
    }
  }

  /// Links lead to the exact bytes, for a client with the login that the portal requires.
  @Test(arguments: WebPortal.allCases)
  func linksLeadToTheBytes(kind: WebPortal) async throws {
    let client = try HTTPClient(HTTPConfiguration(addresses: AddressPolicy(allowsPrivate: true), userAgent: "tests"))
    try await PortalSimulator.serving(smallCatalogue()) { portal in
      for chain in portal.catalogue.chains {
        let engine = try kind.engine(portal, chain)
        let file = try #require(try await sweep(engine).files.first { $0.name.type == .priceFull })
        let link = try #require(try await engine.link(to: file))
        var request = HTTPRequest("GET", try HTTPURL(link))
        if let cerberus = engine as? CerberusEngine {
          request.headers = cerberus.session.headers(try await cerberus.session.open())
        }
        let published = try #require(portal.visibleFiles.first { $0.name == file.fileName })
        let answer = try await client.execute(request)
        #expect(answer.status == 200)
        #expect(answer.body == portal.catalogue.bytes(of: published))
        if let size = file.size { #expect(Int(size) == answer.body.count) }
      }
    }
  }

  /// Every listing but Wolt's changes when a file is published again under its name.
  @Test(arguments: [WebPortal.cerberus, .laibcatalog, .meshnatYosef, .netivHased])
  func aFilePublishedAgainHasAnotherFingerprint(kind: WebPortal) async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      let engine = try kind.engine(portal, portal.catalogue.chains[0])
      let before = try await sweep(engine).files
      let again = try await sweep(engine).files
      #expect(Set(before.map(\.fingerprint)) == Set(again.map(\.fingerprint)))
      let file = try #require(kind.files(portal, portal.catalogue.chains[0]).first)
      portal.republish(file)
      let after = try await sweep(engine).files
      let changed = Set(after).subtracting(before).map(\.fileName)
      #expect(changed == [file.name])
    }
  }

  @Test(arguments: WebPortal.allCases, [Fault.Mode.serverError, .rateLimit, .truncated])
  func retriesWhileThePortalFails(kind: WebPortal, mode: Fault.Mode) async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      let chain = portal.catalogue.chains[0]
      portal.add(Fault(mode, on: .listing, times: 2, retryAfter: 0))
      let files = try await sweep(try kind.engine(portal, chain)).files
      #expect(Set(files.map(\.fileName)) == Set(kind.files(portal, chain).map(\.name)))
    }
  }

  /// After the last attempt the error has the portal's Retry-After.
  @Test(arguments: WebPortal.allCases)
  func theLastErrorKeepsThePortalsRetryAfter(kind: WebPortal) async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      portal.add(Fault(.rateLimit, on: .listing, retryAfter: 7))
      let engine = try kind.engine(portal, portal.catalogue.chains[0], attempts: 1)
      let error = await #expect(throws: HTTPError.self) { try await sweep(engine) }
      #expect(error?.code == "http_429")
      #expect(error?.retryAfter == .seconds(7))
      #expect(error?.errorClass == .transient)
    }
  }

  @Test(arguments: WebPortal.allCases)
  func aBlockIsAnError(kind: WebPortal) async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      portal.add(Fault(.expiredLink, on: .listing))
      let engine = try kind.engine(portal, portal.catalogue.chains[0])
      let error = await #expect(throws: HTTPError.self) { try await sweep(engine) }
      #expect(error?.code == "http_403")
    }
  }

  @Test(arguments: WebPortal.allCases)
  func aLoginPageIsNoEmptyListing(kind: WebPortal) async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      portal.add(Fault(.loginPage, on: .listing))
      let engine = try kind.engine(portal, portal.catalogue.chains[0])
      let error = await #expect(throws: PortalError.self) { try await sweep(engine) }
      let isPage = kind == .netivHased || kind == .wolt
      #expect(error?.kind == (isPage ? .loginPage : .htmlInsteadOfJSON))
      #expect(error?.errorClass == .transient)
    }
  }

  @Test(arguments: WebPortal.allCases)
  func anotherShapeIsNoEmptyListing(kind: WebPortal) async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      portal.add(Fault(.unknownShape, on: .listing))
      let engine = try kind.engine(portal, portal.catalogue.chains[0])
      let error = await #expect(throws: PortalError.self) { try await sweep(engine) }
      #expect(error?.kind == (kind == .netivHased || kind == .wolt ? .unknownPage : .unknownShape))
    }
  }

  @Test(arguments: WebPortal.allCases)
  func anEmptyListingIsNoError(kind: WebPortal) async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      portal.add(Fault(.emptyListing, on: .listing))
      let (files, _, odd) = try await sweep(try kind.engine(portal, portal.catalogue.chains[0]))
      #expect(files.isEmpty)
      #expect(odd.isEmpty)
    }
  }

  @Test(arguments: [WebPortal.cerberus, .laibcatalog, .meshnatYosef])
  func reportsAnUnknownField(kind: WebPortal) async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      let chain = portal.catalogue.chains[0]
      portal.add(Fault(.unknownColumn, on: .listing))
      let (files, _, odd) = try await sweep(try kind.engine(portal, chain))
      #expect(odd == ["checksum"])
      #expect(files.count == kind.files(portal, chain).count)
    }
  }

  @Test(arguments: [WebPortal.cerberus, .laibcatalog, .meshnatYosef])
  func entriesWithoutANameAreCounted(kind: WebPortal) async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      let chain = portal.catalogue.chains[0]
      portal.add(Fault(.missingColumn, on: .listing))
      let (files, skipped, odd) = try await sweep(try kind.engine(portal, chain))
      #expect(files.isEmpty)
      #expect(odd.count == 1 && odd.allSatisfy { $0.hasPrefix("-") })
      #expect(skipped == ["no_file_name": kind.files(portal, chain).count])
    }
  }

  @Test(arguments: WebPortal.allCases)
  func aSlowPortalEndsAtTheTimeLimit(kind: WebPortal) async throws {
    var options = PortalOptions()
    options.dripBytes = 1
    try await PortalSimulator.serving(smallCatalogue(chains: 1), options: options) { portal in
      portal.add(Fault(.slow, on: .listing))
      // Long enough for a login on a busy machine, far shorter than the page takes byte by byte.
      let limits = HTTPLimits(totalTime: .seconds(3))
      let engine = try kind.engine(portal, portal.catalogue.chains[0], httpLimits: limits, attempts: 1)
      let error = await #expect(throws: HTTPError.self) { try await sweep(engine) }
      #expect(error?.kind == .timedOut)
    }
  }

  /// The crawler does not check the files themselves: it announces them as listed, also without an extension.
  @Test(arguments: WebPortal.allCases)
  func namesWithoutExtensionAreListed(kind: WebPortal) async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 3)) { portal in
      let chain = portal.catalogue.chains[2]
      #expect(chain.nameSuffix.isEmpty)
      let files = try await sweep(try kind.engine(portal, chain)).files
      #expect(!files.isEmpty && files.allSatisfy { $0.name.fileExtension.isEmpty })
    }
  }
}
