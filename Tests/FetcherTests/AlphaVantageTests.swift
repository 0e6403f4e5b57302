import Core
@testable import FetcherService
import Messages
import Testing

/// Answers after Alpha Vantage's documentation, written by hand and read by hand.
@Suite struct AlphaVantageTests {
  private func quotes(_ body: String, at now: String = "2026-01-01T00:00:00Z") throws -> [Quote] {
    let source = try Catalogues.source(
      "  - {name: A, kind: alphavantage, url: \"https://h\", token: env:PATH, symbol: \"{material}\"}\n")
    return try AnswerReader(source, limits: .init(maxBytes: 1 << 16, maxDepth: 16))
      .quotes(Array(body.utf8), at: time(now)) { _ in "" }
  }

  private func commodity(_ interval: String, _ date: String) -> String {
    """
    {"name":"Something","interval":"\(interval)","unit":"dollar per metric ton",
    "data":[{"date":"\(date)","value":"10139.3"},{"date":"2024-01-01","value":"."}]}
    """
  }

  /// An average of a month is known when the month is over.
  @Test(arguments: [
    ("monthly", "2024-05-01", "2024-06-01"), ("monthly", "2024-12-01", "2025-01-01"),
    ("quarterly", "2024-10-01", "2025-01-01"), ("annual", "2024-01-01", "2025-01-01"),
    ("daily", "2024-02-28", "2024-02-29"), ("weekly", "2024-05-31", "2024-06-01"),
  ]) func aCommoditysValueIsOfTheEndOfItsPeriod(interval: String, date: String, end: String) throws {
    #expect(try quotes(commodity(interval, date)) == [
      Quote(
        value: decimal("10139.3"), observedAt: time(end + "T00:00:00Z"), unit: "dollar per metric ton",
        isOfPeriod: true),
    ])
  }

  /// US/Eastern is five hours behind UTC in winter and four in summer; a time is the opening of its bar.
  @Test(arguments: [
    ("2024-01-10 15:55:00", "2024-01-10T21:00:00Z"), ("2024-07-10 15:55:00", "2024-07-10T20:00:00Z"),
  ]) func intradayTimesAreOfTheAnswersZone(text: String, instant: String) throws {
    let body = """
      {"Meta Data":{"4. Interval":"5min","6. Time Zone":"US/Eastern"},"Time Series (5min)":{
      "\(text)":{"1. open":"1","4. close":"122.84"}}}
      """
    #expect(try quotes(body).map { "\($0.observedAt) \($0.value)" } == ["\(instant) 122.84"])
    let utc = body.replacing("US/Eastern", with: "UTC")
    let same = text.replacing(" ", with: "T").replacing("15:55", with: "16:00") + "Z"
    #expect(try quotes(utc).map(\.observedAt) == [time(same)])
    #expect { try quotes(body.replacing("US/Eastern", with: "Middle/Earth")) } throws: {
      ($0 as? FetchError)?.kind == .unreadable
    }
  }

  @Test func aDaysCloseHasTheClosingTime() throws {
    let series = """
      {"Meta Data":{"2. Symbol":"X","5. Time Zone":"US/Eastern"},"Time Series (Daily)":{
      "2024-05-10":{"1. open":"1","4. close":"122.84"},"2024-05-09":{"1. open":"1","4. close":"121.10"}}}
      """
    #expect(try quotes(series).map { "\($0.observedAt) \($0.value)" } == [
      "2024-05-09T20:00:00Z 121.10", "2024-05-10T20:00:00Z 122.84",
    ])
  }

  @Test func aQuoteHasTheCurrentTimeUntilItsDayEnds() throws {
    let quote = """
      {"Global Quote":{"01. symbol":"X","05. price":"122.8400","07. latest trading day":"2024-05-10"}}
      """
    #expect(try quotes(quote).map { "\($0.observedAt) \($0.value)" } == ["2024-05-10T20:00:00Z 122.8400"])
    #expect(try quotes(quote, at: "2024-05-10T15:00:00Z").map(\.observedAt) == [time("2024-05-10T15:00:00Z")])
  }

  @Test(arguments: [
    ("{\"Note\":\"The standard call frequency is 5 calls per minute and 500 calls per day.\"}",
     FetchError.Kind.minuteQuotaSpent),
    ("{\"Information\":\"We have detected your API key as X and our rate limit is 25 requests per day.\"}",
     .dayQuotaSpent),
    ("{\"Information\":\"Please consider spreading out your requests more sparingly (1 request per second).\"}",
     .minuteQuotaSpent),
    ("{\"Information\":\"This is a premium endpoint. You may subscribe to any of the premium plans.\"}", .notEntitled),
    ("{\"Information\":\"The **demo** API key is for demo purposes only. Please claim your free API key.\"}", .refused),
    ("{\"Error Message\":\"the parameter apikey is invalid or missing. Please claim your free API key.\"}", .refused),
    ("{\"Information\":\"Invalid inputs. Please refer to the API documentation and try again.\"}", .symbolUnknown),
    ("{\"Error Message\":\"Invalid API call. Please retry or visit the documentation for X.\"}", .symbolUnknown),
    ("{\"Information\":\"The moon is full.\"}", .unrecognised), ("{\"Global Quote\":{}}", .symbolUnknown),
    ("{\"message\":\"This is a premium endpoint.\",\"data\":[{\"date\":\"2099-99-99\",\"value\":\"1\"}]}",
     .notEntitled),
    ("{}", .unreadable), ("[]", .unreadable), ("<html>", .unreadable), ("", .unreadable),
    ("{\"data\":[{\"date\":\"yesterday\",\"value\":\"1\"}]}", .unreadable),
    ("{\"data\":[{\"date\":\"2024-05-01\",\"value\":\"inf\"}]}", .unreadable),
  ]) func whatIsSaidWithStatus200IsSortedByItsMeaning(body: String, kind: FetchError.Kind) {
    #expect { try quotes(body) } throws: { ($0 as? FetchError)?.kind == kind }
  }
}

/// Messages of providers without a kind of their own.
@Suite struct ProviderMessageTests {
  @Test(arguments: [
    ("{\"code\":401,\"message\":\"**apikey** parameter is incorrect or not specified\",\"status\":\"error\"}",
     ProviderMessage.Meaning.credentials),
    ("{\"success\":false,\"error\":{\"code\":101,\"type\":\"invalid_access_key\"}}", .credentials),
    ("{\"error\":\"Invalid API key\"}", .credentials), ("{\"detail\":\"Invalid token.\"}", .credentials),
    ("{\"error_code\":400,\"error_message\":\"The value for variable api_key is not registered.\"}", .credentials),
    ("{\"code\":429,\"message\":\"You have run out of API credits for the current minute.\"}",
     .quota(.minuteQuotaSpent)),
    ("{\"error\":\"API limit reached. Please try again later.\"}", .quota(.rateLimited)),
    ("{\"errors\":[{\"message\":\"Too Many Requests\"}]}", .quota(.rateLimited)),
    ("Exceeded the daily hits limit", .quota(.dayQuotaSpent)), ("No data", .noData),
    ("{\"status\":\"NOT_AUTHORIZED\",\"message\":\"You are not entitled to this data.\"}", .entitlement),
    ("{\"error\":\"You don't have access to this resource.\"}", .entitlement),
    ("{\"detail\":\"Not found.\"}", .unknownSymbol), ("Unknown symbol", .unknownSymbol),
    ("{\"error\":{\"message\":\"the flux is out of phase\"}}", .unrecognised),
  ]) func meanings(body: String, meaning: ProviderMessage.Meaning) {
    #expect(ProviderMessage(body: Array(body.utf8))?.meaning == meaning)
  }

  @Test func onAnHTMLPageOnlyAQuotaCounts() {
    let page = { (text: String) in Array("<html><body>\(text)</body></html>".utf8) }
    #expect(ProviderMessage(body: page("Edge: Too Many Requests"))?.meaning == .quota(.rateLimited))
    #expect(ProviderMessage(body: page("Your token is not valid; not found")) == nil)
  }

  @Test func excerptsAreCutToOneLine() {
    let words = ProviderMessage.excerpt("a\r\n\u{1b}[31mb" + String(repeating: "x", count: 900))
    #expect(words.unicodeScalars.count == 204 && words.hasPrefix("a [31mbx"))
    #expect(words.unicodeScalars.allSatisfy { $0.value >= 0x20 })
  }
}
