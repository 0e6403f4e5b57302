import Commodities
import Core
import Values

/// Converts a provider's quote for its series: to whole units of an ISO 4217 currency for one unit of the catalogue.
package struct QuoteConverter: Sendable {
  package let material: Material
  /// nil on the world market.
  package let country: Country?
  package let kind: SeriesKind

  package init(_ material: Material, _ country: Country?, _ kind: SeriesKind) {
    self.material = material
    self.country = country
    self.kind = kind
  }

  package struct Converted: Hashable, Sendable {
    package var quote: Quote
    /// `unit_assumed`: neither the answer nor the catalogue's source gives the unit.
    /// `currency_differs`: the currency is not that of the country or the world market.
    package var flags: [String] = []
  }

  /// - Throws: `FetchError` for a unit or currency that is unknown, missing, or of another dimension than the
  ///   catalogue's; for a value with too many digits.
  package func converted(_ quote: Quote) throws(FetchError) -> Converted {
    var result = Converted(quote: quote)
    let said = try quote.unit.map { (text) throws(FetchError) in try Self.unit(text) }
    switch (said?.unit, material.unit.flatMap { PhysicalUnit($0) }) {
    case (let unit?, let wanted?):
      let converted = kind == .price ? unit.price(quote.value, per: wanted) : unit.quantity(quote.value, in: wanted)
      guard let converted else {
        throw FetchError(.unitRefused, "it is for one \(unit), and \(material.name) is counted in \(wanted)")
      }
      result.quote.value = converted
      result.quote.unit = wanted.symbol
    case (let unit?, nil): result.quote.unit = unit.symbol
    case (nil, let wanted?):
      result.quote.unit = wanted.symbol
      result.flags.append("unit_assumed")
    case (nil, nil):
      throw FetchError(.unitRefused, "neither the answer nor the catalogue gives the unit of \(material.name)")
    }
    try setCurrency(of: &result, said?.currency)
    return result
  }

  private func setCurrency(of result: inout Converted, _ said: Currency.Written?) throws(FetchError) {
    guard kind == .price else {
      result.quote.currency = nil
      return
    }
    let own = country?.currency ?? material.currency
    let written: Currency.Written?
    if let said {
      written = said
    } else if let text = result.quote.currency ?? own {
      guard let known = Currency.Written(text) else {
        throw FetchError(.currencyRefused, "its currency '\(ProviderMessage.excerpt(text))' is none of ISO 4217")
      }
      written = known
    } else {
      written = nil
    }
    guard let written else { return }
    guard let value = result.quote.value.shifted(written.shift) else {
      throw .unreadable("its value has too many digits")
    }
    result.quote.value = value
    result.quote.currency = written.currency.code
    if let own, own != written.currency.code { result.flags.append("currency_differs") }
  }

  private static func unit(_ text: String) throws(FetchError) -> PriceUnit {
    guard !text.isEmpty else { throw FetchError(.unitRefused, "the answer does not give the unit of its price") }
    guard let unit = PriceUnit(text) else {
      throw FetchError(.unitRefused, "its unit '\(ProviderMessage.excerpt(text))' is not a physical unit")
    }
    return unit
  }
}
