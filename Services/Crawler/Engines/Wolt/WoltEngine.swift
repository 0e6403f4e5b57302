import HTML
import HTTP
import PriceFiles
import Runtime
import Schemas

/// The pages of Wolt: an index of days, and one page per day.
///
/// Shape of stored captures of 2026, never checked live: `index.html` links to `<YYYY-MM-DD>.html`, whose links lead to
/// `download/<date>/<name>`. The pages say nothing of size or time, so that a file published again under its name is
/// told from the first only when the text of its list entry changes.
package struct WoltEngine: PortalEngine {
  package let source: String
  let context: EngineContext
  let base: HTTPURL
  let days: Int

  /// Option of the row: `days`, how many of the index's days are read; 0 reads all.
  /// - Throws: a configuration `Failure` for a row without an address.
  package init(_ context: EngineContext) throws(Failure) {
    self.context = context
    source = context.label
    base = try context.base()
    days = try ListingDays(context).count
  }

  package func listings(of types: Set<FileType>) -> AsyncThrowingStream<Listing, any Error> {
    let sweep = Sweep(engine: self)
    return AsyncThrowingStream { try await sweep.next() }
  }

  package func link(to file: ListedFile) async throws -> String? { file.link }

  private actor Sweep {
    private let engine: WoltEngine
    private var pages: ArraySlice<HTTPURL>?

    init(engine: WoltEngine) { self.engine = engine }

    func next() async throws -> Listing? {
      if pages == nil { pages = try await engine.dayPages()[...] }
      guard let page = pages?.popFirst() else { return nil }
      return try await engine.listing(page)
    }
  }

  /// The newest days of the index, the newest first; older ones no longer change.
  private func dayPages() async throws -> [HTTPURL] {
    let response = try await context.listings.get(try base.resolving("index.html"))
    CrawlerMetrics.listing(source)
    let page = try HTMLDocument(response.body)
    var found: [CivilDate: HTTPURL] = [:]
    for anchor in try page.select("//a[@href]") {
      guard let href = anchor.attribute("href"), let url = try? response.head.url.resolving(href),
        url.origin == base.origin, let last = url.path.split(separator: "/").last, last.hasSuffix(".html"),
        let date = CivilDate(iso: last.dropLast(5))
      else { continue }
      found[date] = url
    }
    guard !found.isEmpty else {
      throw FileLink.unusable(page) ?? PortalError(.unknownPage, "\(response.head.url) links to no page of a day")
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

extension CivilDate {
  /// - Parameter iso: `2026-08-23`.
  init?(iso: some StringProtocol) {
    let parts = iso.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard iso.utf8.count == 10, parts.count == 3, let year = parts[0], let month = parts[1], let day = parts[2]
    else { return nil }
    self.init(year: year, month: month, day: day)
  }
}
