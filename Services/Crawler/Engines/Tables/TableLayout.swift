import Core
import Portals
import PriceFiles
import Values

/// What distinguishes one portal of HTML tables from the others.
package struct TableLayout: Sendable {
  /// The address of a page (1-based) of one listing, relative to the portal's.
  typealias Section = @Sendable (_ page: Int) -> String

  /// Where columns are when no title says so, 0-based; these columns have to be there.
  var places: [ListingColumn: Int]
  var pager: ListingPager
  var linksExpire = false
  /// The listings to read for some types of files, one after the other.
  var sections: @Sendable (TableEngine, Set<FileType>) -> [Section]

  /// Shufersal: `FileObject/UpdateCategory?catID=&storeId=0&page=`, some 85 pages of 20 rows.
  ///
  /// Links are signed and work for 49 minutes at most, and under load a page takes 30 seconds, so each page is
  /// announced before the next is read. The signatures change with every listing; the row's time and size distinguish
  /// one publication from the next.
  static let shufersal = TableLayout(
    places: [.link: 0, .time: 1, .size: 2, .name: 6], pager: .links(parameters: ["page"], inside: "//tfoot"),
    linksExpire: true
  ) { _, types in
    let categories = types.count == FileType.allCases.count
      ? [0] : FileType.allCases.filter(types.contains).map(shufersalCategory)
    return categories.map { category in { "FileObject/UpdateCategory?catID=\(category)&storeId=0&page=\($0)" } }
  }

  private static func shufersalCategory(_ type: FileType) -> Int {
    switch type {
    case .price: 1
    case .priceFull: 2
    case .promo: 3
    case .promoFull: 4
    case .stores: 5
    }
  }

  /// Super-Pharm: `/?Category-equals=&Date-equals=dd/mm/yyyy&page=`, 20 rows a page, some 124 pages a day.
  ///
  /// Its categories are Stores, Price, PriceFull and PromoFull; since 2026 there is no Promo. No capture holds the
  /// titles of its columns, so columns are read by their places. It may list nothing to visitors from abroad.
  static let superPharm = TableLayout(
    places: [.name: 1, .time: 2, .link: 5],
    pager: .buttons(inside: "//*[contains(concat(' ', @class, ' '), ' mvc-grid-pager ')]")
  ) { engine, types in
    let categories: [FileType?] = types.count == FileType.allCases.count
      ? [nil] : FileType.allCases.filter { types.contains($0) && $0 != .promo }
    return engine.days.dates.flatMap { date in
      categories.map { category -> Section in
        { page in
          var query: [String] = []
          if let category { query.append("Category-equals=\(category.spelling)") }
          if let date { query.append("Date-equals=\(date.slashed)") }
          return "?" + (query + ["page=\(page)"]).joined(separator: "&")
        }
      }
    }
  }

  /// Hazi Hinam: `/Prices?d=YYYY-MM-DD&t=<1 price 2 promo 3 stores|null>&f=null&p=`. Links lead to blobs that need no
  /// signature. It answers visitors from abroad with 403.
  static let haziHinam = TableLayout(
    places: [.time: 0, .name: 2, .size: 4, .link: 5], pager: itemPager
  ) { engine, types in
    var kinds: [String] = []
    if types.contains(where: \.holdsPrices) { kinds.append("1") }
    if types.contains(where: \.holdsPromotions) { kinds.append("2") }
    if types.contains(.stores) { kinds.append("3") }
    if kinds.count == 3 { kinds = ["null"] }
    return engine.days.dates.flatMap { date in
      kinds.map { kind -> Section in { "Prices?d=\(date?.description ?? "null")&t=\(kind)&f=null&p=\($0)" } }
    }
  }

  private static let itemPager = ListingPager.links(
    parameters: ["p", "page"], inside: "//*[contains(concat(' ', @class, ' '), ' pagination-item ')]")

  /// The City Market shops: `/?d=YYYY-MM-DD&s=&t=<1 price 2 promo 3 stores>&f=<0|1>&p=`, all types in one query.
  ///
  /// Links are opaque (`/downloadFile/<uuid>`), and names come with and without `.gz`: the name in the row identifies
  /// the file. Some names carry the chain id 0000000000000.
  static let cityMarket = TableLayout(places: [.time: 0, .name: 2, .size: 5, .link: 6], pager: itemPager) { engine, _ in
    engine.days.dates.map { date in { "?d=\(date?.description ?? "")&s=&t=&f=&p=\($0)" } }
  }

  /// Matrix Catalog (NB), older than the JSON of laibcatalog and on the same hosts:
  /// `NBCompetitionRegulations.aspx?code=<chain id>`, everything on one page, the time in the seventh cell.
  static let matrix = TableLayout(places: [.name: 0, .size: 5, .time: 6, .link: 7], pager: .none) { engine, _ in
    let ids = engine.context.chain.allIDs.isEmpty ? [""] : engine.context.chain.allIDs
    return ids.map { id in { _ in "NBCompetitionRegulations.aspx?code=\(id)&date=&fileType=" } }
  }
}

/// The days to request from a portal that lists by day: today in Israel and some days before it, because the last pass
/// of a day may have missed its last files.
struct ListingDays: Sendable {
  /// 0: the portal is asked without a date.
  var count: Int
  var zone: ZoneTable
  /// Seconds since 1970.
  var now = WallClock.seconds

  /// The row's option `days`, else `--listing-days`.
  /// - Throws: a configuration `Failure` for text that is not a number from 0 to 366.
  init(_ context: EngineContext) throws(Failure) {
    let written = context.option("days", default: "\(context.limits.days)")
    guard let count = Int(written), (0...366).contains(count) else {
      throw Failure(
        .configuration, code: "bad_source", "\(context.label): days: '\(written)' is not a number from 0 to 366")
    }
    self.count = count
    zone = context.zone
  }

  /// Newest first; a single nil stands for a query without a date.
  var dates: [CivilDate?] {
    guard count > 0 else { return [nil] }
    let now = now()
    let today = (now + Int64(zone.offsetSeconds(at: now))) / 86_400
    return (0..<Int64(count)).map { CivilDate(daysSinceEpoch: today - $0) }
  }
}

extension CivilDate {
  /// `23%2F08%2F2026`: day, month and year with percent-encoded slashes.
  var slashed: String {
    "\(zeroPadded(day, 2))%2F\(zeroPadded(month, 2))%2F\(year)"
  }
}
