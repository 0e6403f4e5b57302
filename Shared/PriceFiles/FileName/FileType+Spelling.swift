import Schemas

extension FileType {
  package var holdsPrices: Bool { self == .price || self == .priceFull }
  package var holdsPromotions: Bool { self == .promo || self == .promoFull }

  /// How portals spell it at the start of a file name.
  package var spelling: String {
    switch self {
    case .price: "Price"
    case .priceFull: "PriceFull"
    case .promo: "Promo"
    case .promoFull: "PromoFull"
    case .stores: "Stores"
    }
  }
}
