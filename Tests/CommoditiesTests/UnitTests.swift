@testable import Commodities
import Testing
import Values

/// Factors computed apart from the table, in decimal, from the definitions: 1 lb = 0.45359237 kg, 1 in = 25.4 mm,
/// 1 US gallon = 231 cubic inches, 1 barrel = 42 gallons, 1 Btu(IT) = 1055.05585262 J.
@Suite struct UnitTests {
  private func price(_ value: String, _ from: String, _ to: String) -> String? {
    guard let value = ExactDecimal(value), let from = PhysicalUnit(from), let to = PhysicalUnit(to) else { return "?" }
    return from.price(value, per: to).map { "\($0)" }
  }

  @Test(arguments: [
    ("4.52", "lb", "t", "9964.89425075647"), ("1", "lb", "t", "2204.62262184878"),
    ("1", "ozt", "kg", "32.1507465686280"),
    ("1", "short_ton", "t", "1.10231131092439"), ("1", "long_ton", "t", "0.984206527611061"),
    ("6", "bu_wheat", "t", "220.462262184878"), ("4.20", "bu_corn", "t", "165.346696638658"),
    ("3.40", "bu_oats", "t", "234.241153571432"), ("1", "gal", "bbl", "42"), ("70", "bbl", "m3", "440.286753930247"),
    ("1", "mmbtu", "mwh", "3.41214163312794"), ("30", "mwh", "mmbtu", "8.79213210516667"), ("1.5", "kg", "t", "1500"),
    ("1500", "t", "kg", "1.5"), ("12.340", "t", "t", "12.340"), ("-37.63", "bbl", "gal", "-0.895952380952381"),
    ("0", "lb", "t", "0"), ("120", "dozen", "pc", "10"),
  ]) func pricesAreConverted(value: String, from: String, to: String, expected: String) throws {
    let found = try #require(price(value, from, to))
    #expect(ExactDecimal(found) == ExactDecimal(expected), "\(found)")
  }

  @Test func quantitiesAreConverted() throws {
    let (kg, t) = (try #require(PhysicalUnit("kg")), try #require(PhysicalUnit("t")))
    #expect(kg.quantity(ExactDecimal(500), in: t) == ExactDecimal("0.5"))
    #expect(t.quantity(ExactDecimal(3), in: kg) == ExactDecimal(3_000))
  }

  @Test func otherDimensionsAndOverflowAreRefused() {
    #expect(price("1", "bbl", "t") == nil && price("1", "bu", "t") == nil && price("1", "pc", "kg") == nil)
    #expect(price("999999999999999999", "lb", "t") == nil)
  }

  @Test(arguments: [
    ("Metric Tons", "t"), ("tonnes", "t"), ("Pounds", "lb"), ("lb.", "lb"), ("troy ounce", "ozt"), ("T.oz", "ozt"),
    ("Barrels", "bbl"), ("million BTU", "mmbtu"), ("short ton", "short_ton"),
    ("gallon", "gal"), ("bu_wheat", "bu_wheat"),
    ("MWh", "mwh"), ("feet", "ft"), ("each", "pc"),
  ]) func wordsAreRead(text: String, symbol: String) {
    #expect(PhysicalUnit(text)?.symbol == symbol)
  }

  @Test(arguments: ["", "ton", "tons", "oz", "ounce", "index", "percent", "furlong", "index 2016=100", "hundredweight"])
  func unknownAndAmbiguousWordsAreRefused(text: String) {
    #expect(PhysicalUnit(text) == nil && PriceUnit(text) == nil)
  }

  @Test(arguments: [
    ("dollar per metric ton", "USD", 0, "t"), ("dollars per barrel", "USD", 0, "bbl"),
    ("cents per pound", "USD", 2, "lb"),
    ("dollars per million BTU", "USD", 0, "mmbtu"), ("USD/lb", "USD", 0, "lb"), ("EUR/MWh", "EUR", 0, "mwh"),
    ("GBp per therm", "GBP", 2, "therm"), ("U.S. Dollars per Troy Ounce", "USD", 0, "ozt"), ("¢/lb", "USD", 2, "lb"),
  ]) func currencyAndUnitAreRead(text: String, currency: String, shift: Int, symbol: String) throws {
    let unit = try #require(PriceUnit(text))
    #expect(unit.unit.symbol == symbol && unit.currency?.currency.code == currency && unit.currency?.shift == shift)
  }

  @Test(arguments: ["euros per ton", "zloty per barrel", "index per barrel", "dollar per", "per", "/", "USD/"])
  func otherTextIsRefused(text: String) {
    #expect(PriceUnit(text) == nil)
  }

  @Test func currenciesHaveTheExponentsOfISO4217() {
    let exponents = ["USD": 2, "EGP": 2, "ILS": 2, "JPY": 0, "KRW": 0, "JOD": 3, "KWD": 3, "BHD": 3, "CLF": 4, "XOF": 0]
    for (code, exponent) in exponents { #expect(Currency(code)?.exponent == exponent) }
    for code in ["", "usd", "XXX", "XAU", "BTC", "GBX", "USDT"] { #expect(Currency(code) == nil, "\(code)") }
    #expect(Currency.Written("GBp")?.shift == 2 && Currency.Written("GBP")?.shift == 0)
    #expect(Currency.Written("KWF")?.currency.code == "KWD" && Currency.Written("KWF")?.shift == 3)
    #expect(Currency.Written("gbp") == nil)
  }
}
