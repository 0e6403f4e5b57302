@testable import FetcherService
import Markets
import Runtime
import Schemas
import Testing

/// Answers written by hand after the providers' documentation, read by hand too.
@Suite struct AnswerTests {
  private func quotes(
    _ source: String, _ body: String, _ slots: [TextTemplate.Slot: String] = [:]
  ) throws -> [Quote] {
    try AnswerReader(try Catalogues.source(source), limits: .init(maxBytes: 1 << 16, maxDepth: 16))
      .quotes(Array(body.utf8)) { slots[$0] ?? "" }
  }

  private let yahoo = """
      - {name: Y, kind: yahoo, url: "https://h", symbols: {Copper: HG=F}}
    """

  @Test func aYahooChartHasBarsWithGapsAndTheMarketsPrice() throws {
    let body = """
      {"chart":{"result":[{"meta":{"currency":"USD","symbol":"HG=F","regularMarketTime":1700003600,
      "regularMarketPrice":3.7215},"timestamp":[1699990000,1699993600,1699997200],
      "indicators":{"quote":[{"open":[1,2,3],"close":[3.71000003814697266,null,3.72]}]}}],"error":null}}
      """
    let found = try quotes(yahoo, body)
    #expect(found.map(\.observedAt) == [1_699_990_000, 1_699_997_200, 1_700_003_600].map {
      Timestamp(microseconds: $0 * 1_000_000)
    })
    // 18 digits are kept as written.
    #expect(found.map { "\($0.value)" } == ["3.71000003814697266", "3.72", "3.7215"])
    #expect(found.allSatisfy { $0.currency == "USD" && $0.unit == nil })
  }

  @Test func penceAreHundredthsOfPounds() throws {
    let body = """
      {"chart":{"result":[{"meta":{"currency":"GBp","regularMarketTime":1700000000,"regularMarketPrice":1234.5},
      "timestamp":[],"indicators":{"quote":[{"close":[]}]}}],"error":null}}
      """
    let quote = try #require(try quotes(yahoo, body).first)
    #expect("\(quote.value)" == "12.345" && quote.currency == "GBP")
  }

  @Test func yahooWithoutTradesOrWithoutTheSymbol() throws {
    // A market that has been closed all day has no timestamps at all.
    #expect(try quotes(yahoo, """
      {"chart":{"result":[{"meta":{"currency":"USD"},"indicators":{"quote":[{}]}}],"error":null}}
      """).isEmpty)
    let unknown = """
      {"chart":{"result":null,"error":{"code":"Not Found","description":"No data found"}}}
      """
    #expect(throws: FetchError(.symbolUnknown, "it says that it does not know the symbol")) {
      try quotes(yahoo, unknown)
    }
  }

  private let alpha = """
      - {name: A, kind: alphavantage, url: "https://h", token: env:PATH, symbol: "{material}"}
    """

  @Test func alphaVantageCommoditiesSayTheirUnit() throws {
    let body = """
      {"name":"Global Price of Copper","interval":"monthly","unit":"dollar per metric ton",
      "data":[{"date":"2024-05-01","value":"10139.3"},{"date":"2024-04-01","value":"."},
      {"date":"2024-03-01","value":"8675.58"}]}
      """
    let found = try quotes(alpha, body)
    #expect(found == [
      Quote(value: decimal("10139.3"), observedAt: time("2024-05-01T00:00:00Z"), currency: "USD", unit: "t"),
      Quote(value: decimal("8675.58"), observedAt: time("2024-03-01T00:00:00Z"), currency: "USD", unit: "t"),
    ])
    let cents = body.replacing("dollar per metric ton", with: "cents per pound")
    #expect(try quotes(alpha, cents).first == Quote(
      value: decimal("101.393"), observedAt: time("2024-05-01T00:00:00Z"), currency: "USD", unit: "lb"))
  }

  @Test func alphaVantageSeriesAndQuotes() throws {
    let series = """
      {"Meta Data":{"2. Symbol":"X"},"Time Series (Daily)":{
      "2024-05-10":{"1. open":"1","4. close":"122.84"},"2024-05-09":{"1. open":"1","4. close":"121.10"}}}
      """
    #expect(try quotes(alpha, series).map { "\($0.observedAt) \($0.value)" } == [
      "2024-05-09T00:00:00Z 121.10", "2024-05-10T00:00:00Z 122.84",
    ])
    let quote = """
      {"Global Quote":{"01. symbol":"X","05. price":"122.8400","07. latest trading day":"2024-05-10"}}
      """
    #expect(try quotes(alpha, quote).map { "\($0.observedAt) \($0.value)" } == ["2024-05-10T00:00:00Z 122.8400"])
  }

  @Test(arguments: [
    ("{\"Note\":\"Our standard API call frequency is 25 requests per day.\"}", FetchError.Kind.rateLimited),
    ("{\"Information\":\"Thank you for using ...\"}", .rateLimited),
    ("{\"Error Message\":\"Invalid API call.\"}", .symbolUnknown), ("{\"Global Quote\":{}}", .symbolUnknown),
    ("{}", .unreadable), ("[]", .unreadable), ("<html>", .unreadable), ("", .unreadable),
    ("{\"unit\":\"euros per ton\",\"data\":[{\"date\":\"2024-05-01\",\"value\":\"1\"}]}", .unreadable),
    ("{\"data\":[{\"date\":\"yesterday\",\"value\":\"1\"}]}", .unreadable),
    ("{\"data\":[{\"date\":\"2024-05-01\",\"value\":\"inf\"}]}", .unreadable),
  ]) func alphaVantageSaysWhatIsWrongWithStatus200(body: String, kind: FetchError.Kind) {
    #expect { try quotes(alpha, body) } throws: { ($0 as? FetchError)?.kind == kind }
  }

  private let json = """
      - name: J
        kind: json
        url: "https://h"
        mapping:
          rows: result["price list"]
          value: last.amount
          time: last.at
          currency: meta.currency
          unit: unit
          where: {place: "{country}", grade: A}
          zone: Africa/Cairo
    """

  @Test func jsonIsReadByPathsAndConditions() throws {
    let body = """
      {"meta":{"currency":"EGP"},"result":{"price list":[
        {"place":"egypt","grade":"A","unit":"kg","last":{"amount":"41.50","at":"2025-01-20 12:00"}},
        {"place":"egypt","grade":"B","last":{"amount":1,"at":"2025-01-20"}},
        {"place":"germany","grade":"A","last":{"amount":2,"at":"2025-01-20"}},
        {"place":"egypt","grade":"A","last":{"amount":42,"at":"2025-07-20T12:00:00"}},
        {"place":"egypt","grade":"A","last":{"amount":null,"at":"2025-01-20"}},
        {"place":"egypt","grade":"A","last":{"amount":43,"at":1737370800}},
        {"place":"egypt","grade":"A","last":{"amount":44,"at":1737370800000}}]}}
      """
    // Cairo: two hours before UTC in winter, three in summer.
    #expect(try quotes(json, body, [.country: "egypt"]) == [
      Quote(value: decimal("41.50"), observedAt: time("2025-01-20T10:00:00Z"), currency: "EGP", unit: "kg"),
      Quote(value: decimal("42"), observedAt: time("2025-07-20T09:00:00Z"), currency: "EGP"),
      Quote(value: decimal("43"), observedAt: time("2025-01-20T11:00:00Z"), currency: "EGP"),
      Quote(value: decimal("44"), observedAt: time("2025-01-20T11:00:00Z"), currency: "EGP"),
    ])
  }

  @Test func oneValueWithoutRows() throws {
    let source = """
        - name: J
          kind: json
          url: "https://h"
          currency: USD
          mapping: {value: "quotes[-1][1]", time: "quotes[-1][0]"}
      """
    let found = try quotes(source, "{\"quotes\":[[1737370000,1],[1737370800,71.25]]}")
    #expect(found == [Quote(value: decimal("71.25"), observedAt: time("2025-01-20T11:00:00Z"), currency: "USD")])
    #expect(try quotes(source, "{\"quotes\":[]}").isEmpty)
  }

  private static func row(_ last: String) -> String {
    "{\"result\":{\"price list\":[{\"place\":\"egypt\",\"grade\":\"A\",\"last\":{\(last)}}]}}"
  }

  @Test(arguments: [
    "{\"result\":{}}", "{\"result\":{\"price list\":{}}}", row("\"amount\":1e999,\"at\":\"2025-01-20\""),
    row("\"amount\":NaN,\"at\":\"2025-01-20\""), row("\"amount\":1"),
    row("\"amount\":\"1,5\",\"at\":\"2025-01-20\""),
    String(repeating: "[", count: 17) + String(repeating: "]", count: 17), String(repeating: "[", count: 60_000),
    "{\"a\":\"" + String(repeating: "x", count: 1 << 16) + "\"}",
  ]) func hostileJSONIsUnreadable(body: String) {
    #expect { try quotes(json, body, [.country: "egypt"]) } throws: { ($0 as? FetchError)?.kind == .unreadable }
  }

  private let csv = """
      - name: C
        kind: csv
        url: "https://h"
        unit: t
        mapping: {value: Close, time: Date, currency: CCY, where: {Place: "{country}"}, separator: ";"}
    """

  @Test func csvIsReadByColumns() throws {
    let body = "\u{feff}Date;PLACE;close;ccy\r\n2025-01-20;egypt;41.50;EGP\r\n\r\n"
      + "2025-01-21;\"egypt\";\" 42 \";EGP\n2025-01-22;germany;7;EUR\n2025-01-23;egypt;;EGP\n2025-01-24;egypt;n/a;EGP\n"
      + "2025-01-25;egypt;43"
    #expect(try quotes(csv, body, [.country: "egypt"]) == [
      Quote(value: decimal("41.50"), observedAt: time("2025-01-20T00:00:00Z"), currency: "EGP", unit: "t"),
      Quote(value: decimal("42"), observedAt: time("2025-01-21T00:00:00Z"), currency: "EGP", unit: "t"),
      Quote(value: decimal("43"), observedAt: time("2025-01-25T00:00:00Z"), unit: "t"),
    ])
  }

  @Test(arguments: [
    "", "\n\n", "Date;Place;Close\n2025-01-20;egypt;1\n", "Date;Place;Close;CCY\nsoon;egypt;1;EGP\n",
    "Date;Place;Close;CCY\n2025-01-20;egypt;1e400;EGP\n", "Date;Place;Close;CCY\n2025-01-20;egypt;inf;EGP\n",
    "Date;Place;Close;CCY\n2025-01-20;egypt;0x10;EGP\n", "Date;Place;Close;CCY\n2025-01-20;\"egypt;1;EGP\n",
    String(repeating: ";", count: 1_001) + "\n", "<html><body>We are improving our site.</body></html>",
  ]) func hostileCSVIsUnreadable(body: String) {
    #expect { try quotes(csv, body, [.country: "egypt"]) } throws: { ($0 as? FetchError)?.kind == .unreadable }
  }

  /// As investing.com exports them.
  @Test func exportsAreReadAsTheMappingSays() throws {
    let body = #""Date","Price","Vol.""# + "\n" + #""07/18/2024","28,653.85","247.02M""# + "\n"
      + #""07/17/2024","28,340.42","""# + "\n"
    func source(_ more: String) -> String {
      "  - {name: I, kind: csv, url: \"https://h\", unit: t, currency: USD, "
        + "mapping: {value: Price, time: Date\(more)}}\n"
    }
    #expect(try quotes(source(", dates: MM/DD/YYYY"), body, [:]).map { "\($0.value) \($0.observedAt)" } == [
      "28653.85 2024-07-18T00:00:00Z", "28340.42 2024-07-17T00:00:00Z",
    ])
    #expect { try quotes(source(""), body, [:]) } throws: { "\($0)".contains("'dates' in the mapping") }
  }

  @Test func aLineThatCannotBeReadCostsOnlyItself() throws {
    let body = "Date;Place;Close;CCY\nsoon;egypt;1;EGP\n2025-01-20;egypt;\"2;EGP\n2025-01-21;egypt;x;EGP\n"
      + "2025-01-22;egypt;\"4\";EGP\n"
    #expect(try quotes(csv, body, [.country: "egypt"]).map { "\($0.value)" } == ["4"])
  }

  @Test func bytesThatAreNoTextAreUnreadable() throws {
    let reader = try AnswerReader(try Catalogues.source(csv), limits: .init())
    #expect { try reader.quotes(Array("Date;Place;Close;CCY\n".utf8) + [0xff, 0xfe, 0x3b]) { _ in "" } } throws: {
      ($0 as? FetchError)?.kind == .unreadable
    }
  }

  @Test func aBinaryFractionsDigitsAreShortened() {
    #expect(QuoteText.decimal("0.1000000000000000055511151231257827").map { "\($0)" } == "0.1")
    #expect(QuoteText.decimal("1234567890123456789012") == nil)
    #expect(QuoteText.decimal("-5.5e-1").map { "\($0)" } == "-0.55")
    for text in ["nan", "NaN", "inf", "-Infinity", "0x1p3", "", "1 2", "1e999"] {
      #expect(QuoteText.decimal(text) == nil, "\(text)")
    }
  }
}
