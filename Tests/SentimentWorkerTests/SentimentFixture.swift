import Catalogue
import Core
@testable import Kafka
import LocalServers
import Messages
import NewsSimulator
import Pipeline
import Redis
import Sentiment
@testable import SentimentWorkerService
import Synchronization
import TestSupport
import Values

/// Sinks on a real Redis, as many replicas as a test wants, and what they produced.
final class SentimentFixture: Sendable {
  static let partition = TopicPartition(Topics.newsArticles.name, 0)
  static let posts = TopicPartition(Topics.socialPosts.name, 0)
  let client: RedisClient
  let settings: StoryStore.Settings
  private let produced = Mutex<[SentimentEvent]>([])
  private let fails = Mutex(0)

  init() async throws {
    client = RedisClient(RedisConfiguration(url: try RedisURL(try await TestServers.redis().url)))
    var settings = StoryStore.Settings()
    settings.prefix = "sentiment:\(TestServers.uniqueName()):"
    self.settings = settings
  }

  /// A replica with a connection of its own.
  func sink(lexicon: Lexicon = .finance, head: HeadScorer? = nil) -> SentimentSink {
    let own = RedisClient(client.configuration)
    let store = StoryStore(own, settings, fence: TestServers.uniqueName())
    let reader = ArticleReader(SentimentScorer(lexicon), .large, keepsText: head != nil)
    let identity = ServiceIdentity(name: "sentiment-worker")
    return SentimentSink(reader, store, StoryBook.Settings(), head: head, identity: identity) { batch in
      if self.fails.withLock({ failing in
        failing -= 1
        return failing >= 0
      }) {
        throw RedisError(code: "no_broker", .transient, operation: "produce", message: "in the test")
      }
      try self.take(batch)
    }
  }

  /// The next so many batches are not produced.
  func failNext(_ count: Int) { fails.withLock { $0 = count } }

  private func take(_ batch: OutgoingBatch) throws {
    let events = try batch.items.map { item in
      try SentimentEvent(decoding: Array(batch.bytes[item.value.start..<item.value.start + item.value.count]))
    }
    produced.withLock { $0 += events }
  }

  var events: [SentimentEvent] { produced.withLock { $0 } }

  /// Of each event the record that holds: the highest revision.
  var holding: [SentimentEvent] { Self.holding(events) }

  static func holding(_ events: [SentimentEvent]) -> [SentimentEvent] {
    Dictionary(grouping: events, by: \.eventID).values.map { $0.max { $0.revision < $1.revision }! }
      .sorted { left, right in
        (left.symbol, left.publishedAt.microseconds, left.cluster)
          < (right.symbol, right.publishedAt.microseconds, right.cluster)
      }
  }
}

extension SentimentSink {
  /// Takes these posts and flushes.
  func write(_ posts: [SocialPost]) async throws {
    for post in posts { append(post.encoded().span.bytes, of: SentimentFixture.posts) }
    _ = try await flush(to: [SentimentFixture.posts: 0])
  }

  /// Takes these articles and flushes.
  func write(_ articles: [NewsArticle]) async throws {
    for article in articles { append(article.encoded().span.bytes, of: SentimentFixture.partition) }
    _ = try await flush(to: [SentimentFixture.partition: 0])
  }
}

enum News {
  static let now = Timestamp.now()

  static func at(_ secondsAgo: Int) -> Timestamp {
    Timestamp(microseconds: (now.microseconds / 1_000_000 - Int64(secondsAgo)) * 1_000_000)!
  }

  static func article(
    _ id: String, _ title: String, _ description: String? = nil, outlet: String = "Reuters", ago: Int = 600,
    known: Int = 60
  ) -> NewsArticle {
    NewsArticle(
      source: "newsapi", id: id, outlet: outlet, url: "https://\(outlet.lowercased()).example/\(id)", title: title,
      description: description, publishedAt: at(ago), knownAt: at(known))
  }

  /// The articles of a corpus as they are collected: each once, withdrawals behind all of them.
  static func articles(_ corpus: NewsCorpus) -> [NewsArticle] {
    let all = corpus.articles.map { item in
      NewsArticle(
        source: "newsapi", id: "\(item.number)", outlet: item.outlet, url: CanonicalURL.of(item.url) ?? "",
        title: item.title, description: item.description, publishedAt: at(item.age), knownAt: at(60 - item.appears))
    }
    return all + zip(all, corpus.articles).filter { $1.withdrawn != nil }.map { article, item in
      article.withdrawal(knownAt: at(30))
    }
  }

  static func post(
    _ id: String, _ text: String, title: String? = nil, source: String = "x", language: String? = nil, ago: Int = 600,
    known: Int = 60
  ) -> SocialPost {
    SocialPost(
      source: source, id: id, author: "a\(id)", url: "https://\(source).example/\(id)", title: title, text: text,
      language: language, publishedAt: at(ago), knownAt: at(known))
  }

  /// The posts of a corpus as they are collected, withdrawals behind all of them.
  static func posts(_ corpus: SocialCorpus) -> [SocialPost] {
    let all = corpus.posts.map { item in
      post(
        "\(item.number)", item.text, title: item.site == .reddit ? item.title : nil, source: item.site.rawValue,
        language: item.site == .x ? item.language : nil, ago: item.age, known: 60 - item.appears)
    }
    return all + zip(all, corpus.posts).filter { $1.removed != nil }.map { post, _ in
      .withdrawal(of: post.id, source: post.source, publishedAt: post.publishedAt, knownAt: at(30))
    }
  }
}
