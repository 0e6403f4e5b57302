import HTTP
import PriceFiles
import Runtime
import Schemas

/// The portal of the City Market shops: `/?d=YYYY-MM-DD&s=&t=<1 price 2 promo 3 stores>&f=<0|1>&p=`; asked for all
/// kinds at once.
///
/// Its links are opaque (`/downloadFile/<uuid>`), its names come with and without `.gz`: a file is known by the name in
/// its row. Some names carry the chain id 0000000000000.
package struct CityMarketEngine: TableEngine {
  static let places: [ListingColumn: Int] = [.time: 0, .name: 2, .size: 5, .link: 6]
  static let pager = HaziHinamEngine.pager

  let context: EngineContext
  let base: HTTPURL
  var days: ListingDays

  package init(_ context: EngineContext) throws(Failure) {
    self.context = context
    base = try context.base()
    days = try ListingDays(context)
  }

  func sections(of types: Set<FileType>) -> [PageSection] {
    days.dates.map { date in
      PageSection { "?d=\(date?.description ?? "")&s=&t=&f=&p=\($0)" }
    }
  }
}
