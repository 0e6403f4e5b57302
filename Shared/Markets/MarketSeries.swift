import Schemas

/// One material in one country, or on the world's market.
package struct MarketSeries: Hashable, Sendable {
  package let material: Material
  /// Nil for a world market.
  package let country: Country?
  package let key: RoutingKey

  /// - Returns: nil for a world's material with a country, another one without, or a key too long.
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
