import Core
import HTML
import HTTP
import PriceFiles
import Values

/// The pages of the chain Netiv Hased, one per day.
///
/// `/?Date=YYYY-MM-DD` shows some 500 files, each with a link `/Prices/Download?fileName=<NAME>.GZ`. On Saturdays there
/// are none. It answers 403 to a User-Agent that is not a browser's. Every link to a file with a price file's name
/// counts, anywhere on the page (`FileLink`). Never checked live.
package struct NetivHasedEngine: ChainEngine {
  let context: EngineContext
  let base: HTTPURL
  var days: ListingDays

  /// Option of the row: `days`, the number of days to read, back from today.
  /// - Throws: a configuration `Failure` for a row without an address.
  package init(_ context: EngineContext) throws(Failure) {
    self.context = context
    base = try context.base()
    days = try ListingDays(context)
  }

  package func list(_ types: Set<FileType>, _ take: (Listing) async throws -> Bool) async throws {
    // Without a day, the portal shows its newest one.
    for day in days.dates {
      let page = try await context.page(at: try day.map { try base.resolving("?Date=\($0)") } ?? base)
      // The page of a day without files still has its navigation.
      let listing = try FileLink.listing(page, of: context, orAny: "//a[contains(@href,'Date=')] | //form | //table")
      guard try await take(listing) else { return }
    }
  }
}
