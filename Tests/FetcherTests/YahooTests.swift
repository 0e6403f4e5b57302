import Commodities
import Core
@testable import FetcherService
import Messages
import Testing
import Values

/// Charts as Yahoo Finance documents them by its answers, written by hand and read by hand.
@Suite struct YahooTests {
  private func quotes(_ body: String) throws -> [Quote] {
    let source = try Catalogues.source("  - {name: Y, kind: yahoo, url: \"https://h\", symbols: {Copper: HG=F}}\n")
    return try AnswerReader(source, limits: .init(maxBytes: 1 << 16, maxDepth: 16)).quotes(Array(body.utf8)) { _ in "" }
  }

  private func chart(_ meta: String, _ times: [Int64], _ closes: String) -> String {
    """
    {"chart":{"result":[{"meta":{\(meta)},"timestamp":[\(times.map { "\($0)" }.joined(separator: ","))],
    "indicators":{"quote":[{"close":[\(closes)]}]}}],"error":null}}
    """
  }

  private func at(_ seconds: Int64) -> Timestamp? { Timestamp(microseconds: seconds * 1_000_000) }

  @Test func aCloseHasTheTimeOfItsBarsEnd() throws {
    let found = try quotes(chart(
      "\"currency\":\"USD\",\"regularMarketTime\":1700003600,\"regularMarketPrice\":3.7215,\"dataGranularity\":\"1h\"",
      [1_699_990_000, 1_699_993_600, 1_699_997_200], "3.71000003814697266,null,3.72"))
    #expect(found.map(\.observedAt) == [1_699_993_600, 1_700_000_800, 1_700_003_600].map(at))
    // 18 digits are kept as written.
    #expect(found.map { "\($0.value)" } == ["3.71000003814697266", "3.72", "3.7215"])
    #expect(found.allSatisfy { $0.currency == "USD" && $0.unit == nil })
    #expect(found.map(\.isOfPeriod) == [true, true, false])
  }

  /// New York, 3 May 2024: the session ends at 20:00Z, in the middle of the last hour.
  @Test func aBarEndsWithItsSession() throws {
    let found = try quotes(chart(
      """
      "currency":"USD","regularMarketTime":1714766407,"regularMarketPrice":102,"dataGranularity":"1h",
      "tradingPeriods":[[{"start":1714743000,"end":1714766400}]]
      """,
      [1_714_761_000, 1_714_764_600, 1_714_766_400], "100,101,101.5"))
    // The last row is the closing price, named by the close itself.
    #expect(found.map(\.observedAt) == [1_714_764_600, 1_714_766_400, 1_714_766_400, 1_714_766_407].map(at))
  }

  @Test func theRowOfARunningBarHasTheTimeOfTheLastTrade() throws {
    let found = try quotes(chart(
      "\"currency\":\"USD\",\"regularMarketTime\":1700003000,\"dataGranularity\":\"1h\"",
      [1_699_999_200, 1_700_003_000], "1,2"))
    #expect(found.map(\.observedAt) == [1_700_002_800, 1_700_003_000].map(at))
  }

  /// Gold: the day of New York that begins at 05:00Z on 2 January 2020 ends one minute before 05:00Z on the 3rd.
  @Test func aDaysCloseHasTheTimeOfTheSessionsEnd() throws {
    let meta = """
      "currency":"USD","gmtoffset":-18000,"regularMarketTime":1740051311,"dataGranularity":"1d",
      "currentTradingPeriod":{"regular":{"start":1740027600,"end":1740113940}}
      """
    #expect(try quotes(chart(meta, [1_577_941_200], "1520")).map(\.observedAt) == [time("2020-01-03T04:59:00Z")])
    let months = meta.replacing("\"1d\"", with: "\"1mo\"")
    #expect(try quotes(chart(months, [1_577_854_800], "1520")).map(\.observedAt) == [time("2020-02-01T05:00:00Z")])
    // Without a granularity the shortest time between two bars is their length; one bar alone has none.
    let none = "\"currency\":\"USD\""
    #expect(try quotes(chart(none, [1_700_000_000, 1_700_000_060], "1,2")).last?.observedAt == at(1_700_000_120))
    #expect { try quotes(chart(none, [1_700_000_000], "1")) } throws: { ($0 as? FetchError)?.kind == .unreadable }
  }

  @Test(arguments: [
    ("GBp", "12.345", "GBP"), ("GBX", "12.345", "GBP"), ("ILA", "12.345", "ILS"), ("USX", "12.345", "USD"),
    ("ZAc", "12.345", "ZAR"), ("KWF", "1.2345", "KWD"), ("JPY", "1234.5", "JPY"),
  ]) func minorUnitsAreMovedByTheirExponent(written: String, value: String, currency: String) throws {
    let quote = try #require(try quotes(chart(
      "\"currency\":\"\(written)\",\"regularMarketTime\":1700000000,\"regularMarketPrice\":1234.5", [], "")).first)
    let material = try #require(Material(name: "Metal", category: .energy, isWorld: true))
    var said = quote
    said.unit = "t"
    let measured = try QuoteConverter(material, nil, .price).converted(said).quote
    #expect("\(measured.value)" == value && measured.currency == currency)
  }

  @Test func anIndexIsNoPrice() throws {
    let quote = try #require(try quotes(chart(
      """
      "currency":"USD","instrumentType":"INDEX","regularMarketTime":1700000000,"regularMarketPrice":560.2
      """, [], "")).first)
    let material = try #require(Material(name: "Metal", category: .energy, unit: "t", isWorld: true, currency: "USD"))
    #expect { try QuoteConverter(material, nil, .price).converted(quote) } throws: {
      ($0 as? FetchError)?.kind == .unitRefused
    }
  }

  @Test func anUnreadableRowLosesOnlyItself() throws {
    let meta = "\"currency\":\"USD\",\"dataGranularity\":\"1h\""
    let found = try quotes(chart(meta, [1_700_000_000, 1_700_003_600, 1_700_007_200], "1,\"soon\",3"))
    #expect(found.map { "\($0.value)" } == ["1", "3"])
    #expect { try quotes(chart(meta, [1_700_000_000], "\"soon\"")) } throws: {
      ($0 as? FetchError)?.kind == .unreadable
    }
  }

  /// A market that has been closed all day has no timestamps at all.
  @Test func aClosedMarketHasNoQuotes() throws {
    #expect(try quotes("""
      {"chart":{"result":[{"meta":{"currency":"USD"},"indicators":{"quote":[{}]}}],"error":null}}
      """).isEmpty)
  }

  @Test(arguments: [
    ("Not Found", "No data found, symbol may be delisted", FetchError.Kind.symbolUnknown),
    ("Unprocessable Entity", "1m data not available for startTime=1", .requestRefused),
    ("Bad Request", "Data doesn't exist for startDate = 1", .noValue), ("Unauthorized", "Invalid Crumb", .refused),
    ("Too Many Requests", "Slow", .rateLimited), ("Moon Phase", "waxing", .unrecognised),
  ]) func anErrorIsSortedByItsMeaning(code: String, words: String, kind: FetchError.Kind) {
    let body = "{\"chart\":{\"result\":null,\"error\":{\"code\":\"\(code)\",\"description\":\"\(words)\"}}}"
    #expect { try quotes(body) } throws: { error in
      guard let error = error as? FetchError else { return false }
      // The provider's own words are kept.
      return error.kind == kind && error.message.contains(words)
    }
  }
}
