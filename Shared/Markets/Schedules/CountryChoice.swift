/// Which countries a schedule is about. Materials of the world's market have no country: they are meant by `all`
/// and by `world` only.
package enum CountryChoice: Hashable, Sendable {
  case all
  case world
  case named([String])
  case region(String)

  /// - Parameter country: nil is the world's market.
  func contains(_ country: Country?) -> Bool {
    switch (self, country) {
    case (.all, _), (.world, nil): true
    case (.named(let names), let country?): names.contains(country.name)
    case (.region(let region), let country?): country.region == region
    default: false
    }
  }
}
