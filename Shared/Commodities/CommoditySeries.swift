import Values

/// A material in a country, or on the world market.
package struct CommoditySeries: Hashable, Sendable {
  package let material: Material
  /// Nil on the world market.
  package let country: Country?
  package let key: RoutingKey

  /// - Returns: nil for a world material with a country, another one without, or a key that is too long.
  package init?(_ material: Material, in country: Country?) {
    guard material.isWorld == (country == nil) else { return nil }
    guard let key = RoutingKey(
      region: country?.region ?? RoutingKey.world.region, country: country?.word ?? RoutingKey.world.country,
      category: material.category, material: material.word)
    else { return nil }
    self.material = material
    self.country = country
    self.key = key
  }

  package var currency: String? { country?.currency ?? material.currency }
}

/// A material whose prices and demands are followed.
package struct Material: Hashable, Sendable {
  /// The display name: `Copper Tape`.
  package var name: String
  package var category: CommodityCategory
  /// The unit of prices and demands, a symbol of `PhysicalUnit`: `t`, `kg`, `bbl`.
  package var unit: String?
  /// Refuse prices of 0 or below. Otherwise they are published: oil sold at -37.63 in April 2020.
  package var isPositive: Bool
  /// Traded on one world market, without a country.
  package var isWorld: Bool
  /// ISO 4217, for a world material; otherwise the country's currency applies.
  package var currency: String?
  /// The name's word in routing keys: `copper_tape`.
  package var word: String

  /// - Returns: nil when the name has no routing word.
  package init?(
    name: String, category: CommodityCategory, unit: String? = nil, isPositive: Bool = false, isWorld: Bool = false,
    currency: String? = nil
  ) {
    guard let word = RoutingKey.word(for: name) else { return nil }
    self.name = name
    self.category = category
    self.unit = unit
    self.isPositive = isPositive
    self.isWorld = isWorld
    self.currency = currency
    self.word = word
  }
}

/// A country whose prices and demands are followed.
package struct Country: Hashable, Sendable {
  /// The display name: `United Arab Emirates`.
  package var name: String
  /// The region's word in routing keys: `mena`.
  package var region: String
  /// ISO 4217.
  package var currency: String?
  /// The name's word in routing keys: `united_arab_emirates`.
  package var word: String

  /// - Returns: nil when the name has no routing word.
  package init?(name: String, region: String, currency: String? = nil) {
    guard let word = RoutingKey.word(for: name) else { return nil }
    self.name = name
    self.region = region
    self.currency = currency
    self.word = word
  }
}
