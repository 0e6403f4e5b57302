import Schemas

/// Something whose prices and demands are followed.
package struct Material: Hashable, Sendable {
  /// As people write it: `Copper Tape`.
  package var name: String
  package var category: MarketCategory
  /// What prices are for and demands are counted in, a symbol of `PhysicalUnit`: `t`, `kg`, `bbl`.
  package var unit: String?
  /// A price of 0 or below is refused. Without it such a price is published: oil of April 2020 was sold at -37.63.
  package var isPositive: Bool
  /// Has one market for the whole world, and no country.
  package var isWorld: Bool
  /// ISO 4217, for a world market; elsewhere the country's holds.
  package var currency: String?
  /// The name's word in routing keys: `copper_tape`.
  package var word: String

  /// - Returns: nil when the name has no routing word.
  package init?(
    name: String, category: MarketCategory, unit: String? = nil, isPositive: Bool = false, isWorld: Bool = false,
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
