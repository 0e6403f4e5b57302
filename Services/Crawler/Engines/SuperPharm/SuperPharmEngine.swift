import HTTP
import PriceFiles
import Runtime
import Schemas

/// The portal of Super-Pharm: `/?Category-equals=&Date-equals=dd/mm/yyyy&page=`, 20 rows a page, some 124 pages a day.
///
/// Its categories are Stores, Price, PriceFull and PromoFull; since 2026 there is no Promo. No capture has its columns'
/// titles, so that they are read by their places. It may list nothing to visitors from abroad.
package struct SuperPharmEngine: TableEngine {
  static let places: [ListingColumn: Int] = [.name: 1, .time: 2, .link: 5]
  static let pager = ListingPager.buttons(inside: "//*[contains(concat(' ', @class, ' '), ' mvc-grid-pager ')]")

  let context: EngineContext
  let base: HTTPURL
  var days: ListingDays

  package init(_ context: EngineContext) throws(Failure) {
    self.context = context
    base = try context.base()
    days = try ListingDays(context)
  }

  func sections(of types: Set<FileType>) -> [PageSection] {
    let categories: [FileType?] = types.count == FileType.allCases.count
      ? [nil] : FileType.allCases.filter { types.contains($0) && $0 != .promo }
    return days.dates.flatMap { date in
      categories.map { category in
        PageSection { page in
          var query: [String] = []
          if let category { query.append("Category-equals=\(category.spelling)") }
          if let date {
            query.append("Date-equals=\(zeroPadded(date.day, 2))%2F\(zeroPadded(date.month, 2))%2F\(date.year)")
          }
          return "?" + (query + ["page=\(page)"]).joined(separator: "&")
        }
      }
    }
  }

}
