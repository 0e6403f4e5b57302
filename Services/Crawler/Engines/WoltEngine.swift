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

  package func listings(of types: Set<FileType>) -> AsyncThrowingStream<Listing, any Error> {
    listings(of: dayPages, read: listing)
  }

  /// The newest days of the index, newest first; older ones no longer change.
  private func dayPages() async throws -> [HTTPURL] {
    let response = try await context.listings.get(try base.resolving("index.html"))
    CrawlerMetrics.listing(source)
    let page = try HTMLDocument(response.body)
    var found: [CivilDate: HTTPURL] = [:]
    for anchor in try page.select("//a[@href]") {
      guard let href = anchor.attribute("href"), let url = try? response.head.url.resolving(href),
        url.origin == base.origin, let last = url.path.split(separator: "/").last, last.hasSuffix(".html"),
        let date = CivilDate(last.dropLast(5))
      else { continue }
      found[date] = url
    }
    guard !found.isEmpty else {
      throw FileLink.unusable(page) ?? PortalError(.unknownPage, "\(response.head.url) has no link to a day's page")
    }
    return found.keys.sorted(by: >).prefix(days > 0 ? days : found.count).compactMap { found[$0] }
  }

  private func listing(_ url: HTTPURL) async throws -> Listing {
    let response = try await context.listings.get(url)
    CrawlerMetrics.listing(source)
    return try FileLink.listing(response, chain: context.chainName) { page in
      try page.first("//ul | //li | //a[@href]") != nil
    }
  }
}
