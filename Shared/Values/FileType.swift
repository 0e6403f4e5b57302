/// What a published price file holds.
package enum FileType: String, CaseIterable, Hashable, Sendable {
  /// Changed prices of the last hour.
  case price
  /// All prices of a store, once a day.
  case priceFull = "price_full"
  case promo
  case promoFull = "promo_full"
  /// The branches of a chain.
  case stores
}

/// How the bytes of a stored file are packed, told by their first bytes and never by their name.
package enum Compression: String, CaseIterable, Hashable, Sendable {
  case gzip
  case zip
  case none
}
