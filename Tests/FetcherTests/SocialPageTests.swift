import Core
@testable import FetcherService
@testable import HTTP
import LocalServers
import Messages
import Redis
import Testing
import TestSupport
import Values

/// What pages of Reddit and X say, and what is new in them.
@Suite struct SocialPageTests {
  private static let now = Timestamp(microseconds: 1_800_000_000_000_000)!

  private func response(_ body: String, _ status: Int, _ headers: HTTPHeaders = [:]) throws -> HTTPResponse {
    let head = HTTPResponseHead(status: status, headers: headers, url: try HTTPURL("https://site.example/x"))
    return HTTPResponse(head: head, body: Array(body.utf8))
  }

  private func reddit(_ body: String, status: Int = 200, headers: HTTPHeaders = [:]) throws -> RedditPage {
    try RedditPage(response(body, status, headers), source: "reddit", jobID: "j", knownAt: Self.now)
  }

  private func x(_ body: String, status: Int = 200, headers: HTTPHeaders = [:]) throws -> XPage {
    try XPage(response(body, status, headers), source: "x", jobID: "j", knownAt: Self.now)
  }

  @Test func aListingHasPostsRemovedOnesAndLostOnes() throws {
    let page = try reddit("""
      {"kind":"Listing","data":{"after":"t3_z","before":null,"dist":6,"children":[
       {"kind":"t3","data":{"name":"t3_a","title":"Apple & co","selftext":"Long\\ntext",
        "author":"ann","subreddit":"stocks","score":12,"num_comments":3,"created_utc":1799999000.0,
        "permalink":"/r/stocks/comments/a/apple/",
        "url":"https://www.reddit.com/r/stocks/comments/a/apple/","is_self":true,"removed_by_category":null}},
       {"kind":"t3","data":{"name":"t3_b","title":"Link","selftext":"","author":"bob","created_utc":1799998000.5,
        "permalink":"/r/stocks/comments/b/link/","url":"https://www.wire.example/b?utm_source=r","is_self":false}},
       {"kind":"t3","data":{"name":"t3_c","title":"Gone","selftext":"[removed]","author":"[deleted]",
        "created_utc":1799997000.0,"permalink":"/r/stocks/comments/c/x/","removed_by_category":"moderator"}},
       {"kind":"t3","data":{"name":"t3_d","title":"By the author","selftext":"text","author":"[deleted]",
        "created_utc":1799996000.0,"permalink":"/r/stocks/comments/d/x/"}},
       {"kind":"t3","data":{"name":"t3_e","title":"No time","permalink":"/r/x/"}},
       {"kind":"t1","data":{"name":"t1_f","body":"a comment"}}]}}
      """)
    #expect(page.after == "t3_z" && page.lost == 1 && page.posts.map(\.id) == ["t3_a", "t3_b", "t3_c", "t3_d"])
    #expect(page.posts.map(\.withdrawn) == [false, false, true, true])
    #expect(page.posts.filter(\.withdrawn).allSatisfy { $0.text.isEmpty && $0.title == nil && $0.author.isEmpty })
    let first = page.posts[0]
    #expect(first.url == "https://reddit.com/r/stocks/comments/a/apple" && first.link == nil && first.likes == 12)
    #expect(first.title == "Apple & co" && first.text == "Long\ntext" && first.community == "stocks")
    #expect(page.posts[1].link == "https://wire.example/b")
    #expect(page.posts[1].publishedAt.microseconds == 1_799_998_000_500_000)
  }

  @Test(arguments: [
    (429, #"{"message":"Too Many Requests","error":429}"#, FetchErrorKind.rateLimited),
    (200, #"{"message":"Too Many Requests","error":429}"#, .rateLimited), (429, "<html>", .rateLimited),
    (401, "", .tokenEnded), (200, #"{"message":"Unauthorized","error":401}"#, .tokenEnded),
    (403, #"{"reason":"private","message":"Forbidden","error":403}"#, .requestRefused),
    (200, "<html>", .unreadable), (200, #"{"kind":"t2","data":{}}"#, .unrecognised),
  ])
  func aMessageOfRedditHasItsMeaning(_ status: Int, _ body: String, _ kind: FetchErrorKind) {
    #expect { try reddit(body, status: status) } throws: { ($0 as? FetchError)?.kind == kind }
  }

  @Test func limitsSayHowLong() {
    #expect {
      try reddit("{}", status: 429, headers: ["x-ratelimit-reset": "37.5"])
    } throws: { ($0 as? FetchError)?.retryAfter == .seconds(37.5) }
    #expect {
      try x(#"{"title":"Too Many Requests"}"#, status: 429, headers: ["x-rate-limit-reset": "1800000060"])
    } throws: { ($0 as? FetchError)?.retryAfter == .seconds(60) }
    #expect { try reddit("<html>", status: 503) } throws: { ($0 as? HTTPError)?.kind == .status(503) }
    let none = RateHeaders.pause(["x-ratelimit-remaining": "0.0", "x-ratelimit-reset": "12"], now: Self.now)
    #expect(none == .seconds(12))
    #expect(RateHeaders.pause(["x-ratelimit-remaining": "3.0", "x-ratelimit-reset": "12"], now: Self.now) == nil)
    let other = RateHeaders.pause(["x-rate-limit-remaining": "0", "x-rate-limit-reset": "1800000012"], now: Self.now)
    #expect(other == .seconds(12) && RateHeaders.pause([:], now: Self.now) == nil)
  }

  @Test func aPageOfXHasPostsACursorAndWhatIsGone() throws {
    let page = try x("""
      {"data":[
        {"id":"1790000000000000001","text":"$AAPL &amp; co &lt;3 https://t.co/a","author_id":"77","lang":"en",
         "created_at":"2026-11-30T10:00:00.000Z","public_metrics":{"like_count":4,"reply_count":1},
         "entities":{"urls":[{"expanded_url":"https://x.com/a/status/1"},{"expanded_url":"https://wire.example/a"}]}},
        {"id":1790000000000000002,"text":"a number","created_at":"2026-11-30T10:00:00.000Z"},
        {"id":"3","text":"und","lang":"und","created_at":"2026-11-30T09:00:00.000Z"}],
       "meta":{"newest_id":"1","oldest_id":"2","result_count":3,"next_token":"abc"},
       "errors":[{"resource_id":"9","type":"https://api.twitter.com/2/problems/resource-not-found"},
        {"resource_id":"10","type":"https://api.twitter.com/2/problems/not-authorized-for-resource"},
        {"resource_id":"11","type":"https://api.twitter.com/2/problems/operational-disconnect"}]}
      """)
    #expect(page.next == "abc" && page.lost == 1 && page.gone == ["9", "10"])
    #expect(page.posts.map(\.id) == ["1790000000000000001", "3"])
    #expect(page.posts[0].text == "$AAPL & co <3 https://t.co/a" && page.posts[0].link == "https://wire.example/a")
    #expect(page.posts[0].url == "https://x.com/i/status/1790000000000000001" && page.posts[0].likes == 4)
    #expect(page.posts[0].language == "en" && page.posts[1].language == nil)
    // Without a result there is no data, and of deleted posts nothing but errors.
    #expect(try x(#"{"meta":{"result_count":0}}"#).posts.isEmpty)
    let gone = try x(#"{"errors":[{"resource_id":"9","type":"https://x/resource-not-found"}]}"#)
    #expect(gone.gone == ["9"])
  }

  @Test(arguments: [
    (429, #"{"title":"Too Many Requests","status":429}"#, FetchErrorKind.rateLimited),
    (200, #"{"title":"Too Many Requests","status":429}"#, .rateLimited),
    (200, #"{"errors":[{"title":"Too Many Requests"}]}"#, .rateLimited),
    (429, #"{"title":"UsageCapExceeded","type":"https://api.twitter.com/2/problems/usage-capped"}"#, .dayQuotaSpent),
    (400, #"{"errors":[{"parameters":{"since_id":["1"]},"message":"too old"}],"title":"Invalid"}"#, .cursorStale),
    (400, #"{"errors":[{"parameters":{"query":["("]},"message":"bad"}],"title":"Invalid"}"#, .requestRefused),
    (401, #"{"title":"Unauthorized","status":401}"#, .refused),
    (403, #"{"title":"Forbidden","status":403}"#, .refused),
    (200, #"{"errors":[{"title":"What is this"}]}"#, .unrecognised), (200, "{", .unreadable),
  ])
  func aMessageOfXHasItsMeaning(_ status: Int, _ body: String, _ kind: FetchErrorKind) {
    #expect { try x(body, status: status) } throws: { ($0 as? FetchError)?.kind == kind }
  }

  @Test func questionsFitAndIdsAreTimes() {
    #expect(XReader.questions(of: ["AAPL", "BRK.B"]) == ["($AAPL OR $BRK.B) -is:retweet"])
    let symbols = (0..<200).map { "AB\($0)" }
    let questions = XReader.questions(of: symbols)
    #expect(questions.count > 1 && questions.allSatisfy { $0.count <= 512 })
    #expect(symbols.allSatisfy { symbol in
      questions.contains { $0.contains("$\(symbol) ") || $0.contains("$\(symbol))") }
    })
    // A published example: post 1212092628029698048 is of 2019-12-31T19:26:16.000Z.
    let time = Timestamp(year: 2019, month: 12, day: 31, hour: 19, minute: 26, second: 16)!.microseconds
    #expect(XReader.id(at: time) <= 1_212_092_628_029_698_048)
    #expect(XReader.id(at: time + 1_000_000) > 1_212_092_628_029_698_048)
  }
}

@Suite struct SocialHistoryTests {
  private static func at(_ second: Int64) -> Timestamp { Timestamp(microseconds: second * 1_000_000)! }

  private func post(
    _ id: String, _ text: String = "text", at second: Int64 = 100, withdrawn: Bool = false
  ) -> SocialPost {
    SocialPost(
      source: "x", id: id, author: "a", url: "u", text: text, publishedAt: Self.at(second), knownAt: Self.at(500),
      withdrawn: withdrawn)
  }

  private func take(
    _ history: inout SocialHistory, _ posts: [SocialPost], standing: Set<String> = [], from: Int64 = 0,
    isWhole: Bool = true, now: Int64 = 500
  ) -> [String] {
    history.take(posts, standing: standing, from: from * 1_000_000, isWhole: isWhole, now: Self.at(now))
      .map { "\($0.id)\($0.withdrawn ? " withdrawn" : "")" }
  }

  @Test func newChangedAndWithdrawnPostsArePublishedOnce() {
    var history = SocialHistory()
    #expect(take(&history, [post("a"), post("b", at: 200)]) == ["a", "b"])
    #expect(take(&history, [post("a"), post("b", at: 200)]) == [])
    #expect(take(&history, [post("a", "edited")]) == ["a"])
    #expect(take(&history, [post("b", at: 200, withdrawn: true)]) == ["b withdrawn"])
    #expect(take(&history, [post("b", at: 200, withdrawn: true)]) == [])
    // One that is known as removed only, as after Redis was lost.
    #expect(take(&history, [post("c", withdrawn: true)]) == ["c withdrawn"])
    #expect(SocialHistory(history.text) == history && SocialHistory("1\na b") == nil)
    #expect(SocialHistory(SocialHistory().text) == SocialHistory())
  }

  @Test func theWatermarkMovesOnlyWhenAllWasRead() {
    var history = SocialHistory()
    _ = take(&history, [post("a", at: 100)], isWhole: false)
    #expect(history.newest == nil)
    _ = take(&history, [post("a", at: 100)])
    #expect(history.newest == 100_000_000)
    // A stamp ahead of the clock does not move it past now.
    _ = take(&history, [post("z", at: 9_000)], now: 600)
    #expect(history.newest == 600_000_000)
    _ = take(&history, [], from: 5_000)
    #expect(history.posts.keys.sorted() == ["z"])
  }

  @Test func whatIsMissingIsAskedForFirst() {
    var history = SocialHistory()
    _ = take(&history, [post("a", at: 100), post("b", at: 200), post("c", at: 300)], now: 400)
    func doubtful(_ seen: Set<String>, covered: Int64?, now: Int64, most: Int = 10) -> [String] {
      history.doubtful(
        seen, covered: covered.map { $0 * 1_000_000 }, age: .seconds(60), now: now * 1_000_000, most: most)
    }
    // b should have been in an answer that covers its time.
    #expect(doubtful(["c"], covered: 150, now: 410) == ["b"])
    #expect(doubtful(["c"], covered: 150, now: 500) == ["b", "a"])
    #expect(doubtful(["c"], covered: 150, now: 500, most: 1) == ["b"])
    #expect(doubtful([], covered: nil, now: 410) == [])
    _ = take(&history, [], standing: ["a"], now: 500)
    #expect(doubtful([], covered: nil, now: 510) == ["b", "c"])
  }
}

@Suite struct ReadAccountTests {
  @Test(arguments: [false, true]) func aMonthHasItsPosts(_ shared: Bool) async throws {
    var queue: RedisMultiplexer?
    if shared {
      let url = try RedisURL(try await TestServers.redis().url)
      queue = RedisMultiplexer(RedisClient(RedisConfiguration(url: url)))
    }
    let (first, second) = (ReadAccount(queue), ReadAccount(queue))
    let now = Timestamp(year: 2026, month: 12, day: 31, hour: 23)!
    let source = "x\(TestServers.uniqueName())"
    func take(_ account: ReadAccount, _ wanted: Int, at time: Timestamp? = nil) async throws -> Int {
      try await account.take(wanted, of: 250, source: source, now: time ?? now)
    }
    #expect(try await take(first, 100) == 100)
    // What a page did not have.
    #expect(try await take(first, -40) == -40)
    for granted in [100, 90, 0] { #expect(try await take(first, 100) == granted) }
    #expect(try await take(second, 100) == (shared ? 0 : 100))
    let next = Timestamp(microseconds: now.microseconds + 3_600_000_000)!
    #expect(ReadAccount.untilNextMonth(now) == .seconds(3_600))
    #expect(try await take(first, 100, at: next) == 100)
    #expect(try await first.take(500, of: nil, source: source, now: now) == 500)
  }
}
