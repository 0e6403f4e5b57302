import Values

/// The currency and unit of a price as providers write them: `dollar per metric ton`, `cents per pound`, `EUR/MWh`,
/// `bbl`.
package struct PriceUnit: Hashable, Sendable {
  /// Nil when only the unit is given.
  package var currency: Currency.Written?
  package var unit: PhysicalUnit

  /// - Returns: nil when the text is not a physical unit, alone or after a currency: `index 2016=100`, `percent`,
  ///   `ton`.
  package init?(_ text: String) {
    if let unit = PhysicalUnit(text) {
      self.init(unit: unit)
      return
    }
    var sides = text.replacing(" per ", with: "/", maxReplacements: 1).split(separator: "/", maxSplits: 1)
    if sides.count == 1, text.lowercased().hasPrefix("per ") { sides = ["", text.dropFirst(4)] }
    guard sides.count == 2, let unit = PhysicalUnit(String(sides[1])) else { return nil }
    self.init(unit: unit)
    let money = sides[0].trimmingPrefix(" ").reversed().drop { $0 == " " }.reversed()
    guard !money.isEmpty else { return }
    guard let currency = Self.currency(String(money)) else { return nil }
    self.currency = currency
  }

  private init(unit: PhysicalUnit) { self.unit = unit }

  private static func currency(_ text: String) -> Currency.Written? {
    Currency.Written(text) ?? Currency.Written(text.uppercased())
      ?? words[text.lowercased()].flatMap { Currency.Written($0) }
  }

  private static let words = [
    "dollar": "USD", "dollars": "USD", "us dollar": "USD", "us dollars": "USD", "u.s. dollars": "USD", "$": "USD",
    "us$": "USD", "cent": "USX", "cents": "USX", "us cent": "USX", "us cents": "USX", "u.s. cents": "USX",
    "¢": "USX", "euro": "EUR", "euros": "EUR", "€": "EUR", "pence": "GBX", "£": "GBP", "yuan": "CNY", "rmb": "CNY",
  ]
}
