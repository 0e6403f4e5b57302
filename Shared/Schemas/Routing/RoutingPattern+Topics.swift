extension RoutingPattern {
  /// The categories of the series it can pick: those of which some `region.country.category.material` matches.
  package var categories: [MarketCategory] {
    MarketCategory.allCases.filter { category in
      Self.canMatch(words[...], [nil, nil, category.rawValue, nil][...])
    }
  }

  /// The topics of market data it needs: a subscription to more would only be filtered.
  package var topics: [Topic] { categories.map { Topics.marketObservations(of: $0) } }

  /// - Parameter key: its words; nil is a word that may be anything.
  private static func canMatch(_ pattern: ArraySlice<Word>, _ key: ArraySlice<String?>) -> Bool {
    guard let word = pattern.first else { return key.isEmpty }
    if word == .any {
      return canMatch(pattern.dropFirst(), key) || !key.isEmpty && canMatch(pattern, key.dropFirst())
    }
    guard let wanted = key.first else { return false }
    if case .exactly(let text) = word, let wanted, text != wanted { return false }
    return canMatch(pattern.dropFirst(), key.dropFirst())
  }
}
