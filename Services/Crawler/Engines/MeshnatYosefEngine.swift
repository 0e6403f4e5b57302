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

  package func list(_ types: Set<FileType>, _ take: (Listing) async throws -> Bool) async throws {
    let response = try await context.listings.get(address, headers: ["Accept": "application/json"])
    var listing = Listing()
    for row in try ListingJSON.rows(try ListingJSON.value(response.body), limit: context.limits.maxRows) {
      listing.unknownColumns.formUnion(row.unknown(beside: Self.fields))
      guard let fileName = listing.fileName(row, "name") else { continue }
      let link = row.text("url").flatMap { try? address.resolving($0) }?.text
      if link == nil { listing.unknownColumns.insert("-url") }
      listing.add(fileName, of: context, version: [row.text("date")], link: link)
    }
    _ = try await take(listing)
  }
}
