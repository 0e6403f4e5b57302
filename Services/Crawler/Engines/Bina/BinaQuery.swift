import PriceFiles
import Runtime
import Schemas

/// What a listing is asked for. Nil means everything.
struct BinaQuery: Hashable, Sendable {
  var type: FileType?
  var date: CivilDate?
  /// Without leading zeros; never `everyStore`.
  var store: String?

  /// What the portal takes for "all stores". Files of the chain as a whole carry it as their store: they cannot be
  /// asked for alone, and the question would be answered with everything, cut again.
  static let everyStore = "0"

  /// The queries that together cover this one, each asking for less; empty when there is nothing left to narrow.
  func narrowed(types: [FileType], dates: Set<CivilDate>, stores: Set<String>) -> [BinaQuery] {
    if type == nil { return types.map { BinaQuery(type: $0) } }
    if date == nil { return dates.sorted(by: >).map { BinaQuery(type: type, date: $0) } }
    if store == nil { return stores.sorted().map { BinaQuery(type: type, date: date, store: $0) } }
    return []
  }

  /// - Parameter nonce: makes caches between us and the portal believe the request is new.
  func text(nonce: Int) -> String {
    let number =
      switch type {
      case nil: 0
      case .stores: 1
      case .price: 2
      case .promo: 3
      case .priceFull: 4
      case .promoFull: 5
      }
    let day = date.map { "\(zeroPadded($0.day, 2))%2F\(zeroPadded($0.month, 2))%2F\($0.year)" } ?? ""
    // wReshet ("chain") is the Hebrew word for "all", percent-encoded UTF-8.
    return "_=\(nonce)&wReshet=%D7%94%D7%9B%D7%9C&WFileType=\(number)&WDate=\(day)&WStore=\(store ?? "")"
  }

}

extension BinaQuery: CustomStringConvertible {
  var description: String {
    "type \(type?.rawValue ?? "any"), date \(date?.description ?? "any"), store \(store ?? "any")"
  }
}
