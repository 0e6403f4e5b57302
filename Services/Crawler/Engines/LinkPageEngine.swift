import Core
import HTML
import HTTP
import PriceFiles
import Values

/// A portal with a page of links for each day. Every link to a file with a price file's name counts, anywhere on the
/// page (`FileLink`). Never checked live.
package struct LinkPageEngine: ChainEngine {
  enum Portal {
    /// Netiv Hased: `/?Date=YYYY-MM-DD` shows some 500 files, each with a link `/Prices/Download?fileName=<NAME>.GZ`.
    /// On Saturdays there are none. It answers 403 to a User-Agent that is not a browser's.
    case netivHased
    /// Wolt, shape of stored captures of 2026: `index.html` links to `<YYYY-MM-DD>.html`, whose links lead to
    /// `download/<date>/<name>`. The pages give neither size nor time, so a file that is published again under its
    /// name is noticed only when the text of its list entry changes.
    case wolt
  }

  let context: EngineContext
  let portal: Portal
  let base: HTTPURL
  var days: ListingDays

  /// Option of the row: `days`, the number of days to read: back from today, or of Wolt's index, where 0 reads all.
  /// - Throws: a configuration `Failure` for a row without an address.
  init(_ context: EngineContext, _ portal: Portal) throws(Failure) {
    self.context = context
    self.portal = portal
    base = try context.base()
    days = try ListingDays(context)
  }

  package func list(_ types: Set<FileType>, _ take: (Listing) async throws -> Bool) async throws {
    // The page of a day without files still has its navigation.
    let frame = switch portal {
    case .netivHased: "//a[contains(@href,'Date=')] | //form | //table"
    case .wolt: "//ul | //li | //a[@href]"
    }
    for url in try await pages() {
      let listing = try FileLink.listing(try await context.page(at: url), of: context, orAny: frame)
      guard try await take(listing) else { return }
    }
  }

  private func pages() async throws -> [HTTPURL] {
    switch portal {
    // Without a day, the portal shows its newest one.
    case .netivHased: try days.dates.map { day in try day.map { try base.resolving("?Date=\($0)") } ?? base }
    case .wolt: try await newestOfIndex()
    }
  }

  /// The newest days of the index, newest first; older ones no longer change.
  private func newestOfIndex() async throws -> [HTTPURL] {
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
    return found.keys.sorted(by: >).prefix(days.count > 0 ? days.count : found.count).compactMap { found[$0] }
  }
}
