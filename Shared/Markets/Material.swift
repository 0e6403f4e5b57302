import Schemas

/// Something whose prices and demands are followed.
package struct Material: Hashable, Sendable {
  /// As people write it: `Copper Tape`.
  package var name: String
  package var category: MarketCategory
  /// What one of it is: `t`, `kg`, `bbl`.
  package var unit: String?
  /// Has one market for the whole world, and no country.
  package var isWorld: Bool
  /// ISO 4217, for a world market; elsewhere the country's holds.
  package var currency: String?
  /// The name's word in routing keys: `copper_tape`.
  package var word: String

  /// - Returns: nil when the name has no routing word.
  package init?(
    name: String, category: MarketCategory, unit: String? = nil, isWorld: Bool = false, currency: String? = nil
  ) {
    guard let word = RoutingKey.word(for: name) else { return nil }
    self.name = name
    self.category = category
    self.unit = unit
    self.isWorld = isWorld
    self.currency = currency
    self.word = word
  }
}
