/// One published file: everything about it except its bytes, which are made when asked for.
package struct PortalFile: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case priceFull
    /// A price file: what changed in round `round` (1-based).
    case price(round: Int)
    case promoFull
    case stores

    /// The number the listing's WFileType parameter knows it by.
    package var portalType: Int {
      switch self {
      case .stores: 1
      case .price: 2
      case .priceFull: 4
      case .promoFull: 5
      }
    }

    /// The word file names begin with.
    package var word: String {
      switch self {
      case .stores: "Stores"
      case .price: "Price"
      case .priceFull: "PriceFull"
      case .promoFull: "PromoFull"
      }
    }

    var hebrew: String {
      switch self {
      case .stores: "סניפים"
      case .price: "מחירים"
      case .priceFull: "מחירים מלא"
      case .promoFull: "מבצעים מלא"
      }
    }
  }

  package var chain: ChainProfile
  /// The chain's n-th store, 0-based; -1 for files of the whole chain.
  package var store: Int
  package var kind: Kind
  package var time: WallTime

  /// The round after which the file is there: 0 for the full files.
  package var round: Int {
    if case .price(let round) = kind { round } else { 0 }
  }

  /// As files write it: "001"; "000" for files of the whole chain.
  package var storeID: String { store < 0 ? "000" : chain.storeID(store) }

  package var name: String {
    let head = "\(kind.word)\(chain.chainID)"
    switch chain.naming {
    case .threeParts: return "\(head)-\(storeID)-\(time.text("YMDhm"))\(chain.nameSuffix)"
    case .fiveParts: return "\(head)-001-\(storeID)-\(time.text("YMD"))-\(time.text("hms"))\(chain.nameSuffix)"
    }
  }
}
