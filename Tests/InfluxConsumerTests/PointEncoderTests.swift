import Core
import Testing
import Values

@testable import InfluxConsumerService

@Suite struct PointEncoderTests {
  private func line(_ record: String, _ mapping: PointMapping = .bars, zone: String = "Africa/Cairo") throws -> String {
    var encoder = try PointEncoder(mapping, zone: try ZoneTable(identifier: zone))
    var buffer = LineBuffer()
    let bytes = Array(record.utf8)
    try encoder.append(bytes.span.bytes, to: &buffer)
    return String(decoding: buffer.bytes, as: UTF8.self)
  }

  private let candle = """
    {"symbol":"COMI","exchange":"EGX","interval":"Daily","datetime":"2025-01-20T00:00:00","open":45.50,"high":46.20,\
    "low":45.10,"close":46.00,"volume":1250000,"ingestion_timestamp":"2025-01-20T14:30:52.123456"}
    """

  @Test func aCandleIsOnePoint() throws {
    // 2025-01-20T00:00 in Cairo, UTC+2 in winter, is 2025-01-19T22:00Z = 1737324000.
    #expect(try line(candle) == """
      stock_price,exchange=EGX,interval=Daily,symbol=COMI open=45.50,high=46.20,low=45.10,close=46.00,\
      volume=1250000 1737324000000000\n
      """)
  }

  @Test func aValueIsAFieldOfItsName() throws {
    let record = """
      {"symbol":"COMI","interval":"5 Minute","datetime":"2025-01-20T09:35:00","value":45.75,"field":"close",\
      "ingestion_timestamp":"2025-01-20T07:35:01.5"}
      """
    #expect(try line(record) == "stock_price,interval=5\\ Minute,symbol=COMI close=45.75 1737358500000000\n")
  }

  @Test func aWrittenInstantWins() throws {
    let record = candle.replacing("{\"symbol\"", with: "{\"observed_at\":\"2025-01-20T01:00:00+03:00\",\"symbol\"")
    #expect(try line(record).hasSuffix(" 1737324000000000\n"))
  }

  @Test(arguments: [
    // Egypt's summer time of 2025: from the last Friday of April to the last Thursday of October.
    ("2025-04-24T12:00:00", "2025-04-24T10:00:00Z"), ("2025-04-25T12:00:00", "2025-04-25T09:00:00Z"),
    ("2025-10-30T12:00:00", "2025-10-30T09:00:00Z"), ("2025-11-02T12:00:00", "2025-11-02T10:00:00Z"),
  ])
  func localTimesFollowTheRulesOfTheZone(local: String, instant: String) throws {
    let expected = try #require(Timestamp(instant)).microseconds
    let record = "{\"symbol\":\"A\",\"datetime\":\"\(local)\",\"close\":1}"
    #expect(try line(record) == "stock_price,symbol=A close=1 \(expected)\n")
  }

  @Test func textCannotEndItsPoint() throws {
    let mapping = PointMapping(
      measurement: "my prices,x", tags: [.init("s", key: "k=1")],
      fields: [.init("t", type: .string), .init("n", type: .integer), .init("b", type: .boolean)], times: ["at"])
    let record = #"{"s":"a b,c=d\\e\nf\u0000","t":"say \"x\"\\\ny","n":7.0,"b":true,"at":"1970-01-01T00:00:01Z"}"#
    #expect(try line(record, mapping) == """
      my\\ prices\\,x,k\\=1=a\\ b\\,c\\=d%5Ce%0Af%00 t="say \\"x\\"\\\\\ny",n=7i,b=true 1000000\n
      """)
  }

  @Test func absentValuesAreOmitted() throws {
    let record = #"{"symbol":"","datetime":"1970-01-01T02:00:00","close":1,"volume":null,"open":null,"x":[]}"#
    #expect(try line(record) == "stock_price close=1 0\n")
  }

  @Test(arguments: [
    ("{}", PointEncoder.Refusal.noFields),
    (#"{"symbol":"A","close":1}"#, .noTime),
    (#"{"symbol":"A","value":1,"datetime":"2025-01-01"}"#, .noFields),
    (#"{"symbol":"A","close":null,"datetime":"2025-01-01"}"#, .noFields),
  ])
  func recordsWithoutAPointAreRefused(record: String, refusal: PointEncoder.Refusal) throws {
    #expect(throws: refusal) { try line(record) }
  }

  @Test(arguments: ["", "[]", "{\"symbol\":\"A\"", #"{"close":1,"close":2}"#, #"{"datetime":"yesterday","close":1}"#])
  func invalidJSONIsRefused(record: String) throws {
    let error = #expect(throws: PointEncoder.Refusal.self) { try line(record) }
    guard case .undecodable = error else {
      Issue.record("\(record): \(String(describing: error))")
      return
    }
  }

  @Test func aRefusedRecordLeavesNoTrace() throws {
    var encoder = try PointEncoder(.bars, zone: try ZoneTable(identifier: "Africa/Cairo"))
    var buffer = LineBuffer()
    for text in [#"{"close":1,"datetime":"1970-01-01T02:00:00"}"#, #"{"close":1}"#, "x"] {
      let bytes = Array(text.utf8)
      try? encoder.append(bytes.span.bytes, to: &buffer)
    }
    #expect(String(decoding: buffer.bytes, as: UTF8.self) == "stock_price close=1 0\n")
  }

  /// A server gives a field the type of the first point it sees: text must never decide that for the others.
  @Test(arguments: [
    ("\"12.5\"", "12.5"), ("\"1e3\"", "1000"), ("1e3", "1000"), ("\"-0.50\"", "-0.50"), ("45.50", "45.50"),
    ("123456789012345678901234567890", "123456789012345678901234567890"), ("1E-7", "0.0000001"),
    ("\"123456789012345678901234567890\"", "1.2345678901234568e+29"), ("\"1\\u0032\"", "12"),
  ])
  func numericTextIsANumber(written: String, value: String) throws {
    let record = "{\"symbol\":\"A\",\"datetime\":\"1970-01-01T02:00:00\",\"close\":\(written)}"
    #expect(try line(record) == "stock_price,symbol=A close=\(value) 0\n")
    let named = record.replacing("\"close\":", with: "\"field\":\"close\",\"value\":")
    #expect(try line(named) == "stock_price,symbol=A close=\(value) 0\n")
  }

  @Test(arguments: [
    "\"NaN\"", "\"much\"", "\"\"", "\" 1\"", "\"1,5\"", "\"0x1\"", "\"inf\"", "1e999", "\"1e999\"", "true", "{}", "[1]",
  ])
  func textThatIsNotANumberIsRefused(written: String) {
    let record = "{\"symbol\":\"A\",\"datetime\":\"1970-01-01T02:00:00\",\"open\":1,\"close\":\(written)}"
    #expect(throws: PointEncoder.Refusal.badField("close", .float)) { try line(record) }
  }

  @Test func distinctNamesAreDistinctSeries() throws {
    let names = [
      #"COMI\\"#, "COMI/", "COMI", "COMI%5C", #"COMI\n"#, "COMI ", "COMI%", "5%", "%255C", "%25", #"\\,"#, ",",
    ]
    let series = try names.map { name in
      try line("{\"symbol\":\"\(name)\",\"datetime\":\"1970-01-01T02:00:00\",\"close\":1}")
    }
    #expect(Set(series).count == names.count, "\(series)")
    #expect(series[0] == "stock_price,symbol=COMI%5C close=1 0\n")
    #expect(series[1] == "stock_price,symbol=COMI/ close=1 0\n")
    #expect(series[7] == "stock_price,symbol=5% close=1 0\n", "a percent sign is left as it is")
  }

  @Test(arguments: [("n", "1.5"), ("n", "\"x\""), ("n", "true")])
  func aTypeIsKept(field: String, value: String) throws {
    let mapping = PointMapping(
      measurement: "m", tags: [], fields: [.init(field, type: .integer)], times: ["t"])
    #expect(throws: PointEncoder.Refusal.badField("n", .integer)) {
      try line("{\"\(field)\":\(value),\"t\":\"1970-01-01T00:00:00Z\"}", mapping)
    }
  }

  @Test func mappingsHaveAShortForm() throws {
    #expect(try PointMapping.Tag(parsing: "symbol=s") == .init("symbol", key: "s"))
    #expect(try PointMapping.Field(parsing: "volume=v:integer") == .init("volume", key: .fixed("v"), type: .integer))
    #expect(try PointMapping.Field(parsing: "value@field") == .init("value", key: .named(by: "field")))
    for text in ["", "=", "a=", "a:text", "@b", "a@"] {
      #expect(throws: Failure.self) { try PointMapping.Field(parsing: text) }
    }
    #expect(throws: Failure.self) { try PointMapping.Tag(parsing: "=x") }
  }
}
