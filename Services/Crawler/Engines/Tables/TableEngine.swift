import Core
import Foundation
import HTML
import HTTP
import PriceFiles
import Values

/// A portal that lists its files in HTML tables, on numbered pages. Its `TableLayout` says which pages to read and
/// where the columns are.
package struct TableEngine: ChainEngine {
  let context: EngineContext
  /// Ends in a slash.
  let base: HTTPURL
  var days: ListingDays
  let layout: TableLayout

  /// - Throws: a configuration `Failure` for a row without an address.
  init(_ context: EngineContext, _ layout: TableLayout) throws(Failure) {
    self.context = context
    self.layout = layout
    base = try context.base()
    days = try ListingDays(context)
  }

  package var linksExpire: Bool { layout.linksExpire }

  package func listings(of types: Set<FileType>) -> AsyncThrowingStream<Listing, any Error> {
    let sweep = PageSweep(engine: self, sections: layout.sections(self, types))
    return AsyncThrowingStream { try await sweep.next() }
  }

  /// - Throws: `HTTPError`; `PortalError` and `HTMLError` for a page that is not a listing.
  func page(_ number: Int, of section: TableLayout.Section) async throws -> ListedPage {
    let response = try await context.listings.get(
      try base.resolving(section(number)), headers: ["Accept": "text/html"])
    CrawlerMetrics.listing(source)
    let document = try HTMLDocument(response.body)
    let table = try ListingTable(document, places: layout.places)
    guard table.rows.count <= context.limits.maxRows else {
      throw PortalError(
        .tooManyRows, "the page has \(table.rows.count) rows, more than --max-listing-rows \(context.limits.maxRows)")
    }
    return ListedPage(
      listing: listing(table, at: response.head.url), rows: table.rows.count,
      lastPage: try layout.pager.lastPage(in: document))
  }

  private func listing(_ table: ListingTable, at page: HTTPURL) -> Listing {
    var listing = Listing()
    listing.unknownColumns = table.drift
    for row in table.rows {
      guard let fileName = row.fileName else {
        listing.skip("no_file_name")
        continue
      }
      guard let name = listing.parse(fileName) else { continue }
      // Browsers treat a backslash as a slash, and some portals rely on it.
      guard let href = row.href?.replacingOccurrences(of: "\\", with: "/"), !href.isEmpty,
        let link = try? page.resolving(href).text
      else {
        listing.skip("no_link")
        continue
      }
      listing.files.append(ListedFile(
        chain: context.chainName ?? name.chainID, fileName: fileName, name: name,
        version: "\(row.size)\u{0}\(row.time)", link: link, linkExpires: Self.expiry(ofLink: link)))
    }
    // Links that expire first come first; the others keep the portal's order.
    let order = listing.files.indices.sorted { left, right in
      let (a, b) = (listing.files[left].linkExpires, listing.files[right].linkExpires)
      return (a?.microseconds ?? .max, left) < (b?.microseconds ?? .max, right)
    }
    listing.files = order.map { listing.files[$0] }
    return listing
  }

  /// When the shared access signature of an Azure link expires: its parameter `se` ("signed expiry", ISO 8601, UTC);
  /// nil without one.
  static func expiry(ofLink link: String) -> Timestamp? {
    URLComponents(string: link)?.queryItems?.first { $0.name == "se" }?.value.flatMap { Timestamp($0) }
  }
}

/// What one page says.
struct ListedPage: Sendable {
  var listing: Listing
  /// Entries of the table, price files or not.
  var rows: Int
  /// The highest page its pager names; nil without a pager.
  var lastPage: Int?
}
