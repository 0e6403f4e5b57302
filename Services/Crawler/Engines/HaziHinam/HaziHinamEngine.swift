import HTTP
import PriceFiles
import Runtime
import Schemas

/// The portal of Hazi Hinam: `/Prices?d=YYYY-MM-DD&t=<1 price 2 promo 3 stores|null>&f=null&p=`. Links lead to blobs
/// that need no signature. Answers 403 to visitors from abroad.
package struct HaziHinamEngine: TableEngine {
  static let places: [ListingColumn: Int] = [.time: 0, .name: 2, .size: 4, .link: 5]
  static let pager = ListingPager.links(
    parameters: ["p", "page"], inside: "//*[contains(concat(' ', @class, ' '), ' pagination-item ')]")

  let context: EngineContext
  let base: HTTPURL
  var days: ListingDays

  package init(_ context: EngineContext) throws(Failure) {
    self.context = context
    base = try context.base()
    days = try ListingDays(context)
  }

  func sections(of types: Set<FileType>) -> [PageSection] {
    var kinds: [String] = []
    if types.contains(where: \.holdsPrices) { kinds.append("1") }
    if types.contains(where: \.holdsPromotions) { kinds.append("2") }
    if types.contains(.stores) { kinds.append("3") }
    if kinds.count == 3 { kinds = ["null"] }
    return days.dates.flatMap { date in
      kinds.map { kind in
        PageSection { "Prices?d=\(date?.description ?? "null")&t=\(kind)&f=null&p=\($0)" }
      }
    }
  }
}
