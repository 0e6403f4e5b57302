import Schemas

/// A country whose prices and demands are followed.
package struct Country: Hashable, Sendable {
  /// As people write it: `United Arab Emirates`.
  package var name: String
  /// A word of routing keys: `mena`.
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
