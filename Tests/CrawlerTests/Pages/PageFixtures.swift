@testable import CrawlerService
import HTTP
import Portals
import PortalSimulator
import Values

extension PortalSimulator.Pages {
  /// Portals with several pages of one listing.
  static let paged: [Self] = [.shufersal, .superPharm, .haziHinam, .cityMarket]
  /// Portals that list by day.
  static let daily: [Self] = [.superPharm, .haziHinam, .cityMarket]

  /// The name that an engine must give the file.
  func name(of file: PortalFile) -> String { self == .cityMarket ? file.bareName : file.name }
}

/// An engine for a chain's pages as the crawler would make it.
func pagesEngine(
  _ portal: PortalSimulator, _ pages: PortalSimulator.Pages, _ chain: ChainProfile, days: String? = "0",
  limits: EngineLimits = quickLimits(), httpLimits: HTTPLimits = HTTPLimits(), attempts: Int = 4
) throws -> any PortalEngine {
  var row = Chain(
    slug: chain.slug, engine: pages.engine, locator: portal.address(pages, of: chain), chainIDs: [chain.chainID])
  row.options["days"] = days
  let context = try engineContext(row, limits: limits, httpLimits: httpLimits, attempts: attempts)
  return try EngineTable.kind(pages.engine).make(context)
}

func listings(of engine: any PortalEngine, _ types: Set<FileType> = Set(FileType.allCases)) async throws -> [Listing] {
  var all: [Listing] = []
  try await engine.list(types) { listing in
    all.append(listing)
    return true
  }
  return all
}

func pagedCatalogue(rounds: Int = 6) -> CatalogueSettings { smallCatalogue(chains: 1, rounds: rounds) }

/// The answer to a link, for a client that may use local addresses.
func fetch(_ link: String) async throws -> HTTPResponse {
  let client = try HTTPClient(HTTPConfiguration(addresses: AddressPolicy(allowsPrivate: true), userAgent: "tests"))
  return try await client.execute(HTTPRequest("GET", HTTPURL(link)))
}
