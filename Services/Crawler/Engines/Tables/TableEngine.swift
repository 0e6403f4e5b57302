import Foundation
import HTML
import HTTP
import PriceFiles
import Runtime
import Schemas

/// A portal that lists its files in HTML tables, on numbered pages. Its type says what to ask for and where columns
/// are; all else is alike.
protocol TableEngine: PortalEngine {
  var context: EngineContext { get }
  /// Ends in a slash.
  var base: HTTPURL { get }
  /// Where columns are when no title says so, 0-based; which columns have to be there.
  static var places: [ListingColumn: Int] { get }
  static var pager: ListingPager { get }

  /// What is asked for, one after the other.
  func sections(of types: Set<FileType>) -> [PageSection]
}

/// A listing that has pages.
struct PageSection: Sendable {
  /// The address of a page (1-based), relative to the portal's.
  var address: @Sendable (_ page: Int) -> String

  init(_ address: @escaping @Sendable (_ page: Int) -> String) { self.address = address }
}

extension TableEngine {
  package var source: String { context.label }

  package func listings(of types: Set<FileType>) -> AsyncThrowingStream<Listing, any Error> {
    let sweep = PageSweep(engine: self, sections: sections(of: types))
    return AsyncThrowingStream { try await sweep.next() }
  }

  package func link(to file: ListedFile) async throws -> String? { file.link }

  /// - Throws: `HTTPError`; `PortalError` and `HTMLError` for a page that is no listing.
  func page(_ number: Int, of section: PageSection) async throws -> ListedPage {
    let response = try await context.listings.get(
      try base.resolving(section.address(number)), headers: ["Accept": "text/html"])
    CrawlerMetrics.listing(source)
    let document = try HTMLDocument(response.body)
    let table = try ListingTable(document, places: Self.places)
    guard table.rows.count <= context.limits.maxRows else {
      throw PortalError(
        .tooManyRows, "the page has \(table.rows.count) rows, more than --max-listing-rows \(context.limits.maxRows)")
    }
    return ListedPage(
      listing: listing(table, at: response.head.url), rows: table.rows.count,
      lastPage: try Self.pager.lastPage(in: document))
  }

  private func listing(_ table: ListingTable, at page: HTTPURL) -> Listing {
    var listing = Listing()
    listing.unknownColumns = table.drift
    for row in table.rows {
      guard let fileName = row.fileName else {
        listing.skip("no_file_name")
        continue
      }
      let name: PriceFileName
      do {
        name = try PriceFileName(fileName)
      } catch {
        listing.skip(error, fileName)
        continue
      }
      // Browsers take a backslash for a slash, and some portals rely on it.
      guard let href = row.href?.replacingOccurrences(of: "\\", with: "/"), !href.isEmpty,
        let link = try? page.resolving(href).text
      else {
        listing.skip("no_link")
        continue
      }
      listing.files.append(ListedFile(
        chain: context.chainName ?? name.chainID, fileName: fileName, name: name,
        version: "\(row.size)\u{0}\(row.time)", link: link, linkExpires: SignedLink.expiry(of: link)))
    }
    // What expires first is to be fetched first; the rest stays in the portal's order.
    let order = listing.files.indices.sorted { left, right in
      let (a, b) = (listing.files[left].linkExpires, listing.files[right].linkExpires)
      return (a?.microseconds ?? .max, left) < (b?.microseconds ?? .max, right)
    }
    listing.files = order.map { listing.files[$0] }
    return listing
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
