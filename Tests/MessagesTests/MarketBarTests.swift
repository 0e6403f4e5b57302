import Foundation
import Messages
import Testing
import Values

@Suite struct MarketBarTests {
  private func local(_ text: String) -> LocalDateTime {
    guard let time = LocalDateTime(text) else { preconditionFailure("not a local time: \(text)") }
    return time
  }

  private var candle: MarketBar {
    MarketBar(
      symbol: "COMI", exchange: "EGX", interval: "Daily", datetime: local("2025-01-20T00:00:00"),
      values: .candle(.init(
        open: decimal("45.50"), high: decimal("46.20"), low: decimal("45.10"), close: decimal("46.00"),
        volume: decimal("1250000"))),
      ingestedAt: local("2025-01-20T14:30:52.123456"))
  }

  private var value: MarketBar {
    MarketBar(
      symbol: "COMI", exchange: nil, interval: "5 Minute", datetime: local("2025-01-20T09:35:00"),
      values: .value(decimal("45.75"), field: "close"), ingestedAt: local("2025-01-20T14:30:52.123456"))
  }

  private let candleText = """
    {"symbol":"COMI","exchange":"EGX","interval":"Daily","datetime":"2025-01-20T00:00:00","open":45.50,"high":46.20,\
    "low":45.10,"close":46.00,"volume":1250000,"ingestion_timestamp":"2025-01-20T14:30:52.123456"}
    """
  private let valueText = """
    {"symbol":"COMI","interval":"5 Minute","datetime":"2025-01-20T09:35:00","value":45.75,"field":"close",\
    "ingestion_timestamp":"2025-01-20T14:30:52.123456"}
    """

  @Test func goldenBytesOfBothForms() {
    #expect(String(decoding: candle.encoded(), as: UTF8.self) == candleText)
    #expect(String(decoding: value.encoded(), as: UTF8.self) == valueText)
    #expect(candle.key == Array("COMI".utf8))
  }

  @Test func newFieldsComeLast() {
    var bar = candle
    bar.observedAt = time("2025-01-20T00:00:00+02:00")
    bar.flags = [.inconsistentRange, .refilled]
    bar.values = .candle(.init(
      open: decimal("1"), high: decimal("2"), low: decimal("1"), close: decimal("2"), volume: nil))
    #expect(String(decoding: bar.encoded(), as: UTF8.self) == """
      {"symbol":"COMI","exchange":"EGX","interval":"Daily","datetime":"2025-01-20T00:00:00","open":1,"high":2,\
      "low":1,"close":2,"volume":null,"ingestion_timestamp":"2025-01-20T14:30:52.123456",\
      "observed_at":"2025-01-20T00:00:00+02:00","flags":["inconsistent_range","refilled"]}
      """)
  }

  @Test func bothFormsAreReadBack() throws {
    #expect(try MarketBar(decoding: Array(candleText.utf8)) == candle)
    #expect(try MarketBar(decoding: Array(valueText.utf8)) == value)
    var bar = value
    bar.exchange = "EGX \"30\" \u{1f4c8}"
    bar.observedAt = time("2025-01-20T09:35:00.25+02:00")
    bar.flags = .refilled
    #expect(try MarketBar(decoding: bar.encoded()) == bar)
  }

  /// As `json.dumps` of the Python original writes it: blanks, floats, no fraction of a second, fields in any order.
  @Test func otherSpellingsAreRead() throws {
    let bar = try MarketBar(decoding: Array("""
      {"ingestion_timestamp": "2025-01-20T14:30:52", "close": 46.0, "high": 46.2, "low": 4.51e1, "open": 45.5,
       "volume": 1250000.0, "datetime": "2025-01-20 00:00:00", "interval": "Daily", "exchange": null,
       "symbol": "CO\\u004dI", "novelty": {"a": [1, 2]}, "flags": ["from_the_future"]}
      """.utf8))
    var expected = candle
    expected.exchange = nil
    expected.ingestedAt = local("2025-01-20T14:30:52")
    #expect(bar == expected)
  }

  @Test func aTimeWithAnOffsetIsKept() throws {
    func bar(_ times: String) throws -> MarketBar {
      try MarketBar(decoding: Array(#"{"symbol":"A","interval":"1 Minute","value":1,"field":"close",\#(times)}"#.utf8))
    }
    let zoned = try bar(#""datetime":"2025-07-20T10:00:00+03:00""#)
    #expect(zoned.datetime == local("2025-07-20T10:00:00"))
    #expect(zoned.observedAt == time("2025-07-20T07:00:00Z"))
    let observed = try bar(
      #""observed_at":"2025-07-20T10:00:00+03:00","ingestion_timestamp":"2025-07-20T10:00:01+03:00""#)
    #expect(observed.datetime == zoned.datetime)
    #expect(observed.ingestedAt == local("2025-07-20T07:00:01"))
    let both = try bar(#""datetime":"2025-07-20T10:00:00","observed_at":"2025-07-20T07:00:00Z""#)
    #expect(both.datetime == zoned.datetime)
    #expect(both.observedAt == zoned.observedAt)
  }

  @Test(arguments: [
    (#"{"interval":"Daily","datetime":"2025-01-20","value":1,"field":"close"}"#, "missing_field", "symbol"),
    (#"{"symbol":"","interval":"Daily","datetime":"2025-01-20","value":1,"field":"close"}"#, "missing_field", "symbol"),
    (#"{"symbol":null,"interval":"Daily","datetime":"2025-01-20","value":1,"field":"close"}"#, "wrong_type", nil),
    (#"{"symbol":"A","interval":"Daily","value":1,"field":"close"}"#, "missing_field", "datetime"),
    (#"{"symbol":"A","interval":"Daily","datetime":"2025-02-30","value":1,"field":"close"}"#, "bad_timestamp",
      "datetime"),
    (#"{"symbol":"A","interval":"Daily","datetime":"2025-01-20","value":1}"#, "missing_field", "field"),
    (#"{"symbol":"A","interval":"Daily","datetime":"2025-01-20","open":1,"high":1,"low":1}"#, "missing_field",
      "close"),
    (#"{"symbol":"A","interval":"Daily","datetime":"2025-01-20","open":NaN}"#, "malformed_json", nil),
    (#"{"symbol":"A","interval":"Daily","datetime":"2025-01-20","open":"dear"}"#, "bad_number", "open"),
    ("[]", "wrong_type", nil),
    ("", "malformed_json", nil),
  ] as [(String, String, String?)])
  func badBarsSayWhy(text: String, code: String, field: String?) {
    let failure = failure { () throws(DecodingFailure) in try MarketBar(decoding: Array(text.utf8)) }
    #expect(failure?.code == code)
    #expect(failure?.field == field)
  }

  @Test func partialBarsHaveAnAddress() throws {
    var decoder = MarketBarDecoder()
    let message = Array(#"{"symbol":"C\u004fMI","interval":null,"datetime":"2025-01-20","close":"dear"}"#.utf8)
    let address = try decoder.address(of: message.span.bytes)
    #expect(address.symbol == "COMI")
    #expect(address.datetime == local("2025-01-20T00:00:00"))
  }

  @Test func consistency() {
    func candle(_ open: String, _ high: String, _ low: String, _ close: String) -> Bool {
      MarketBar.Candle(
        open: decimal(open), high: decimal(high), low: decimal(low), close: decimal(close), volume: nil).isConsistent
    }
    #expect(candle("1", "1.0", "1.00", "1"))
    #expect(candle("1.5", "2", "1", "2"))
    #expect(!candle("2.01", "2", "1", "1.5"))
    #expect(!candle("1.5", "2", "1", "0.99"))
  }

  @Test(arguments: [
    "2025-01-20T09:35:00", "0000-01-01T00:00:00", "9999-12-31T23:59:59.999999", "1969-12-31T23:59:59.000001",
    "2024-02-29T12:00:00.500000",
  ])
  func localTimesRoundTrip(text: String) {
    #expect(LocalDateTime(text)?.description == text)
  }

  @Test(arguments: [
    "", "2025-01-20T", "2025-01-20T09", "2025-01-20T09:35:00Z", "2025-01-20T09:35:00+02:00", "2025-13-01",
    "2025-01-20T24:00:00", "2025-01-20T09:35:00.", "2025-01-20T09:35:00.1234567890", "2025/01/20", "20250120T093500",
    "2025-01-20T09:35:0x", "2025-01-20_09:35:00",
  ])
  func otherTextIsNoLocalTime(text: String) {
    #expect(LocalDateTime(text) == nil)
  }

  /// The bars of real files, through the message and back, digit by digit.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["SOUK_REAL_DATA"] != nil, "needs SOUK_REAL_DATA"))
  func realBarsRoundTrip() throws {
    let root = try #require(ProcessInfo.processInfo.environment["SOUK_REAL_DATA"]) + "/egx"
    var bars = 0
    for folder in ["1min", "daily"] {
      let names = try FileManager.default.contentsOfDirectory(atPath: "\(root)/\(folder)")
      for name in names where name.hasSuffix(".csv") {
        let text = try String(contentsOfFile: "\(root)/\(folder)/\(name)", encoding: .utf8)
        let lines = text.split(whereSeparator: \.isNewline)
        let header = lines[0].split(separator: ",").map(String.init)
        func column(_ name: String) -> Int? { header.firstIndex(of: name) }
        let timeColumn = try #require(column("datetime") ?? column("date") ?? column("timestamp"))
        for line in lines.dropFirst() {
          let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
          func number(_ name: String) throws -> ExactDecimal {
            let index = try #require(column(name))
            return try #require(ExactDecimal(cells[index]), "\(name) in \(line)")
          }
          let text = cells[timeColumn]
          let zoned = Timestamp(text)
          let local = zoned.map(LocalDateTime.init) ?? LocalDateTime(text)
          let bar = MarketBar(
            symbol: String(name.dropLast(4)), exchange: "EGX", interval: folder == "daily" ? "Daily" : "1 Minute",
            datetime: try #require(local, "\(text)"),
            values: .candle(.init(
              open: try number("open"), high: try number("high"), low: try number("low"), close: try number("close"),
              volume: try number("volume"))),
            observedAt: zoned)
          let encoded = bar.encoded()
          #expect(try MarketBar(decoding: encoded) == bar)
          for name in ["open", "high", "low", "close", "volume"] {
            let wanted = "\"\(name)\":\(cells[column(name)!])"
            #expect(String(decoding: encoded, as: UTF8.self).contains(wanted), "\(wanted)")
          }
          bars += 1
        }
      }
    }
    #expect(bars > 1000)
  }
}
