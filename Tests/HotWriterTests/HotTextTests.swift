import Catalogue
@testable import HotWriterService
import Kafka
import LocalServers
import Messages
import Pipeline
import Redis
import Testing
import TestSupport
import Values

/// Articles and what stories say of symbols, against a real Redis with time series.
@Suite(.timeLimit(.minutes(15))) struct HotTextTests {
  private let articles = HotFixture.partition(0, Topics.newsArticles)
  private let sentiment = HotFixture.partition(0, Topics.sentimentEvents)

  private static func at(_ ago: Int64) -> Timestamp { Timestamp(microseconds: (Feeding.now - ago) * 1_000)! }

  private func article(_ id: String, _ title: String, source: String = "newsapi", known: Int64 = 5_000) -> NewsArticle {
    NewsArticle(
      source: source, id: id, outlet: "Reuters", url: "https://reuters.example/\(id)", title: title,
      description: "It said so.", publishedAt: Self.at(60_000), knownAt: Self.at(known))
  }

  private func event(
    _ cluster: String, _ score: String, revision: Int64 = 1, symbol: String = "AAPL", ago: Int64 = 60_000,
    withdrawn: Bool = false
  ) -> [UInt8] {
    SentimentEvent(
      eventID: "\(cluster)-\(symbol)", symbol: symbol, cluster: cluster, revision: revision,
      score: ExactDecimal(score)!,
      confidence: ExactDecimal("0.85")!, source: "newsapi", outlet: "Reuters", title: withdrawn ? "" : "Apple rises",
      url: "", evidence: "Apple", rule: "name", sources: revision, publishedAt: Self.at(ago), knownAt: Self.at(ago),
      scorer: "finance-1", withdrawn: withdrawn
    ).encoded()
  }

  /// An event of options is kept with its highest revision, its line is the sum of what was bet, and a withdrawn one
  /// goes.
  @Test func anEventOfOptionsIsRevisedAndWithdrawn() async throws {
    let fixture = try await HotFixture()
    let partition = HotFixture.partition(0, Topics.optionsFlow)
    let ago = (Feeding.now - 60_000) * 1_000_000
    func event(
      _ id: String, _ premium: Double, revision: Int64 = 1, _ right: String = "C",
      status: OptionsFlow.Status = .reported
    ) -> [UInt8] {
      OptionsFlow(
        eventID: id, underlying: "AAPL", feed: "polygon-options", revision: revision, status: status, rule: .block,
        condition: "size>=500", numbers: SignalValues(names: ["size"], numbers: [600]),
        contracts: ["AAPL291221\(right)00200000"], side: .buy, confidence: 1, premium: premium, size: 600, prints: 1,
        exchanges: 1, price: 1, firstNs: ago, lastNs: ago, knownNs: ago, day: "2025-12-01"
      ).encoded()
    }
    try await write(fixture.sink(), [event("a", 100_000), event("b", 30_000, "P")], partition)
    #expect(try await fixture.ask("TS.GET", "ts:AAPL:flow").array?.last?.text == "70000")
    #expect(try await fixture.ask("ZSCORE", "flow:AAPL:times", "a").text == "\(ago / 1_000_000)")
    // A later revision, then an earlier one and a repeat.
    try await write(
      fixture.sink(), [event("a", 200_000, revision: 3, status: .confirmed), event("a", 1, revision: 2)], partition)
    let kept = try await fixture.hash("flow:AAPL")
    #expect(Set(kept.keys) == ["a", "b"] && kept["a"]?.contains(#""status":"confirmed""#) == true)
    #expect(try await fixture.ask("TS.GET", "ts:AAPL:flow").array?.last?.text == "170000")
    try await write(fixture.sink(), [event("a", 0, revision: 4, status: .withdrawn)], partition)
    #expect(Set(try await fixture.hash("flow:AAPL").keys) == ["b"])
    #expect(try await fixture.ask("TS.GET", "ts:AAPL:flow").array?.last?.text == "-30000")
  }

  private func write(_ sink: HotSink, _ values: [[UInt8]], _ partition: TopicPartition) async throws {
    for value in values { #expect(sink.append(value, 0, partition) == .keep) }
    let report = try await sink.flush(to: [partition: 1])
    #expect(report.durable == [partition: 1] && report.poison.isEmpty)
  }

  @Test func anArticleIsAHashAndAnEntryUntilItIsWithdrawn() async throws {
    let fixture = try await HotFixture()
    let first = article("a", "Apple rises"), second = article("b", "Tesla falls", source: "wire")
    try await write(fixture.sink(), [first.encoded(), second.encoded()], articles)
    let hash = try await fixture.hash("news:newsapi/a")
    #expect(hash["title"] == "Apple rises" && hash["outlet"] == "Reuters" && hash["description"] == "It said so.")
    #expect(hash["url"] == "https://reuters.example/a" && hash["author"] == nil)
    #expect(try await fixture.ask("XLEN", "stream:raw_news").integer == 2)
    // By source: 30 days of the one that is named, 7 of others.
    let lives = [
      try await fixture.ask("TTL", "news:newsapi/a").integer ?? 0,
      try await fixture.ask("TTL", "news:wire/b").integer ?? 0,
    ]
    #expect((29 * 86_400...30 * 86_400).contains(lives[0]) && (6 * 86_400...7 * 86_400).contains(lives[1]))
    // A repeat, and an older state.
    try await write(fixture.sink(), [first.encoded(), article("a", "Older", known: 9_000).encoded()], articles)
    #expect(try await fixture.hash("news:newsapi/a") == hash)
    #expect(try await fixture.ask("XLEN", "stream:raw_news").integer == 2)
    // A changed text replaces the entry.
    try await write(fixture.sink(), [article("a", "Apple soars", known: 4_000).encoded()], articles)
    #expect(try await fixture.hash("news:newsapi/a")["title"] == "Apple soars")
    #expect(try await fixture.ask("XLEN", "stream:raw_news").integer == 2)
    // Withdrawn, and everything once more.
    let withdrawal = first.withdrawal(knownAt: Self.at(1_000)).encoded()
    for _ in 0..<2 {
      try await write(
        fixture.sink(), [first.encoded(), article("a", "Apple soars", known: 4_000).encoded(), withdrawal], articles)
      #expect(try await fixture.ask("EXISTS", "news:newsapi/a").integer == 0)
      let entries = try await fixture.ask("XRANGE", "stream:raw_news", "-", "+").array ?? []
      #expect(entries.count == 1 && entries[0].array?[1].array?[1].text?.contains("Tesla falls") == true)
    }
    // The texts are in no key at all.
    let keys = try await fixture.ask("KEYS", "*newsapi/a*").array?.compactMap(\.text)
    #expect(keys == ["withdrawn:news:newsapi/a"])
    // Published again, later.
    try await write(fixture.sink(), [article("a", "Apple again", known: 10).encoded()], articles)
    #expect(try await fixture.hash("news:newsapi/a")["title"] == "Apple again")
    await fixture.server.stop()
  }

  @Test func aPostIsAHashAndAnEntryUntilItIsWithdrawn() async throws {
    let fixture = try await HotFixture()
    let posts = HotFixture.partition(0, Topics.socialPosts)
    func post(_ id: String, _ text: String, known: Int64 = 5_000) -> SocialPost {
      SocialPost(
        source: "reddit", id: id, author: "ann", community: "stocks", url: "https://reddit.com/\(id)", title: "Apple",
        text: text, likes: 3, publishedAt: Self.at(60_000), knownAt: Self.at(known))
    }
    try await write(fixture.sink(), [post("t3_a", "up").encoded(), post("t3_b", "down").encoded()], posts)
    let hash = try await fixture.hash("post:reddit/t3_a")
    #expect(hash["text"] == "up" && hash["community"] == "stocks" && hash["likes"] == "3" && hash["link"] == nil)
    #expect((6 * 86_400...7 * 86_400).contains(try await fixture.ask("TTL", "post:reddit/t3_a").integer ?? 0))
    #expect(try await fixture.ask("XLEN", "stream:raw_posts").integer == 2)
    #expect(try await fixture.ask("EXISTS", "stream:raw_news").integer == 0)
    let gone = SocialPost.withdrawal(
      of: "t3_a", source: "reddit", publishedAt: Self.at(60_000), knownAt: Self.at(1_000))
    // Withdrawn, with repeats of the post before and behind.
    try await write(fixture.sink(), [gone.encoded(), post("t3_a", "up").encoded()], posts)
    #expect(try await fixture.ask("KEYS", "*t3_a*").array?.compactMap(\.text) == ["withdrawn:post:reddit/t3_a"])
    let entries = try await fixture.ask("XRANGE", "stream:raw_posts", "-", "+").array ?? []
    #expect(entries.count == 1 && entries[0].array?[1].array?[1].text?.contains("down") == true)
    #expect(fixture.sink().code(post("a b", "x").encoded(), posts) == "bad_value")
    await fixture.server.stop()
  }

  @Test func aSymbolHasALineOfWhatItsStoriesSay() async throws {
    let fixture = try await HotFixture()
    let stamp = Feeding.now - 60_000, other = Feeding.now - 30_000
    try await write(
      fixture.sink(), [event("s1", "0.5"), event("s2", "-0.1"), event("s3", "0.9", ago: 30_000)], sentiment)
    // Two stories of one millisecond are one point.
    #expect(try await fixture.samples("ts:AAPL:sentiment") == [stamp: 0.2, other: 0.9])
    #expect(try await fixture.hash("sentiment:AAPL").keys.sorted() == ["s1", "s2", "s3"])
    let found = try await fixture.ask("TS.QUERYINDEX", "symbol=AAPL", "kind=sentiment").array?.compactMap(\.text)
    #expect(found == ["ts:AAPL:sentiment"])
    // A later revision, an earlier one that comes behind it, a repeat.
    try await write(
      fixture.sink(), [event("s1", "0.7", revision: 3), event("s1", "0.6", revision: 2), event("s2", "-0.1")],
      sentiment)
    #expect(try await fixture.samples("ts:AAPL:sentiment") == [stamp: 0.3, other: 0.9])
    // Its time moves with the text that stands.
    try await write(fixture.sink(), [event("s3", "0.9", revision: 2, ago: 20_000)], sentiment)
    #expect(try await fixture.samples("ts:AAPL:sentiment") == [stamp: 0.3, Feeding.now - 20_000: 0.9])
    // Withdrawn, and read again from the start.
    for _ in 0..<2 {
      try await write(
        fixture.sink(),
        [event("s3", "0.9", ago: 30_000), event("s3", "0", revision: 3, withdrawn: true),
         event("s1", "0", revision: 4, withdrawn: true)], sentiment)
      #expect(try await fixture.samples("ts:AAPL:sentiment") == [stamp: -0.1])
      #expect(try await fixture.hash("sentiment:AAPL").keys.sorted() == ["s2"])
    }
    await fixture.server.stop()
  }

  @Test func whatIsWrongIsRefused() async throws {
    let fixture = try await HotFixture()
    let sink = fixture.sink()
    #expect(sink.code(Array("{}".utf8), articles) == "missing_field")
    #expect(sink.code(Array("{no json".utf8), sentiment) == "malformed_json")
    #expect(sink.code(article("a b", "x").encoded(), articles) == "bad_value")
    #expect(sink.code(event("s", "0.1", ago: -3_600_000), sentiment) == "future_stamp")
    #expect(sink.load == SinkLoad())
    await fixture.server.stop()
  }
}
