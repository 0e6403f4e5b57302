import HTTP
import PriceFiles
import Runtime
import Schemas

/// The portal of the City Market shops: `/?d=YYYY-MM-DD&s=&t=&f=&p=`.
///
/// Its links are opaque (`/downloadFile/<uuid>`) and its names have no extension: a file is known by the name in its
/// row. The numbers it knows kinds of files by are not documented, so that it is asked for all.
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
