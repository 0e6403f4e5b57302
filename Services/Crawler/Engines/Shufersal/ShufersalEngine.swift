import HTTP
import Runtime
import Schemas

/// The portal of Shufersal: `FileObject/UpdateCategory?catID=&storeId=0&page=`, some 85 pages of 20 rows.
///
/// Links are signed and work for 49 minutes at most, and under load a page takes 30 seconds, so that every page has to
/// be announced before the next is asked for. Their signatures change with every listing; what tells one publication
/// from the next is the row's time and size.
package struct ShufersalEngine: TableEngine {
  static let places: [ListingColumn: Int] = [.link: 0, .time: 1, .size: 2, .name: 6]
  static let pager = ListingPager.links(parameters: ["page"], inside: "//tfoot")

  let context: EngineContext
  let base: HTTPURL

  package init(_ context: EngineContext) throws(Failure) {
    self.context = context
    base = try context.base()
  }

  package var linksExpire: Bool { true }

  func sections(of types: Set<FileType>) -> [PageSection] {
    let categories = types.count == FileType.allCases.count
      ? [0] : FileType.allCases.filter(types.contains).map(Self.category)
    return categories.map { category in
      PageSection { "FileObject/UpdateCategory?catID=\(category)&storeId=0&page=\($0)" }
    }
  }

  private static func category(_ type: FileType) -> Int {
    switch type {
    case .price: 1
    case .priceFull: 2
    case .promo: 3
    case .promoFull: 4
    case .stores: 5
    }
  }
}
