import Commodities
import Core
@testable import FetcherService
import Messages
import Testing
import Values

/// Answers of several providers for one series, as they write them: each value must come out in the same currency, for
/// the same unit and of the same magnitude, so that a failover changes the source and nothing else.
@Suite struct SameSeriesTests {
  private struct Answer {
    var source: String
    var kind: CommoditySourceKind
    var symbol: String
    var body: String
  }

  private static func yahoo(_ symbol: String, _ currency: String, _ price: String) -> Answer {
    Answer(source: "Yahoo", kind: .yahoo, symbol: symbol, body: """
      {"chart":{"result":[{"meta":{"currency":"\(currency)","symbol":"\(symbol)","regularMarketTime":1677585600,
      "regularMarketPrice":\(price),"dataGranularity":"1h"},"timestamp":[],"indicators":{"quote":[{}]}}],"error":null}}
      """)
  }

  private static func alpha(_ name: String, _ interval: String, _ unit: String, _ value: String) -> Answer {
    Answer(source: "Alpha", kind: .alphavantage, symbol: name, body: """
      {"name":"\(name)","interval":"\(interval)","unit":"\(unit)","data":[{"date":"2023-02-01","value":"\(value)"}]}
      """)
  }

  /// February 2023, as the exchanges and the IMF had them.
  private static let series: [(material: String, unit: String, near: Double, answers: [Answer])] = [
    ("Copper", "t", 8_950, [
      yahoo("HG=F", "USD", "4.0925"), alpha("COPPER", "monthly", "dollar per metric ton", "8936.59"),
    ]),
    ("Aluminium", "t", 2_400, [
      yahoo("ALI=F", "USD", "2365.25"), alpha("ALUMINUM", "monthly", "dollar per metric ton", "2416.57"),
    ]),
    ("Brent", "bbl", 83, [yahoo("BZ=F", "USD", "83.89"), alpha("BRENT", "daily", "dollars per barrel", "82.6")]),
    ("Natural Gas", "mmbtu", 2.5, [
      yahoo("NG=F", "USD", "2.747"), alpha("NATURAL_GAS", "daily", "dollars per million BTU", "2.38"),
    ]),
    ("Wheat", "t", 300, [yahoo("ZW=F", "USX", "705.5"), alpha("WHEAT", "monthly", "dollar per metric ton", "330.2")]),
    ("Corn", "t", 260, [yahoo("ZC=F", "USX", "630.25"), alpha("CORN", "monthly", "dollar per metric ton", "298.2")]),
    ("Coffee", "kg", 4.4, [yahoo("KC=F", "USX", "186.6"), alpha("COFFEE", "monthly", "cents per pound", "216.3")]),
    ("Cotton", "kg", 1.9, [yahoo("CT=F", "USX", "84.1"), alpha("COTTON", "monthly", "cents per pound", "98.9")]),
    ("Gold", "ozt", 1_830, [yahoo("GC=F", "USD", "1836.7"), yahoo("MGC=F", "USD", "1836.5")]),
    ("Steel", "t", 1_100, [yahoo("HRC=F", "USD", "1000"), yahoo("HRC=F", "USD", "1010")]),
  ]

  private func value(_ answer: Answer, _ material: Material) throws -> Quote {
    let token = answer.kind == .alphavantage ? "token: env:PATH, " : ""
    let symbols = "{\(material.name): \(answer.symbol)}"
    let catalogue = try CommodityCatalogue(yaml: """
      countries: []
      materials: [{name: \(material.name), category: energy, unit: \(material.unit ?? ""), world: true, currency: USD}]
      schedules: []
      sources:
        - {name: S, kind: \(answer.kind.rawValue), url: "https://h", \(token)symbols: \(symbols)}
      """, origin: "test", over: nil)
    let source = try #require(try catalogue.readSources().first)
    let quotes = try AnswerReader(source, limits: .init()).quotes(Array(answer.body.utf8), of: material) { _ in "" }
    return try QuoteConverter(material, nil, .price).converted(try #require(quotes.last)).quote
  }

  @Test func sourcesOfOneSeriesAgree() throws {
    for (name, unit, near, answers) in Self.series {
      let material = try #require(
        Material(name: name, category: .energy, unit: unit, isWorld: true, currency: "USD"))
      let quotes = try answers.map { try value($0, material) }
      #expect(quotes.allSatisfy { $0.currency == "USD" && $0.unit == unit }, "\(name): \(quotes)")
      for quote in quotes {
        let ratio = (Double("\(quote.value)") ?? 0) / near
        #expect((0.7...1.4).contains(ratio), "\(name): \(quote.value), about \(near) is expected")
      }
    }
  }

  /// Every row of the shipped catalogue: the unit that its source is quoted for can be made the material's.
  @Test func theEmbeddedCatalogueHasAUnitForEverySymbol() throws {
    let catalogue = CommodityCatalogue.embedded
    for source in try catalogue.readSources() where source.kind == .yahoo {
      for name in source.symbols.keys {
        let material = try #require(catalogue.material(named: name))
        #expect(source.quotation(of: material).unit != nil, "\(source.name): \(name)")
      }
    }
    let yahoo = try #require(try catalogue.readSources().first { $0.kind == .yahoo })
    let copper = try #require(catalogue.material(named: "Copper"))
    #expect(yahoo.quotation(of: copper).unit?.symbol == "lb" && copper.unit == "t")
  }

  @Test(arguments: ["index 2016=100", "percent", "", "dollar per ton", "euros per furlong"])
  func unitsThatTheMaterialCannotHaveAreRefused(unit: String) throws {
    let material = try #require(
      Material(name: "Copper", category: .energy, unit: "t", isWorld: true, currency: "USD"))
    let answer = Self.alpha("COPPER", "monthly", unit, "160.1")
    #expect { try value(answer, material) } throws: { ($0 as? FetchError)?.kind == .unitRefused }
    var missing = answer
    missing.body = answer.body.replacing("\"unit\":\"\(unit)\",", with: "")
    #expect { try value(missing, material) } throws: { ($0 as? FetchError)?.kind == .unitRefused }
    // Barrels of copper.
    let barrels = Self.alpha("COPPER", "monthly", "dollars per barrel", "80")
    #expect { try value(barrels, material) } throws: { ($0 as? FetchError)?.kind == .unitRefused }
  }

  @Test func anAssumedUnitAndAnotherCurrencyAreFlagged() throws {
    let egypt = try #require(Country(name: "Egypt", region: "mena", currency: "EGP"))
    let copper = try #require(Material(name: "Copper", category: .screening, unit: "t"))
    func measured(_ currency: String?, _ unit: String?) throws -> QuoteConverter.Converted {
      try QuoteConverter(copper, egypt, .price).converted(
        Quote(value: decimal("5"), observedAt: .epoch, currency: currency, unit: unit))
    }
    #expect(try measured("EGP", "t").flags.isEmpty)
    #expect(try measured(nil, "t").quote.currency == "EGP")
    #expect(try measured("USD", nil).flags == ["unit_assumed", "currency_differs"])
    #expect { try measured("GOLD", "t") } throws: { ($0 as? FetchError)?.kind == .currencyRefused }
  }
}
