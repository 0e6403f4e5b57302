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

  package func list(_ types: Set<FileType>, _ take: (Listing) async throws -> Bool) async throws {
    var sweep = PageSweep(engine: self, sections: layout.sections(self, types))
    while let listing = try await sweep.next() {
      guard try await take(listing) else { return }
    }
  }

  /// - Throws: `HTTPError`; `PortalError` and `HTMLError` for a page that is not a listing.
  func page(_ number: Int, of section: TableLayout.Section) async throws -> ListedPage {
    let (document, url) = try await context.page(at: try base.resolving(section(number)))
    let table = try ListingTable(document, places: layout.places)
    try context.checkRows(table.rows.count, in: "the page")
    return ListedPage(
      listing: listing(table, at: url), rows: table.rows.count, lastPage: try layout.pager.lastPage(in: document))
  }

  private func listing(_ table: ListingTable, at page: HTTPURL) -> Listing {
    var listing = Listing()
    listing.unknownColumns = table.drift
    for row in table.rows {
      guard let fileName = row.fileName else {
        listing.skip("no_file_name")
        continue
      }
      // Browsers treat a backslash as a slash, and some portals rely on it.
      let href = row.href?.replacingOccurrences(of: "\\", with: "/")
      let link = href.flatMap { $0.isEmpty ? nil : try? page.resolving($0).text }
      listing.add(
        fileName, of: context, version: [row.size, row.time], link: link,
        linkExpires: link.flatMap(Self.expiry(ofLink:)))
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
