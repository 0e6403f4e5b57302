import Core
import Foundation
import HTML
import HTTP
import Logging
import Portals
import PriceFiles
import Values

/// A portal that lists its files in HTML tables, on numbered pages. Its `TableLayout` says which pages to read and
/// where the columns are.
package struct TableEngine: ChainEngine {
  let context: EngineContext
  /// Ends in a slash.
  let base: HTTPURL
  var days: ListingDays
  let layout: TableLayout

  /// - Throws: a configuration `Failure` for a row without an address.
  init(_ context: EngineContext, _ layout: TableLayout) throws(Failure) {
    self.context = context
    self.layout = layout
    base = try context.base()
    days = try ListingDays(context)
  }

  package var linksExpire: Bool { layout.linksExpire }

  package func list(_ types: Set<FileType>, _ take: (Listing) async throws -> Bool) async throws {
    var sweep = PageSweep(engine: self, sections: layout.sections(self, types))
    while let listing = try await sweep.next() {
      guard try await take(listing) else { return }
    }
  }

  /// - Throws: `HTTPError`; `PortalError` and `HTMLError` for a page that is not a listing.
  func page(_ number: Int, of section: TableLayout.Section) async throws -> ListedPage {
    let (document, url) = try await context.page(at: try base.resolving(section(number)))
    let table = try ListingTable(document, places: layout.places)
    try context.checkRows(table.rows.count, in: "the page")
    return ListedPage(
      listing: listing(table, at: url), rows: table.rows.count, lastPage: try layout.pager.lastPage(in: document))
  }

  private func listing(_ table: ListingTable, at page: HTTPURL) -> Listing {
    var listing = Listing()
    listing.unknownColumns = table.drift
    for row in table.rows {
      guard let fileName = row.fileName else {
        listing.skip("no_file_name")
        continue
      }
      // Browsers treat a backslash as a slash, and some portals rely on it.
      let href = row.href?.replacingOccurrences(of: "\\", with: "/")
      let link = href.flatMap { $0.isEmpty ? nil : try? page.resolving($0).text }
      listing.add(
        fileName, of: context, version: [row.size, row.time], link: link,
        linkExpires: link.flatMap(Self.expiry(ofLink:)))
    }
    // Links that expire first come first; the others keep the portal's order.
    let order = listing.files.indices.sorted { left, right in
      let (a, b) = (listing.files[left].linkExpires, listing.files[right].linkExpires)
      return (a?.microseconds ?? .max, left) < (b?.microseconds ?? .max, right)
    }
    listing.files = order.map { listing.files[$0] }
    return listing
  }

  /// When the shared access signature of an Azure link expires: its parameter `se` ("signed expiry", ISO 8601, UTC);
  /// nil without one.
  static func expiry(ofLink link: String) -> Timestamp? {
    URLComponents(string: link)?.queryItems?.first { $0.name == "se" }?.value.flatMap { Timestamp($0) }
  }
}

/// What one page says.
struct ListedPage: Sendable {
  var listing: Listing
  /// Entries of the table, price files or not.
  var rows: Int
  /// The highest page its pager names; nil without a pager.
  var lastPage: Int?
}

/// One pass over a portal's pages, from the first to the last, while the portal continues to publish.
///
/// Portals show the newest files first. Files that appear during the pass move entries to later pages: those entries
/// are read twice, none is missed. Files that disappear move entries to pages already read: when the number of pages
/// falls, the pages before are read again. (Fewer removals than a page holds may not change the number; the next pass
/// finds what this one missed.)
struct PageSweep {
  /// A page with fewer entries and no pager is the only one. Portals show at least 20 entries on a page.
  private static let leastFullPage = 20

  private let engine: TableEngine
  private var sections: ArraySlice<TableLayout.Section>
  /// The next page of the first section.
  private var number = 1
  /// The last page known so far.
  private var last = 1
  private var names: Set<String> = []
  private var asked = 0

  init(engine: TableEngine, sections: [TableLayout.Section]) {
    self.engine = engine
    self.sections = sections[...]
  }

  /// - Returns: the next page; nil at the end.
  mutating func next() async throws -> Listing? {
    while number > last, !sections.isEmpty {
      sections.removeFirst()
      (number, last) = (1, 1)
    }
    guard let section = sections.first else { return nil }
    guard asked < engine.context.limits.maxRequests else {
      CrawlerMetrics.cutListing(engine.source)
      engine.context.logger.warning(
        "the listing has more pages than one pass reads: files may be missing",
        metadata: ["requests": .stringConvertible(asked)])
      sections = []
      return nil
    }
    asked += 1
    var page = try await engine.page(number, of: section)
    let fresh = page.listing.files.count { names.insert($0.fileName).inserted }
    turn(&page, fresh: fresh)
    return page.listing
  }

  private mutating func turn(_ page: inout ListedPage, fresh: Int) {
    let before = last
    // A pager may leave out the current page.
    last = max(page.lastPage ?? 0, page.rows > 0 ? number : number - 1, 1)
    if engine.layout.pager != .none, page.lastPage == nil, page.rows >= Self.leastFullPage, fresh > 0 {
      // A full page without a pager: read the next one. If it has entries, the pager has changed.
      last = number + 1
      if number > 1 { page.listing.unknownColumns.insert("-pager") }
    }
    // The removed entries may fill almost one page more than the pages that are gone.
    number = last < before ? max(1, number - 1 - (before - last)) : number + 1
  }
}

/// How a portal says how many pages its listing has.
enum ListingPager: Hashable, Sendable {
  /// Links with a page number in this parameter of their query, inside what the path selects.
  case links(parameters: Set<String>, inside: String)
  /// `data-page` attributes inside what the path selects.
  case buttons(inside: String)
  /// There is one page.
  case none

  /// The highest page named; nil when none is.
  func lastPage(in page: HTMLDocument) throws -> Int? {
    switch self {
    case .none: return nil
    case .buttons(let path):
      return try page.select("\(path)//@data-page").compactMap { Int($0.text) }.max()
    case .links(let parameters, let path):
      let framed = try page.select("\(path)//a/@href")
      // Without the usual frame, any link with a page number counts.
      let links = framed.isEmpty ? try page.select("//a/@href") : framed
      return links.compactMap { Self.number($0.text, parameters) }.max()
    }
  }

  private static func number(_ href: String, _ parameters: Set<String>) -> Int? {
    URLComponents(string: href)?.queryItems?.lazy.filter { parameters.contains($0.name) }
      .compactMap { $0.value.flatMap { Int($0) } }.first
  }
}

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
