import HTTP
import Portals
import Runtime
import Schemas

/// The listing of Matrix Catalog (NB), older than the JSON of laibcatalog and on the same hosts:
/// `NBCompetitionRegulations.aspx?code=<chain id>`, everything on one page, the time in the seventh cell.
package struct MatrixEngine: TableEngine {
  static let places: [ListingColumn: Int] = [.name: 0, .size: 5, .time: 6, .link: 7]
  static let pager = ListingPager.none

  let context: EngineContext
  let base: HTTPURL

  package init(_ context: EngineContext) throws(Failure) {
    self.context = context
    base = try context.base()
  }

  func sections(of types: Set<FileType>) -> [PageSection] {
    let ids = context.chain.allIDs.isEmpty ? [""] : context.chain.allIDs
    return ids.map { id in
      PageSection { _ in "NBCompetitionRegulations.aspx?code=\(id)&date=&fileType=" }
    }
  }
}
