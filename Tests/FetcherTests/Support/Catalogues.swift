import Commodities
@testable import FetcherService
import Testing
import Values

/// A small world: two countries, three materials, and the sources a test wants.
enum Catalogues {
  static let world = """
    countries:
      - {name: Egypt, region: mena, currency: EGP}
      - {name: Germany, region: europe, currency: EUR}
    materials:
      - {name: PVC, category: polymer, unit: t, positive: true}
      - {name: Copper, category: screening, unit: t}
      - {name: Brent, category: energy, unit: bbl, world: true, currency: USD}
    schedules: []

    """

  static func load(_ sources: String) throws -> CommodityCatalogue {
    try CommodityCatalogue(yaml: world + "sources:\n" + sources, origin: "test")
  }

  /// Sources as the simulator at `base` answers them, all with every series.
  static func yahoo(_ base: String, name: String = "Yahoo", more: String = "") -> String {
    """
      - name: \(name)
        kind: yahoo
        url: "\(base)/v8/finance/chart/{symbol}?currency={currency}&at={due_at}"
        symbol: "{material}.{country}"
    \(more.split(separator: "\n").map { "    \($0)\n" }.joined())
    """
  }

  static func json(_ base: String, name: String = "Exchange", more: String = "") -> String {
    """
      - name: \(name)
        kind: json
        url: "\(base)/series/{material}/{country}.json?kind={kind}&currency={currency}&unit={unit}&at={due_at}"
        tasks: [fetch_price, fetch_demand]
        mapping: {rows: data.points, value: value, time: at, currency: currency, unit: unit}
    \(more.split(separator: "\n").map { "    \($0)\n" }.joined())
    """
  }

  static func csv(_ base: String, name: String = "Tables", more: String = "") -> String {
    """
      - name: \(name)
        kind: csv
        url: "\(base)/series/{material}/{country}.csv?kind={kind}&currency={currency}&unit={unit}&at={due_at}"
        tasks: [fetch_price, fetch_demand]
        mapping: {value: Value, time: Time, currency: Currency, unit: Unit, where: {Country: "{country}"}}
    \(more.split(separator: "\n").map { "    \($0)\n" }.joined())
    """
  }

  /// The one source of this text.
  static func source(_ text: String) throws -> CommoditySource { try #require(try load(text).readSources().first) }
}

func time(_ text: String) -> Timestamp { Timestamp(text) ?? .epoch }
func decimal(_ text: String) -> ExactDecimal { ExactDecimal(text) ?? .zero }
