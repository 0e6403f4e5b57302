import Catalogue
import Core
@testable import FetcherService
import Foundation
@testable import HTTP
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import NewsSimulator
import Testing
import TestSupport
import Values

/// What a page says, and what is new in it.
@Suite struct NewsPageTests {
  private static let now = Timestamp(microseconds: 1_800_000_000_000_000)!

  private func page(_ body: String, status: Int = 200, headers: HTTPHeaders = [:]) throws -> NewsPage {
    let url = try HTTPURL("https://news.example/v2/everything")
    let head = HTTPResponseHead(status: status, headers: headers, url: url)
    return try NewsPage(
      HTTPResponse(head: head, body: Array(body.utf8)), source: "newsapi", language: "en", jobID: "j",
      knownAt: Self.now)
  }

  @Test func rowsAreArticlesRemovalsAndLostOnes() throws {
    let page = try page("""
      {"status":"ok","totalResults":9,"articles":[
       {"source":{"id":null,"name":"Reuters"},"author":null,"title":"Apple rises","description":null,
        "url":"https://www.reuters.example/a/?utm_source=x","urlToImage":null,"publishedAt":"2026-11-30T10:00:00Z",
        "content":"Text [+2219 chars]"},
       {"source":{"name":"[Removed]"},"title":"[Removed]","description":"[Removed]","url":"https://removed.com",
        "publishedAt":"2026-11-30T09:00:00Z","content":"[Removed]"},
       {"source":null,"title":null,"url":"https://x.example","publishedAt":"2026-11-30T08:00:00Z"},
       {"source":{},"title":"No address","url":null,"publishedAt":"2026-11-30T08:00:00Z"},
       {"title":"No time","url":"https://x.example/1","publishedAt":null},
       {"title":"Later","url":"http://X.example/2","publishedAt":"2026-11-30T11:00:00+01:00","new":[1,{"a":2}]}]}
      """)
    #expect(page.total == 9 && page.rows == 6 && page.lost == 3 && page.removed.count == 1)
    #expect(page.articles.map(\.title) == ["Apple rises", "Later"])
    #expect(page.articles.map(\.url) == ["https://reuters.example/a", "https://x.example/2"])
    #expect(page.articles[0].id == SHA256.hash("https://reuters.example/a").hex.prefix(32))
    #expect(page.articles[0].outlet == "Reuters" && page.articles[0].description == nil)
    #expect(page.articles[0].publishedAt == page.articles[1].publishedAt && page.articles[0].knownAt == Self.now)
  }

  @Test(arguments: [
    (429, "rateLimited", FetchErrorKind.rateLimited), (200, "rateLimited", .rateLimited),
    (200, "apiKeyExhausted", .dayQuotaSpent), (401, "apiKeyInvalid", .refused), (200, "apiKeyMissing", .refused),
    (400, "parameterInvalid", .requestRefused), (200, "someNewCode", .unrecognised),
  ])
  func aMessageHasItsMeaningWhateverItsStatus(_ status: Int, _ code: String, _ kind: FetchErrorKind) {
    #expect {
      try page("{\"status\":\"error\",\"code\":\"\(code)\",\"message\":\"no\"}", status: status)
    } throws: { ($0 as? FetchError)?.kind == kind }
  }

  @Test func anOutageIsOneAndAPlanEnds() throws {
    #expect { try page("<html>", status: 502) } throws: { ($0 as? HTTPError)?.kind == .status(502) }
    #expect { try page("{\"status\":\"ok\",\"art") } throws: { ($0 as? FetchError)?.kind == .unreadable }
    #expect {
      try page("{\"status\":\"error\",\"code\":\"unexpectedError\"}", status: 500)
    } throws: { ($0 as? HTTPError)?.kind == .status(500) }
    #expect(try page("{\"status\":\"error\",\"code\":\"maximumResultsReached\"}", status: 426).isBeyondPlan)
    #expect(try page("{\"status\":\"error\",\"code\":\"parameterInvalid\"}", status: 426).isBeyondPlan)
  }
}

@Suite struct NewsHistoryTests {
  private static func at(_ second: Int64) -> Timestamp { Timestamp(microseconds: second * 1_000_000)! }

  private func article(_ id: String, _ title: String = "Title", at second: Int64 = 100) -> NewsArticle {
    NewsArticle(
      source: "newsapi", id: id, outlet: "Reuters", url: "https://x.example/\(id)", title: title,
      publishedAt: Self.at(second), knownAt: Self.at(500))
  }

  private func take(
    _ history: inout NewsHistory, _ found: [NewsArticle], removed: [Int64] = [], from: Int64 = 0, isWhole: Bool = true
  ) -> (names: [String], unknown: Int) {
    let changes = history.take(
      found, removed: removed.map(Self.at), from: Self.at(from), isWhole: isWhole, source: "newsapi",
      knownAt: Self.at(600))
    return (changes.articles.map { "\($0.id)\($0.withdrawn ? " withdrawn" : "")" }, changes.unknown)
  }

  @Test func newAndChangedArticlesArePublishedOnce() {
    var history = NewsHistory()
    #expect(take(&history, [article("a"), article("b"), article("a")]).names == ["a", "b"])
    #expect(take(&history, [article("a"), article("b")]).names == [])
    // One that appears late, and one whose title was changed.
    #expect(take(&history, [article("a", "Other"), article("late", at: 40)]).names == ["a", "late"])
    #expect(history.newest == 100_000_000)
    let again = NewsHistory(history.text)
    #expect(again == history && NewsHistory("no number") == nil && NewsHistory("1\na b") == nil)
  }

  @Test func aRemovedRowIsTheOnlyArticleOfItsTimeThatIsMissing() {
    var history = NewsHistory()
    _ = take(&history, [article("a", at: 50), article("b", at: 60), article("c", at: 60), article("d", at: 70)])
    // Two of one time are missing and one was removed: it is not known which.
    #expect(take(&history, [article("a", at: 50), article("d", at: 70)], removed: [60]) == ([], 1))
    // A page is missing: so may be what looks removed.
    #expect(take(&history, [article("a", at: 50)], removed: [70], isWhole: false) == ([], 1))
    let withdrawn = take(&history, [article("a", at: 50)], removed: [60, 60, 70])
    #expect(withdrawn == (["b withdrawn", "c withdrawn", "d withdrawn"], 0))
    // Once: what is removed stays in the answers.
    #expect(take(&history, [article("a", at: 50)], removed: [60, 60, 70]) == ([], 3))
  }

  @Test func whatIsOlderThanTheQuestionIsForgotten() {
    var history = NewsHistory()
    _ = take(&history, [article("a", at: 50), article("b", at: 90)])
    _ = take(&history, [article("b", at: 90)], from: 80)
    #expect(history.articles.keys.sorted() == ["b"])
  }
}

/// The executable against the simulator of NewsAPI.
@Suite(.timeLimit(.minutes(15))) struct NewsProcessTests {
  private func write(_ simulator: NewsSimulator, to folder: String) throws -> [String] {
    try Data("key".utf8).write(to: URL(filePath: folder + "/key"))
    try Data("""
      sources:
        - {name: newsapi, kind: newsapi, key: "file:\(folder)/key", url: "\(simulator.url)", rate: 1000/s}
      """.utf8).write(to: URL(filePath: folder + "/sources.yaml"))
    return ["--kind", "news", "--data-sources", folder + "/sources.yaml", "--allow-private-addresses"]
  }

  private static let symbols = NewsCorpus.companies.map(\.symbol)

  @Test func aTestPrintsWhatWouldBePublished() async throws {
    let corpus = NewsCorpus(seed: 3, stories: 60, late: 0, withdrawn: 0)
    try await NewsSimulator.serving(corpus) { simulator in
      try await withTemporaryDirectory { folder in
        let arguments = try write(simulator, to: folder)
        let outcome = try await ServiceProcess.run(
          "fetcher", arguments + ["--test", "--ticker", "MSFT"], environment: ["HTTP_PORT": "0"])
        #expect(outcome.status == .exited(0), "\(outcome.errorOutput)")
        let lines = outcome.output.split(separator: "\n").filter { $0.hasPrefix("news-articles {") }
        let expected = corpus.articles.filter { "\($0.title) \($0.description ?? "")".contains("Microsoft") }
        #expect(lines.count == expected.count && !expected.isEmpty)
        #expect(lines.allSatisfy { $0.contains("Microsoft") })
      }
    }
  }

  /// Limits with status 200 and 429, an outage, half an answer, a plan of one page: everything is published once; late
  /// articles come, and what was removed is withdrawn.
  @Test func everythingIsPublishedOnce() async throws {
    let corpus = NewsCorpus(seed: 5, stories: 150)
    let redis = try await TestServers.redis()
    try await NewsSimulator.serving(corpus, ticks: false) { simulator in
      try await withTemporaryDirectory { folder in
        let fleet = try Fleet(folder: folder, redis: nil, sources: "")
        let arguments = try write(simulator, to: folder) + [
          "--redis-url", redis.url, "--kafka-bootstrap-servers", fleet.broker.bootstrapServers, "--kafka-property",
          "session.timeout.ms=6000", "--retry-base", "50ms", "--retry-cap", "500ms", "--max-retry-after", "1s",
          "--breaker-open", "100ms", "--breaker-open-max", "500ms",
        ]
        for mode in [NewsSimulator.Mode.rateLimited, .error200, .outage, .cut, .upgrade] { simulator.misbehave(mode) }
        let fetcher = try await ServiceProcess.start("fetcher", arguments)
        try await send(fleet, "first")
        func articles() async throws -> [NewsArticle] {
          try await fleet.read([Topics.newsArticles]).map { try NewsArticle(decoding: $0.value) }
        }
        // Late articles and withdrawals come when the simulator's clock is set.
        let there = corpus.articles.filter { $0.appears == 0 && $0.story != nil }.count
        try await eventually("the first are there", interval: .milliseconds(200)) {
          try await articles().count >= there
        }
        simulator.setClock(3_600)
        try await send(fleet, "second")
        let withdrawn = corpus.articles.filter { $0.withdrawn != nil && $0.appears == 0 }.count
        try await eventually("the withdrawals are there", interval: .milliseconds(200)) {
          try await articles().filter(\.withdrawn).count >= withdrawn
        }
        try await send(fleet, "third")
        try await eventually("the third task is done") {
          await fetcher.metrics().sum("souk_records_skipped_total") ?? 0 >= 1
        }
        #expect(await fetcher.terminate() == .exited(0))
        let published = try await articles()
        let live = published.filter { !$0.withdrawn }
        #expect(Set(live.map(\.id)).count == live.count, "an article was published twice")
        let titles = Set(live.map { "\($0.outlet)/\($0.title)/\($0.publishedAt.microseconds)" })
        #expect(titles.count >= corpus.articles.filter { $0.story != nil && $0.withdrawn == nil }.count )
        let gone = published.filter(\.withdrawn)
        #expect(Set(gone.map(\.id)).isSubset(of: Set(live.map(\.id))) && gone.allSatisfy { $0.title.isEmpty })
        #expect(try await fleet.read([Topics.fetchTasks(of: .news).deadLetters]).isEmpty)
        #expect(simulator.requests["rateLimited"] == 2)
      }
    }
  }

  private func send(_ fleet: Fleet, _ job: String) async throws {
    let producer = try Producer(fleet.kafka().producerConfiguration(clientID: "test", logger: Logger(label: "news")))
    var batch = OutgoingBatch()
    let task = FetchTask(
      kind: .news, source: "newsapi", symbols: Self.symbols, lookback: 86_400, jobID: job, dueAt: Timestamp.now())
    batch.append(topic: Topics.fetchTasks(of: .news).name, key: task.key, value: task.encoded())
    try await producer.send(batch)
    await producer.close()
  }
}
