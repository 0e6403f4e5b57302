import Foundation
import HTML
import HTTP
import PriceFiles
import Runtime
import Schemas

/// The pages of the chain Netiv Hased, one per day.
///
/// Documented is only `/?Date=YYYY-MM-DD`, that it wants a browser's User-Agent, and that there are no files on
/// Saturdays; what the page looks like is not. So every link that leads to a file with a price file's name counts,
/// wherever it stands (`FileLink`). Never checked live.
package struct NetivHasedEngine: PortalEngine {
  package let source: String
  let context: EngineContext
  let base: HTTPURL
  /// Seconds since 1970.
  let now: @Sendable () -> Int64

  /// - Parameter now: replaced by tests.
  /// - Throws: a configuration `Failure` for a row without an address.
  package init(
    _ context: EngineContext, now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
  ) throws(Failure) {
    self.context = context
    self.now = now
    source = context.label
    base = try context.base()
  }

  package func listings(of types: Set<FileType>) -> AsyncThrowingStream<Listing, any Error> {
    let sweep = Sweep(engine: self)
    return AsyncThrowingStream { try await sweep.next() }
  }

  package func link(to file: ListedFile) async throws -> String? { file.link }

  private actor Sweep {
    private let engine: NetivHasedEngine
    /// Today in Israel, then the days before: the last pass of a day may have missed its last files.
    private var rest: ArraySlice<CivilDate>

    init(engine: NetivHasedEngine) {
      self.engine = engine
      let now = engine.now()
      let today = (now + Int64(engine.context.zone.offsetSeconds(at: now))) / 86_400
      rest = (0..<Int64(max(1, engine.context.limits.days))).compactMap { back in
        let (year, month, day) = civilDate(daysSinceEpoch: today - back)
        return CivilDate(year: year, month: month, day: day)
      }[...]
    }

    func next() async throws -> Listing? {
      guard let day = rest.popFirst() else { return nil }
      return try await engine.listing(of: day)
    }
  }

  private func listing(of day: CivilDate) async throws -> Listing {
    let response = try await context.listings.get(try base.resolving("?Date=\(day)"), headers: ["Accept": "text/html"])
    CrawlerMetrics.listing(source)
    return try FileLink.listing(response, chain: context.chainName) { page in
      // A day without files has the page around them, with its way to other days.
      try page.first("//a[contains(@href,'Date=')] | //form | //table") != nil
    }
  }
}
