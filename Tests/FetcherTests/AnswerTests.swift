import Commodities
import Core
@testable import FetcherService
import Messages
import Testing
import Values

/// Answers written by hand after the providers' documentation, read by hand too.
@Suite struct AnswerTests {
  private func quotes(
    _ source: String, _ body: String, _ slots: [TextTemplate.Slot: String] = [:], at now: String = "2026-01-01"
  ) throws -> [Quote] {
    try AnswerReader(try Catalogues.source(source), limits: .init(maxBytes: 1 << 16, maxDepth: 16))
      .quotes(Array(body.utf8), at: time(now + "T00:00:00Z")) { slots[$0] ?? "" }
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
      Quote(value: decimal("42"), observedAt: time("2025-07-20T09:00:00Z"), currency: "EGP", unit: ""),
      Quote(value: decimal("43"), observedAt: time("2025-01-20T11:00:00Z"), currency: "EGP", unit: ""),
      Quote(value: decimal("44"), observedAt: time("2025-01-20T11:00:00Z"), currency: "EGP", unit: ""),
    ])
  }

  @Test func aSingleValueNeedsNoRows() throws {
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

  /// Rows named by the opening of their hour hold at its end; one that cannot be read is lost alone.
  @Test func aSpanConvertsTheOpeningToTheClose() throws {
    let source = """
        - {name: J, kind: json, url: "https://h", unit: t, mapping: {rows: r, value: v, time: t, span: 1h}}
      """
    let found = try quotes(source, """
      {"r":[{"t":"2025-01-20T11:00:00Z","v":1},{"t":"2025-01-20T12:00:00Z","v":"much"},{"t":"soon","v":2},
      {"t":"2025-01-20T13:00:00Z","v":3}]}
      """)
    #expect(found.map { "\($0.observedAt) \($0.value)" } == ["2025-01-20T12:00:00Z 1", "2025-01-20T14:00:00Z 3"])
    #expect(found.allSatisfy { $0.isOfPeriod && $0.unit == "t" })
  }

  @Test(arguments: [
    ("{\"error\":\"Invalid API key\"}", FetchError.Kind.refused), ("{\"detail\":\"Not found.\"}", .symbolUnknown),
    ("{\"r\":[],\"message\":\"Too many requests\"}", .rateLimited), ("{\"error\":\"kaboom\"}", .unrecognised),
    ("<html>Edge: Too Many Requests</html>", .rateLimited), ("<html>Welcome</html>", .unreadable),
  ]) func wordsInPlaceOfRowsAreSorted(body: String, kind: FetchError.Kind) {
    let source = "  - {name: J, kind: json, url: \"https://h\", mapping: {rows: r, value: v, time: t}}\n"
    #expect { try quotes(source, body) } throws: { ($0 as? FetchError)?.kind == kind }
    let table = "  - {name: C, kind: csv, url: \"https://h\", mapping: {value: v, time: t}}\n"
    if kind != .unrecognised, !body.hasPrefix("{\"r\"") {
      #expect { try quotes(table, body) } throws: { ($0 as? FetchError)?.kind == kind }
    }
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

  @Test func anUnreadableLineLosesOnlyItself() throws {
    let body = "Date;Place;Close;CCY\nsoon;egypt;1;EGP\n2025-01-20;egypt;\"2;EGP\n2025-01-21;egypt;x;EGP\n"
      + "2025-01-22;egypt;\"4\";EGP\n"
    #expect(try quotes(csv, body, [.country: "egypt"]).map { "\($0.value)" } == ["4"])
  }

  @Test func invalidUTF8IsUnreadable() throws {
    let reader = try AnswerReader(try Catalogues.source(csv), limits: .init())
    #expect { try reader.quotes(Array("Date;Place;Close;CCY\n".utf8) + [0xff, 0xfe, 0x3b]) { _ in "" } } throws: {
      ($0 as? FetchError)?.kind == .unreadable
    }
  }

  @Test func digitsOfBinaryFractionsAreShortened() {
    #expect(ExactDecimal(approximating: "0.1000000000000000055511151231257827").map { "\($0)" } == "0.1")
    #expect(ExactDecimal(approximating: "1234567890123456789012") == nil)
    #expect(ExactDecimal(approximating: "-5.5e-1").map { "\($0)" } == "-0.55")
    for text in ["nan", "NaN", "inf", "-Infinity", "0x1p3", "", "1 2", "1e999"] {
      #expect(ExactDecimal(approximating: text) == nil, "\(text)")
    }
  }
}
