import Catalogue
import Core
@testable import HotWriterService
@testable import Kafka
import LocalServers
import Messages
import Pipeline
import Redis
import Sentiment
import SentimentWorkerService
import Synchronization
import Testing
import TestSupport
import Values

/// Articles and posts through sentiment-worker and hot-writer into one Redis, and their withdrawals after them: nothing
/// of their texts is left in any key.
@Suite(.timeLimit(.minutes(15))) struct WithdrawalChainTests {
  private static let marker = "zqmarker"
  private static func at(_ ago: Int64) -> Timestamp { Timestamp(microseconds: (Feeding.now - ago) * 1_000)! }

  private let articles = ["Reuters", "CNBC"].map { outlet in
    NewsArticle(
      source: "newsapi", id: outlet, outlet: outlet, url: "https://\(marker).example/\(outlet)",
      title: "Microsoft shares surge 7% after record quarter \(marker)", description: "It beats estimates, \(marker).",
      publishedAt: at(90_000), knownAt: at(80_000))
  }
  private let posts = ["t3_a", "t3_b"].map { id in
    SocialPost(
      source: "reddit", id: id, author: "\(marker)_\(id)", url: "https://reddit.com/\(marker)/\(id)",
      title: id == "t3_a" ? "Microsoft shares surge 7% after record quarter \(marker)" : "$TSLA will crash \(marker)",
      text: "", publishedAt: at(70_000), knownAt: at(60_000))
  }

  @Test func aWithdrawalDisappearsEverywhere() async throws {
    let fixture = try await HotFixture()
    let events = Mutex<[[UInt8]]>([])
    let store = StoryStore(
      RedisClient(fixture.client.configuration), StoryStore.Settings(), fence: TestServers.uniqueName())
    let worker = SentimentSink(
      ArticleReader(SentimentScorer(.finance), .large), store, StoryBook.Settings(),
      identity: ServiceIdentity(name: "sentiment-worker")
    ) { batch in
      let values = batch.items.map { Array(batch.bytes[$0.value.start..<$0.value.start + $0.value.count]) }
      events.withLock { $0 += values }
    }
    let hot = fixture.sink()
    /// The records of one topic through both services, and the events that they make.
    func pass(_ values: [[UInt8]], _ topic: Topic) async throws {
      let partition = HotFixture.partition(0, topic)
      for value in values {
        #expect(hot.append(value, 0, partition) == .keep)
        #expect(worker.append(value.span.bytes, of: partition) == .keep)
      }
      _ = try await worker.flush(to: [partition: 1])
      let made = events.withLock { events in
        defer { events = [] }
        return events
      }
      let sentiment = HotFixture.partition(0, Topics.sentimentEvents)
      for value in made { #expect(hot.append(value, 0, sentiment) == .keep) }
      _ = try await hot.flush(to: [partition: 1, sentiment: 1])
    }
    try await pass(articles.map { $0.encoded() }, Topics.newsArticles)
    try await pass(posts.map { $0.encoded() }, Topics.socialPosts)
    let before = try await keys(with: Self.marker, fixture)
    #expect(before.contains("news:newsapi/Reuters") && before.contains("post:reddit/t3_b"))
    #expect(before.contains("stream:raw_news") && before.contains("sentiment:MSFT"))
    #expect(try await sources(fixture, "MSFT") == [3])
    // One outlet fewer, then one after the other.
    try await pass([articles[0].withdrawal(knownAt: Self.at(50_000)).encoded()], Topics.newsArticles)
    #expect(try await sources(fixture, "MSFT") == [2])
    try await pass([articles[1].withdrawal(knownAt: Self.at(40_000)).encoded()], Topics.newsArticles)
    #expect(try await sources(fixture, "MSFT") == [1])
    let gone = posts.map {
      SocialPost.withdrawal(of: $0.id, source: $0.source, publishedAt: $0.publishedAt, knownAt: Self.at(30_000))
    }
    try await pass(gone.map { $0.encoded() }, Topics.socialPosts)
    // With a repeat of all of it behind, as after a crash.
    try await pass(articles.map { $0.encoded() }, Topics.newsArticles)
    try await pass(posts.map { $0.encoded() }, Topics.socialPosts)
    #expect(try await keys(with: Self.marker, fixture) == [])
    for symbol in ["MSFT", "TSLA"] { #expect(try await sources(fixture, symbol) == []) }
    #expect(try await fixture.samples("ts:MSFT:sentiment").isEmpty)
    await fixture.server.stop()
  }

  private func sources(_ fixture: HotFixture, _ symbol: String) async throws -> [Int64] {
    let records = try await fixture.ask("HVALS", "sentiment:\(symbol)").array ?? []
    return try records.compactMap(\.bytes).map { try SentimentEvent(decoding: $0).sources }
  }

  /// All keys whose contents have a word, whatever their type.
  private func keys(with word: String, _ fixture: HotFixture) async throws -> Set<String> {
    var found: Set<String> = []
    for key in (try await fixture.ask("KEYS", "*").array ?? []).compactMap(\.text) {
      let command: [String]
      switch try await fixture.ask("TYPE", key).text {
      case "hash": command = ["HGETALL", key]
      case "string": command = ["GET", key]
      case "stream": command = ["XRANGE", key, "-", "+"]
      case "set": command = ["SMEMBERS", key]
      case "zset": command = ["ZRANGE", key, "0", "-1"]
      default: continue
      }
      let reply = try await fixture.client.send(
        RedisCommand(command[0], command.dropFirst().map { Array($0.utf8) }))
      if "\(key) \(Self.text(reply))".contains(word) { found.insert(key) }
    }
    return found
  }

  private static func text(_ reply: RedisReply) -> String {
    reply.text ?? (reply.array ?? []).map(text).joined(separator: " ")
  }
}
