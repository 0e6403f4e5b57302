import Core
import HTML
import HTTP
import PriceFiles
import Values

/// The pages of Wolt: an index of days, and one page per day.
///
/// Shape of stored captures of 2026, never checked live: `index.html` links to `<YYYY-MM-DD>.html`, whose links lead to
/// `download/<date>/<name>`. The pages give neither size nor time, so a file that is published again under its name is
/// noticed only when the text of its list entry changes.
package struct WoltEngine: ChainEngine {
  let context: EngineContext
  let base: HTTPURL
  let days: Int

  /// Option of the row: `days`, the number of the index's days to read; 0 reads all.
  /// - Throws: a configuration `Failure` for a row without an address.
  package init(_ context: EngineContext) throws(Failure) {
    self.context = context
    base = try context.base()
    days = try ListingDays(context).count
  }

  package func list(_ types: Set<FileType>, _ take: (Listing) async throws -> Bool) async throws {
    for url in try await dayPages() {
      let listing = try FileLink.listing(
        try await context.page(at: url), of: context, orAny: "//ul | //li | //a[@href]")
      guard try await take(listing) else { return }
    }
  }

  /// The newest days of the index, newest first; older ones no longer change.
  private func dayPages() async throws -> [HTTPURL] {
    let (page, address) = try await context.page(at: try base.resolving("index.html"))
    var found: [CivilDate: HTTPURL] = [:]
    for anchor in try page.select("//a[@href]") {
      guard let href = anchor.attribute("href"), let url = try? address.resolving(href),
        url.origin == base.origin, let last = url.path.split(separator: "/").last, last.hasSuffix(".html"),
        let date = CivilDate(last.dropLast(5))
      else { continue }
      found[date] = url
    }
    guard !found.isEmpty else {
      throw FileLink.unusable(page) ?? PortalError(.unknownPage, "\(address) has no link to a day's page")
    }
    return found.keys.sorted(by: >).prefix(days > 0 ? days : found.count).compactMap { found[$0] }
  }
}
