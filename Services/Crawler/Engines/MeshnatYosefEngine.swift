import Core
import HTTP
import PriceFiles
import Values

/// The listing of the chain Meshnat Yosef: one JSON array at its own address.
///
/// Shape of stored captures of 2026, never checked live: `[{"name","type","date":"YYYY-MM-DD HH:MM:SS","url"}]`, names
/// ending in `.zip`.
package struct MeshnatYosefEngine: ChainEngine {
  let context: EngineContext
  let address: HTTPURL

  private static let fields: Set = ["name", "url", "date", "type"]

  /// - Throws: a configuration `Failure` for a row without an address.
  package init(_ context: EngineContext) throws(Failure) {
    self.context = context
    address = try context.base()
  }

  package func listings(of types: Set<FileType>) -> AsyncThrowingStream<Listing, any Error> {
    listings(of: { [address] }, read: listing)
  }

  private func listing(_ address: HTTPURL) async throws -> Listing {
    let response = try await context.listings.get(address, headers: ["Accept": "application/json"])
    CrawlerMetrics.listing(source)
    var listing = Listing()
    for row in try ListingJSON.rows(try ListingJSON.value(response.body), limit: context.limits.maxRows) {
      listing.unknownColumns.formUnion(row.unknown(beside: Self.fields))
      guard let (fileName, name) = listing.name(row, "name") else { continue }
      guard let link = row.text("url"), let url = try? address.resolving(link) else {
        listing.skip("no_link")
        listing.unknownColumns.insert("-url")
        continue
      }
      listing.files.append(ListedFile(
        chain: context.chainName ?? name.chainID, fileName: fileName, name: name, version: row.text("date") ?? "",
        link: url.text))
    }
    return listing
  }
}
