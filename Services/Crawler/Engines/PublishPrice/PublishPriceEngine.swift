import HTTP
import PriceFiles
import Runtime
import Schemas

/// The PublishPrice portals (Carrefour): `/` shows the newest day, `/?p=./YYYYMMDD` another one; files lie at
/// `/<YYYYMMDD>/<name>`. Answers 403 to visitors from abroad.
package struct PublishPriceEngine: PortalEngine {
  package let source: String
  let context: EngineContext
  let base: HTTPURL
  let days: Int

  /// Option of the row: `days`, else `--listing-days`; the newest day of the portal counts as one.
  package init(_ context: EngineContext) throws(Failure) {
    self.context = context
    source = context.label
    base = try context.base()
    days = max(1, try ListingDays(context).count)
  }

  package func listings(of types: Set<FileType>) -> AsyncThrowingStream<Listing, any Error> {
    let sweep = Sweep(engine: self)
    return AsyncThrowingStream { try await sweep.next() }
  }

  package func link(to file: ListedFile) async throws -> String? { file.link }

  private actor Sweep {
    private let engine: PublishPriceEngine
    private var newest: CivilDate?
    private var read = 0

    init(engine: PublishPriceEngine) { self.engine = engine }

    func next() async throws -> Listing? {
      guard read < engine.days else { return nil }
      let wanted = newest.map { day -> String in
        let (year, month, day) = civilDate(daysSinceEpoch: Int64(day.daysSinceEpoch - read))
        return PublishPriceEngine.path(year, month, day)
      }
      let page: PublishPricePage
      do {
        page = try await engine.page(wanted)
      } catch let error as HTTPError where read > 0 && error.kind == .status(404) {
        // The portal does not keep earlier days.
        read = engine.days
        return nil
      }
      read += 1
      newest = newest ?? page.day
      return engine.listing(page)
    }
  }

  /// - Parameter day: `YYYYMMDD`; nil: the newest.
  private func page(_ day: String?) async throws -> PublishPricePage {
    let response = try await context.listings.get(
      try base.resolving(day.map { "?p=./\($0)" } ?? ""), headers: ["Accept": "text/html"])
    CrawlerMetrics.listing(source)
    return try PublishPricePage(response.body, maxRows: context.limits.maxRows)
  }

  private func listing(_ page: PublishPricePage) -> Listing {
    var listing = Listing()
    listing.unknownColumns = page.drift
    if page.nameless > 0 { listing.skipped["no_file_name"] = page.nameless }
    let folder = Self.path(page.day.year, page.day.month, page.day.day)
    for row in page.rows {
      let name: PriceFileName
      do {
        name = try PriceFileName(row.name)
      } catch {
        listing.skip(error, row.name)
        continue
      }
      // Names that the grammar accepts hold nothing that would have to be encoded.
      guard let link = try? base.resolving("\(folder)/\(row.name)").text else {
        listing.skip("no_link")
        continue
      }
      listing.files.append(ListedFile(
        chain: context.chainName ?? name.chainID, fileName: row.name, name: name, size: row.size,
        version: "\(row.size.map { "\($0)" } ?? "")\u{0}\(row.modified)", link: link))
    }
    return listing
  }

  private static func path(_ year: Int, _ month: Int, _ day: Int) -> String {
    String(year * 10_000 + month * 100 + day)
  }
}
