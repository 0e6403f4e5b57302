import Core
import Glibc
import HTML
import HTTP
import Logging
import Portals

/// One kind of engine: its name in the catalogue, one line for `crawler sources`, and how it is made from a row.
/// It throws a configuration `Failure` for a row that the engine cannot work with.
package typealias EngineKind = (
  name: String, summary: String, make: @Sendable (EngineContext) throws -> any PortalEngine
)

/// All engines. A new one is a type and a line here.
package enum EngineTable {
  package static let all: [EngineKind] = [
    ("bina", "Bina Projects: JSON listings cut at 1,000 rows", { try BinaEngine($0) }),
    ("shufersal", "Shufersal: HTML pages of links that expire", { try TableEngine($0, .shufersal) }),
    ("super_pharm", "Super-Pharm: HTML pages by day", { try TableEngine($0, .superPharm) }),
    ("hazi_hinam", "Hazi Hinam: HTML pages by day", { try TableEngine($0, .haziHinam) }),
    ("city_market_shops", "City Market: HTML pages by day, links without names", { try TableEngine($0, .cityMarket) }),
    ("publish_price", "PublishPrice: one page a day, the listing in its script", { try PublishPriceEngine($0) }),
    ("matrix", "Matrix Catalog (NB), before laibcatalog: one HTML page", { try TableEngine($0, .matrix) }),
    ("cerberus", "Cerberus web: a login per chain, a JSON directory", { try CerberusEngine($0) }),
    ("laibcatalog", "laibcatalog.co.il: a JSON listing by chain id", { try LaibcatalogEngine($0) }),
    ("meshnat_yosef", "Meshnat Yosef: one JSON array", { try MeshnatYosefEngine($0) }),
    ("netiv_hased", "Netiv Ha-Hesed: a page of links by day", { try LinkPageEngine($0, .netivHased) }),
    ("wolt", "Wolt: an index of days, a page of links by day", { try LinkPageEngine($0, .wolt) }),
    ("http", "an index page of a web server that links to files", { try IndexEngine($0) }),
    ("ftp", "a folder of an FTP server, ftp:// or ftps://", { try FTPEngine($0) }),
    ("dir", "a local folder with everything below it", { try FolderEngine($0) }),
  ]

  /// - Throws: a configuration `Failure` for an unknown engine.
  package static func kind(_ name: String) throws(Failure) -> EngineKind {
    if let kind = all.first(where: { $0.name == name }) { return kind }
    throw Failure(
      .configuration, code: "unknown_engine",
      "there is no engine '\(name)'; there are \(all.map { $0.name }.joined(separator: ", "))")
  }
}

/// What an engine is made from: its chain's row, and a client for the portal's listings.
package struct EngineContext: Sendable {
  package var chain: Chain
  /// The source's name in logs and metrics: the chain's slug, or a host where there is none.
  package var label: String
  /// The chain's name in messages; nil: the chain id in each file's name.
  package var chainName: String?
  /// Fetches listings: paced, with retries and conditional requests.
  package var listings: ListingClient
  package var limits: EngineLimits
  package var zone: ZoneTable
  package var logger: Logger

  /// The portal's address, ending in a slash, so that relative references stay below it.
  /// - Throws: a configuration `Failure` when the locator is no http(s) address.
  package func base() throws(Failure) -> HTTPURL {
    do {
      return try HTTPURL(chain.locator.hasSuffix("/") ? chain.locator : chain.locator + "/")
    } catch {
      throw Failure(
        .configuration, code: "bad_source", "\(label): '\(chain.locator)' is not a usable address: \(error)")
    }
  }

  /// Whether a file name matches the row's option `pattern`, a shell pattern without case; without one, every name
  /// does.
  func matchesPattern(_ fileName: String) -> Bool {
    chain.options["pattern"].map { fnmatch($0, fileName, 1 << 4 /* FNM_CASEFOLD */) == 0 } ?? true
  }

  /// Fetches a page of HTML.
  /// - Returns: the page, and its address after redirects.
  func page(at url: HTTPURL) async throws -> (document: HTMLDocument, url: HTTPURL) {
    let response = try await listings.get(url, headers: ["Accept": "text/html"])
    return (try HTMLDocument(response.body), response.head.url)
  }

  /// - Throws: `too_many_rows` for a listing with more rows than an answer may have.
  func checkRows(_ count: Int, in listing: String = "the listing") throws(PortalError) {
    guard count <= limits.maxRows else {
      throw PortalError(.tooManyRows, "\(listing) has \(count) rows, more than --max-listing-rows \(limits.maxRows)")
    }
  }

  /// The row's option of this name, or its default.
  package func option(_ name: String, default value: String) -> String { chain.options[name] ?? value }
}

/// Limits of one pass over a portal, for every engine.
package struct EngineLimits: Sendable {
  /// The most rows one listing shows, on portals that cut silently; an answer with as many rows counts as cut.
  package var rowCap = 1_000
  /// An answer with more rows is refused (`too_many_rows`).
  package var maxRows = 100_000
  /// Requests of one pass.
  package var maxRequests = 2_000
  /// Days to read, back from today, on portals that list by day.
  package var days = 2
}
