import Schemas

/// Which materials a schedule is about.
package enum MaterialChoice: Hashable, Sendable {
  case all
  case named([String])
  case category(MarketCategory)

  func contains(_ material: Material) -> Bool {
    switch self {
    case .all: true
    case .named(let names): names.contains(material.name)
    case .category(let category): material.category == category
    }
  }
}
