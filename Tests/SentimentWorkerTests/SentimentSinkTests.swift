import Catalogue
import Core
import Kafka
import LocalServers
import Messages
import NewsSimulator
import Pipeline
import Redis
import Sentiment
@testable import SentimentWorkerService
import Testing
import TestSupport
import Values

/// Articles in, events out, on a real Redis.
@Suite(.timeLimit(.minutes(15))) struct SentimentSinkTests {
  private static let title = "Microsoft shares surge 7% after record quarter beats estimates"
  private static let text = "The company told investors in Dublin that demand for its cloud is strong."

  /// Forty outlets, three replicas at the same time, and one that is started later: one event with forty sources.
  @Test func aWireStoryInFortyOutletsIsOneEventWithFortySources() async throws {
    let fixture = try await SentimentFixture()
    let articles = (0..<40).map { News.article("a\($0)", Self.title, Self.text, outlet: "Outlet \($0)", ago: 900 - $0) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for replica in 0..<3 {
        group.addTask {
          let sink = fixture.sink()
          for index in stride(from: replica, to: 30, by: 3) { try await sink.write([articles[index]]) }
        }
      }
      try await group.waitForAll()
    }
    try await fixture.sink().write(Array(articles[30...]))
    let event = try #require(fixture.holding.first)
    #expect(fixture.holding.count == 1 && event.sources == 40 && event.symbol == "MSFT" && !event.withdrawn)
    #expect(event.outlet == "Outlet 0" && event.evidence == "Microsoft" && event.rule == "name")
    #expect(event.score > .zero && event.confidence == ExactDecimal(unchecked: 85, scale: 2))
    #expect(event.publishedAt == News.at(900) && event.scorer == "finance-2")
    // The number only rises, whichever writer it was.
    let byRevision = fixture.events.sorted { $0.revision < $1.revision }.map(\.sources)
    #expect(byRevision == byRevision.sorted())
  }

  /// What a crash repeats has the same revisions, by another replica too, and one outlet counts once.
  @Test func aRepeatChangesNothing() async throws {
    let fixture = try await SentimentFixture()
    let articles = [
      News.article("a", Self.title, Self.text), News.article("b", Self.title, Self.text, outlet: "CNBC", ago: 500),
      News.article("c", Self.title, nil, outlet: "reuters", ago: 400),
    ]
    try await fixture.sink().write(articles)
    let before = fixture.holding
    #expect(before.count == 1 && before[0].sources == 2 && before[0].revision == 3)
    try await fixture.sink().write(articles.reversed())
    #expect(fixture.holding == before && fixture.events.count == 2)
  }

  /// The stories are written and their events are not: the flush is repeated and produces them.
  @Test func eventsThatWereNotProducedComeWithTheRepeat() async throws {
    let fixture = try await SentimentFixture()
    let sink = fixture.sink()
    fixture.failNext(1)
    await #expect(throws: (any Error).self) { try await sink.write([News.article("a", Self.title)]) }
    #expect(fixture.events.isEmpty && sink.load.rows == 1)
    _ = try await sink.flush(to: [:])
    #expect(fixture.holding.map(\.revision) == [1] && sink.load.rows == 0)
  }

  @Test func aWithdrawalTakesTheOutletAndTheLastOneTheStory() async throws {
    let fixture = try await SentimentFixture()
    let first = News.article("a", Self.title, Self.text)
    let second = News.article("b", Self.title, Self.text, outlet: "CNBC", ago: 500)
    try await fixture.sink().write([first, second])
    try await fixture.sink().write([first.withdrawal(knownAt: News.at(20))])
    var event = try #require(fixture.holding.first)
    #expect(event.sources == 1 && event.outlet == "CNBC" && !event.withdrawn)
    try await fixture.sink().write([second.withdrawal(knownAt: News.at(10))])
    event = try #require(fixture.holding.first)
    #expect(fixture.holding.count == 1 && event.withdrawn && event.sources == 0)
    #expect(event.title.isEmpty && event.url.isEmpty && event.evidence.isEmpty)
    let revision = event.revision
    // All of it once more: the articles do not come back, and their texts are nowhere.
    try await fixture.sink().write([first, second, first.withdrawal(knownAt: News.at(20))])
    #expect(fixture.holding.map(\.revision) == [revision] && fixture.holding[0].withdrawn)
    let key = "\(fixture.settings.prefix)story:\(event.cluster)"
    let stored = try await fixture.client.send(.init("GET", key)).text ?? ""
    #expect(!stored.isEmpty && !stored.contains("Microsoft") && !stored.contains("example"))
    // Published again, later: it stands again.
    var again = first
    again.knownAt = News.at(5)
    try await fixture.sink().write([again])
    #expect(fixture.holding.map(\.sources) == [1] && !fixture.holding[0].withdrawn)
  }

  @Test func aChangedTextMovesItsEvents() async throws {
    let fixture = try await SentimentFixture()
    var article = News.article("a", "Microsoft and Nvidia shares surge on a deal")
    try await fixture.sink().write([article])
    #expect(fixture.holding.map(\.symbol) == ["MSFT", "NVDA"] && fixture.holding.allSatisfy { $0.score > .zero })
    article.title = "Microsoft shares plunge as a deal collapses"
    article.knownAt = News.at(20)
    try await fixture.sink().write([article])
    let events = fixture.holding
    #expect(events.map(\.symbol) == ["MSFT", "NVDA"])
    #expect(!events[0].withdrawn && events[0].score < .zero && events[1].withdrawn)
  }

  @Test func whatHasNoEventIsCountedAndWhatIsWrongIsRefused() async throws {
    let fixture = try await SentimentFixture()
    let sink = fixture.sink()
    func code(_ bytes: [UInt8]) -> String? {
      if case .reject(let rejection) = sink.append(bytes.span.bytes, of: SentimentFixture.partition) {
        rejection.code
      } else { nil }
    }
    #expect(code(Array("{no json".utf8)) == "malformed_json")
    #expect(code(News.article("", Self.title).encoded()) == "bad_value")
    #expect(code(News.article("f", Self.title, ago: -3_600).encoded()) == "published_in_future")
    #expect(code(News.article("l", Self.title, String(repeating: "x ", count: 40_000)).encoded()) == "text_too_long")
    try await sink.write([
      News.article("n", "An apple pie recipe"), News.article("d", "Die Aktie von Microsoft steigt nach den Zahlen"),
      News.article("gone", "").withdrawal(knownAt: News.now),
    ])
    #expect(fixture.events.isEmpty)
  }

  /// A corpus with a truth, in random order and random flushes over three replicas, with repeats: every story is one
  /// event with its outlets, and there is no other.
  @Test(arguments: 0..<3) func theCorpusComesOutAsItsTruth(_ seed: Int) async throws {
    let fixture = try await SentimentFixture()
    let corpus = NewsCorpus(seed: UInt64(seed) + 40, stories: 60)
    var random = TestRandom("corpus \(seed)")
    let sinks = (0..<3).map { _ in fixture.sink() }
    let all = News.articles(corpus)
    let withdrawals = all.filter(\.withdrawn)
    // A withdrawal follows its article, as in their partition.
    for articles in [all.filter { !$0.withdrawn }.shuffled(using: &random), withdrawals] {
      var rest = articles[...]
      while !rest.isEmpty {
        let part = Array(rest.prefix(Int.random(in: 1...20, using: &random)))
        rest = rest.dropFirst(part.count)
        let sink = sinks.randomElement(using: &random)!
        try await sink.write(part)
        if Bool.random(using: &random) { try await sinks.randomElement(using: &random)!.write(part) }
      }
    }
    try Truth.expect(fixture.holding, corpus)
  }
}

/// What the events of a corpus have to be.
enum Truth {
  static func expect(_ holding: [SentimentEvent], _ corpus: NewsCorpus) throws {
    let live = holding.filter { !$0.withdrawn }
    let standing = corpus.stories.filter { !$0.outlets.isEmpty }
    func line(_ symbol: String, _ sources: Int, _ sign: Int) -> String { "\(symbol) \(sources) \(sign)" }
    let found = live.map { line($0.symbol, Int($0.sources), $0.score.isZero ? 0 : $0.score.isNegative ? -1 : 1) }
    let expected = standing.map { line($0.symbol, $0.outlets.count, $0.sign) }
    #expect(found.sorted() == expected.sorted())
    // A story whose only article went is withdrawn, and nothing is left of its text.
    #expect(holding.filter(\.withdrawn).count >= corpus.stories.count { $0.outlets.isEmpty })
    #expect(holding.filter(\.withdrawn).allSatisfy { $0.title.isEmpty && $0.url.isEmpty })
  }
}
