import HTML
import HTTP
import PriceFiles
import Runtime
import Schemas

/// The pages of the chain Netiv Hased, one per day.
///
/// `/?Date=YYYY-MM-DD` shows some 500 files, each with a link `/Prices/Download?fileName=<NAME>.GZ`; there are none on
/// Saturdays, and a User-Agent that is no browser's is answered 403. Every link that leads to a file with a price
/// file's name counts, wherever it stands (`FileLink`). Never checked live.
package struct NetivHasedEngine: PortalEngine {
  package let source: String
  let context: EngineContext
  let base: HTTPURL
  var days: ListingDays

  /// Option of the row: `days`, how many days back from today are asked for.
  /// - Throws: a configuration `Failure` for a row without an address.
  package init(_ context: EngineContext) throws(Failure) {
    self.context = context
    source = context.label
    base = try context.base()
    days = try ListingDays(context)
  }

  package func listings(of types: Set<FileType>) -> AsyncThrowingStream<Listing, any Error> {
    let sweep = Sweep(engine: self)
    return AsyncThrowingStream { try await sweep.next() }
  }

  package func link(to file: ListedFile) async throws -> String? { file.link }

  private actor Sweep {
    private let engine: NetivHasedEngine
    /// One nil: the day the portal shows by itself.
    private var rest: ArraySlice<CivilDate?>

    init(engine: NetivHasedEngine) {
      self.engine = engine
      rest = engine.days.dates[...]
    }

    func next() async throws -> Listing? {
      guard let day = rest.popFirst() else { return nil }
      return try await engine.listing(of: day)
    }
  }

  private func listing(of day: CivilDate?) async throws -> Listing {
    let url = try day.map { try base.resolving("?Date=\($0)") } ?? base
    let response = try await context.listings.get(url, headers: ["Accept": "text/html"])
    CrawlerMetrics.listing(source)
    return try FileLink.listing(response, chain: context.chainName) { page in
      // A day without files has the page around them, with its way to other days.
      try page.first("//a[contains(@href,'Date=')] | //form | //table") != nil
    }
  }
}
