import Core
import HTTP
import Logging
import PriceFiles
import Values

/// The PublishPrice portals (Carrefour): `/` shows the newest day and is empty after midnight, `/?date=YYYYMMDD` or
/// `/?p=./YYYYMMDD` shows another one; files are at `/<YYYYMMDD>/<name>`. It answers visitors from abroad with 403.
package struct PublishPriceEngine: ChainEngine {
  let context: EngineContext
  let base: HTTPURL
  let days: Int

  /// Option of the row: `days`, else `--listing-days`; the newest day of the portal that has files counts as one.
  package init(_ context: EngineContext) throws(Failure) {
    self.context = context
    base = try context.base()
    days = max(1, try ListingDays(context).count)
  }

  package func list(_ types: Set<FileType>, _ take: (Listing) async throws -> Bool) async throws {
    let newest = try await page("")
    guard try await take(listing(newest)) else { return }
    // After midnight the new day has no files yet, and the last files of the day before may be unread.
    let earlier = newest.isEmpty ? days : days - 1
    for back in 0..<Int64(earlier) {
      let day = CivilDate(daysSinceEpoch: newest.day.daysSinceEpoch - back - 1)
      // Without a listing, the portal does not keep earlier days.
      guard let listing = try await listing(ofEarlier: day), try await take(listing) else { return }
    }
  }

  /// An earlier day, by both known queries. A portal ignores the one it does not know and shows the newest day; the
  /// answer names its day.
  /// - Returns: nil when neither answer is of that day.
  private func listing(ofEarlier day: CivilDate) async throws -> Listing? {
    var listings: [Listing] = []
    var refusal: HTTPError?
    for query in ["?date=\(Self.path(day))", "?p=./\(Self.path(day))"] {
      do {
        let page = try await page(query)
        if page.day == day { listings.append(listing(page)) }
      } catch let error as HTTPError where error.errorClass == .data {
        refusal = refusal ?? error
      }
    }
    guard var listing = listings.first else {
      if let refusal, refusal.kind != .status(404) { throw refusal }
      return nil
    }
    if listings.count > 1 {
      let names = Set(listing.files.map(\.fileName))
      let more = listings[1].files.filter { !names.contains($0.fileName) }
      let less = names.subtracting(listings[1].files.map(\.fileName)).count
      if !more.isEmpty || less > 0 {
        context.logger.warning("?date= and ?p= list different files of one day; both are read", metadata: [
          "day": "\(day)", "date_only": "\(less)", "p_only": "\(more.count)",
        ])
      }
      listing.files += more
      listing.unknownColumns.formUnion(listings[1].unknownColumns)
    }
    return listing
  }

  /// - Parameter query: of the portal's root; empty: the newest day.
  private func page(_ query: String) async throws -> PublishPricePage {
    let response = try await context.listings.get(try base.resolving(query), headers: ["Accept": "text/html"])
    return try PublishPricePage(response.body, maxRows: context.limits.maxRows)
  }

  private func listing(_ page: PublishPricePage) -> Listing {
    var listing = Listing()
    listing.unknownColumns = page.drift
    if page.nameless > 0 { listing.skipped["no_file_name"] = page.nameless }
    let folder = Self.path(page.day)
    for row in page.rows {
      // Names that the grammar accepts need no percent-encoding.
      listing.add(
        row.name, of: context, size: row.size, version: [row.size.map { "\($0)" }, row.modified],
        link: try? base.resolving("\(folder)/\(row.name)").text)
    }
    return listing
  }

  /// `YYYYMMDD`.
  private static func path(_ day: CivilDate) -> String { String(day.year * 10_000 + day.month * 100 + day.day) }
}
