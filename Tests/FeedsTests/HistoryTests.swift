import Core
import Feeds
import Foundation
import Messages
import Testing
import Values

/// Questions about the past, the pages of their answers, and what is said in place of them.
@Suite struct HistoryTests {
  private static let minute: Int64 = 60_000_000_000

  private func time(_ text: String) throws -> Int64 {
    let bytes = Array(text.utf8)
    let stamp = FeedStamp.nanoseconds(rfc3339: bytes.span.bytes)
    return try #require(stamp)
  }

  private func question(_ feed: Feed, _ symbols: [String], _ interval: BarInterval = .minute) -> FeedQuestion {
    FeedQuestion(feed: feed, channel: .bars, interval: interval, symbols: symbols, range: 0...Int64.max)
  }

  private func read(
    _ page: String, _ question: FeedQuestion, knownNs: Int64 = Frames.knownNs
  ) throws -> (seen: Seen, next: String?, bars: [FeedBar]) {
    var decoder = HistoryDecoder(question.feed)
    var seen = Seen()
    let next = try decoder.page(Array(page.utf8).span.bytes, of: question, knownNs: knownNs, to: &seen)
    return (seen, next, try seen.messages.map { try FeedBar(decoding: Array($0.utf8)) })
  }

  // MARK: - questions

  @Test func twoYearsOfMinutesAreMonths() throws {
    let range = try time("2024-01-15T05:00:00Z")..<time("2026-01-15T05:00:00Z")
    let questions = FeedQuestion.bars(.polygonStocks, .minute, of: ["AAPL"], in: range)
    #expect(questions.count == 25)
    #expect(questions.first?.range.lowerBound == range.lowerBound)
    #expect(questions.last?.range.upperBound == range.upperBound - 1)
    for (left, right) in zip(questions, questions.dropFirst()) {
      #expect(left.range.upperBound + 1 == right.range.lowerBound)
      #expect(left.range.upperBound - left.range.lowerBound <= 31 * 1_440 * Self.minute)
    }
    #expect(
      questions[0].path == "/v2/aggs/ticker/AAPL/range/1/minute/1705294800000/1706759999999"
        + "?adjusted=false&sort=asc&limit=50000")
    let days = FeedQuestion.bars(.polygonStocks, .day, of: ["AAPL"], in: range)
    #expect(try days.map(\.range.lowerBound) == [
      range.lowerBound, time("2025-01-01T04:00:00Z"), time("2026-01-01T04:00:00Z"),
    ])
    #expect(days[1].path.contains("/range/1/day/"))
  }

  @Test func aQuestionOfAlpacaIsAboutAHundredSymbols() throws {
    let symbols = (0..<250).map { "S\($0)" }
    let range = try time("2026-03-02T05:00:00Z")..<time("2026-03-20T04:00:00Z")
    let questions = FeedQuestion.bars(.alpacaStocks, .day, of: symbols, in: range)
    #expect(questions.map(\.symbols.count) == [100, 100, 50])
    #expect(questions[2].path.contains("&timeframe=1Day&adjustment=raw"))
    #expect(questions[0].path(of: "a b=").hasSuffix("&page_token=a%20b%3D"))
    #expect(questions[0].requests(ofBars: 10_001) == 2)
  }

  /// The month is that of New York, also for its last evening and its first minute, in winter and in summer.
  @Test(arguments: [
    ("2025-12-01T00:30:00Z", "2025-11"), ("2025-12-01T05:00:00Z", "2025-12"), ("2025-07-01T03:58:59Z", "2025-06"),
    ("2025-07-01T04:00:00Z", "2025-07"), ("2025-11-01T03:00:00Z", "2025-10"), ("2025-01-01T00:59:00Z", "2024-12"),
  ])
  func alphaVantageIsAskedForMonthsOfNewYork(_ start: String, _ month: String) throws {
    let start = try time(start)
    let questions = FeedQuestion.bars(.alphaVantage, .minute, of: ["BRK.B"], in: start..<start + Self.minute)
    #expect(questions.map(\.path) == [
      "/query?function=TIME_SERIES_INTRADAY&symbol=BRK-B&interval=1min&month=\(month)&adjusted=false"
        + "&extended_hours=true&outputsize=full&datatype=json"
    ])
    let account = FeedAccess(.alphaVantage, key: Secret("k&y"))
    #expect(account.url(of: "/query?x=1") == "https://www.alphavantage.co/query?x=1&apikey=k%26y")
  }

  // MARK: - pages

  @Test func alphaVantageIsReadTheEarliestFirst() throws {
    let page = """
      {"Meta Data":{"1. Information":"Intraday","2. Symbol":"IBM","6. Time Zone":"US/Eastern"},
      "Time Series (1min)":{
      "2025-11-03 19:59:00":{"1. open":"3.0","2. high":"3.5","3. low":"2.9","4. close":"3.2","5. volume":"30"},
      "2025-11-03 04:00:00":{"1. open":"2.0","2. high":"2.5","3. low":"1.9","4. close":"2.2","5. volume":"20"},
      "2025-10-31 16:00:00":{"1. open":"1.0100","2. high":"1.5","3. low":"0.9","4. close":"1.2","5. volume":"10"}}}
      """
    let read = try read(page, question(.alphaVantage, ["IBM"]))
    // Summer time ended on 2 November 2025.
    #expect(try read.bars.map(\.values.startNs) == [
      time("2025-10-31T20:00:00Z"), time("2025-11-03T09:00:00Z"), time("2025-11-04T00:59:00Z"),
    ])
    #expect(read.bars.map(\.values.volume) == [ExactDecimal(10), ExactDecimal(20), ExactDecimal(30)])
    #expect(try read.bars[0].values.open.hasSameDigits(as: #require(ExactDecimal("1.0100"))))
    #expect(read.bars.allSatisfy { $0.symbol == "IBM" && $0.feed == "alpha-vantage" && $0.interval == "1m" })
    #expect(read.next == nil)
  }

  @Test func aDayStartsAtMidnightAndRunsUntilTheNext() throws {
    let page = """
      {"Meta Data":{"5. Time Zone":"US/Eastern"},"Time Series (Daily)":{
      "2025-12-01":{"1. open":"2","2. high":"2","3. low":"2","4. close":"2","5. volume":"20"},
      "2025-07-01":{"1. open":"1","2. high":"1","3. low":"1","4. close":"1","5. volume":"10"}}}
      """
    let known = try time("2025-12-01T23:00:00Z")
    let bars = try read(page, question(.alphaVantage, ["IBM"], .day), knownNs: known).bars
    #expect(try bars.map(\.values.startNs) == [time("2025-07-01T04:00:00Z"), time("2025-12-01T05:00:00Z")])
    #expect(bars.map(\.values.isRunning) == [false, true])
    #expect(bars.map(\.interval) == ["1d", "1d"])
  }

  /// Rows outside the question's range belong to another one; a row that cannot be read is refused alone.
  @Test func rowsAreCheckedOneByOne() throws {
    let row = #"{"1. open":"1","2. high":"1","3. low":"1","4. close":"1","5. volume":"10"}"#
    let page = """
      {"Meta Data":{"6. Time Zone":"US/Eastern"},"Time Series (5min)":{"2025-07-02 10:05:00":\(row),
      "2025-07-02 10:0x:00":\(row),"2025-07-02 10:10:00":{"1. open":"1"},"2025-07-01 10:00:00":\(row)}}
      """
    let start = try time("2025-07-02T04:00:00Z")
    let asked = FeedQuestion(
      feed: .alphaVantage, channel: .bars, interval: .fiveMinutes, symbols: ["IBM"],
      range: start...start + 86_400_000_000_000)
    let read = try read(page, asked)
    #expect(try read.bars.map(\.values.startNs) == [time("2025-07-02T14:05:00Z")])
    #expect(read.seen.failures.map(\.kind) == [.badTimestamp, .missingField])
  }

  /// Everything comes with status 200: what lacks the series is a refusal, whatever its words.
  @Test(arguments: [
    (#"{"Note":"Thank you for using us! Our standard API call frequency is 5 calls per minute."}"#, "minuteQuota"),
    (#"{"Information":"We have detected your key as KEY1; our limit is 25 requests per day."}"#, "dayQuota"),
    (#"{"Information":"Please consider spreading out your requests more sparingly (1 request per second)."}"#,
     "minuteQuota"),
    (#"{"Information":"words that were never seen"}"#, "rateLimited"),
    ("{}", "rateLimited"),
    (#"{"Information":"Thank you! This is a premium endpoint."}"#, "plan"),
    (#"{"Error Message":"Invalid API call."}"#, "unknownSymbol"),
    (#"{"Error Message":"the parameter apikey is invalid or missing."}"#, "credentials"),
    (#"{"Meta Data":{"6. Time Zone":"UTC"},"Time Series (1min)":{}}"#, "unreadable"),
  ])
  func whatLacksTheSeriesIsARefusal(_ page: String, _ kind: String) throws {
    let refusal = #expect(throws: FeedRefusal.self) { try read(page, question(.alphaVantage, ["IBM"])) }
    #expect(refusal.map { "\($0.kind)" } == kind)
    #expect(refusal?.description.contains("KEY1") == false)
    let isQuota = ["minuteQuota", "dayQuota", "rateLimited"].contains(kind)
    #expect(refusal?.errorClass == (isQuota ? .transient : kind == "credentials" ? .configuration : .data))
    #expect((refusal?.retryAfter != nil) == isQuota)
  }

  @Test func dailyBarsOfTheOthers() throws {
    let polygon = #"{"results":[{"v":10,"vw":1.5,"o":1,"c":2,"h":3,"l":0.5,"t":1764565200000,"n":7}],"status":"OK"}"#
    let alpaca = #"{"bars":{"AAPL":[{"t":"2025-12-01T05:00:00Z","o":1,"h":3,"l":0.5,"c":2,"v":10,"n":7,"vw":1.5}]},"#
      + #""next_page_token":"x"}"#
    let known = try time("2025-12-02T05:00:00Z")
    let first = try read(polygon, question(.polygonStocks, ["AAPL"], .day), knownNs: known)
    let second = try read(alpaca, question(.alpacaStocks, ["AAPL"], .day), knownNs: known)
    for bars in [first.bars, second.bars] {
      #expect(bars.map(\.interval) == ["1d"])
      #expect(try bars.map(\.values.startNs) == [time("2025-12-01T05:00:00Z")])
      #expect(bars.map(\.values.isRunning) == [false], "the day is over")
    }
    #expect(first.next == nil && second.next == "x")
  }

  // MARK: - what is said in place of pages

  @Test(arguments: [
    (200, nil), (204, nil), (401, "credentials"), (402, "plan"), (403, "plan"), (404, "unknownSymbol"),
    (400, "refused"), (422, "refused"), (429, "rateLimited"), (408, nil), (425, nil), (500, nil), (503, nil),
  ] as [(Int, String?)])
  func statusesHaveAMeaning(_ status: Int, _ kind: String?) {
    let account = FeedAccess(.polygonStocks, key: Secret("SECRETKEY"))
    let body = Array(#"{"status":"ERROR","error":"no \u0007 SECRETKEY here","request_id":"1"}"#.utf8)
    let refusal = account.refusal(status: status, body: body, retryAfter: .seconds(7))
    #expect(refusal.map { "\($0.kind)" } == kind)
    #expect(refusal?.description.contains("SECRETKEY") != true)
    if let refusal { #expect(refusal.description.contains("no   *** here") && refusal.retryAfter == .seconds(7)) }
  }

  // MARK: - all pages

  /// A provider of pages, in memory.
  private final class Provider {
    var asked: [String] = []
    var answer: (String) throws -> String? = { _ in nil }
    func ask(_ path: String) -> [UInt8] {
      asked.append(path)
      return Array(path.utf8)
    }
    func read(_ page: [UInt8]) throws -> String? { try answer(String(decoding: page, as: UTF8.self)) }
  }

  @Test func pagesAreFollowedToTheEndAtTheOwnHost() async throws {
    let provider = Provider()
    let nexts = ["https://evil.example/v2/next?cursor=1", "https://api.polygon.io/v2/next?cursor=2"]
    provider.answer = { _ in provider.asked.count <= 2 ? nexts[provider.asked.count - 1] : nil }
    let asked = question(.polygonStocks, ["AAPL"])
    let result = try await FeedPages.read(asked) { provider.ask($0) } read: { page, _, _ in
      try provider.read(page)
    } waits: { _ in }
    #expect(result.pages == 3 && result.refused.isEmpty)
    #expect(provider.asked == [asked.path, "/v2/next?cursor=1", "/v2/next?cursor=2"])
    let account = FeedAccess(.polygonStocks, base: "http://127.0.0.1:1/", key: Secret("k"))
    #expect(account.url(of: provider.asked[1]) == "http://127.0.0.1:1/v2/next?cursor=1")
    #expect(account.headers.map(\.value) == ["Bearer k"])
  }

  @Test func pagesThatLeadBackEnd() async throws {
    let provider = Provider()
    provider.answer = { _ in "same" }
    let asked = question(.alpacaStocks, ["A", "B"])
    let result = try await FeedPages.read(asked) { provider.ask($0) } read: { page, _, _ in
      try provider.read(page)
    } waits: { _ in }
    #expect(provider.asked.count == 2)
    #expect(result.refused.keys.sorted() == ["A", "B"])
    #expect((result.refused["A"] as? FeedRefusal)?.kind == .cyclic)
  }

  /// One bad symbol costs a list a few more questions, and no other symbol its bars.
  @Test func aListWithABadSymbolIsAskedForInHalves() async throws {
    let provider = Provider()
    let symbols = (0..<100).map { "S\($0)" }
    var given: Set<String> = []
    let result = try await FeedPages.read(question(.alpacaStocks, symbols)) { provider.ask($0) } read: { _, part, _ in
      guard !part.symbols.contains("S42") else { throw FeedRefusal(.refused, "invalid symbol: S42") }
      given.formUnion(part.symbols)
      return nil
    } waits: { _ in }
    #expect(given == Set(symbols).subtracting(["S42"]))
    #expect(Array(result.refused.keys) == ["S42"])
    #expect(provider.asked.count <= 16)
  }

  @Test func outagesAndQuotasAreWaitedFor() async throws {
    let provider = Provider()
    var delays: [Duration] = []
    provider.answer = { _ in
      if provider.asked.count == 1 { throw FeedRefusal(.minuteQuota, "later", retryAfter: .seconds(60)) }
      return nil
    }
    let result = try await FeedPages.read(question(.alphaVantage, ["IBM"])) { provider.ask($0) } read: { page, _, _ in
      try provider.read(page)
    } waits: { delays.append($0.delay) }
    #expect(result.refused.isEmpty && provider.asked.count == 2)
    #expect(delays.count == 1 && delays[0] >= .seconds(60))
  }

  @Test func aWrongKeyEndsIt() async throws {
    await #expect(throws: FeedRefusal.self) {
      try await FeedPages.read(question(.alpacaStocks, ["A", "B"])) { _ in
        throw FeedRefusal(.credentials, "no")
      } read: { _, _, _ in nil } waits: { _ in }
    }
  }
}
