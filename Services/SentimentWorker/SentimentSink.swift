import Catalogue
import Core
import Kafka
import Messages
import Metrics
import Pipeline
import Sentiment
import ServiceKit

/// A sink that clusters and scores: articles and posts in, events out.
///
/// `append` reads an article, `flush` finds its story and produces one event for each symbol of every story that was
/// touched. Offsets are committed after the events are acknowledged. An article that is read again touches its story
/// without changing it: its events have the revision that they had.
package final class SentimentSink: Sink {
  private var reader: ArticleReader
  private let companies: CompanyBook
  private let store: StoryStore
  private let stories: StoryBook.Settings
  /// nil: scores are the lexicon's.
  private let head: HeadScorer?
  private let identity: ServiceIdentity
  private let send: @Sendable (OutgoingBatch) async throws -> Void
  private let metrics = SentimentMetrics()
  private var pending: [(partition: TopicPartition, article: ReadArticle, trace: [UInt8]?)] = []
  private var pendingBytes = 0

  /// - Parameter companies: nil: those of the reader.
  package init(
    _ reader: ArticleReader, _ store: StoryStore, _ stories: StoryBook.Settings, head: HeadScorer? = nil,
    companies: CompanyBook? = nil, identity: ServiceIdentity,
    send: @escaping @Sendable (OutgoingBatch) async throws -> Void
  ) {
    (self.reader, self.store, self.stories, self.head, self.identity) = (reader, store, stories, head, identity)
    self.companies = companies ?? CompanyBook(reader.mentions.names)
    self.send = send
  }

  /// Every partition starts at the group's committed offset.
  package func start(_ partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64] {
    reader.mentions = TickerMentions(try await companies.current())
    return [:]
  }

  package func append(_ record: borrowing RecordBatch.Record) throws -> Disposition {
    if record.isTombstone { return .skip(reason: "tombstone") }
    let trace = record.header(HeaderName.traceparent)
    return append(record.value, of: record.topicPartition, trace: trace)
  }

  @discardableResult
  package func append(_ value: RawSpan, of partition: TopicPartition, trace: [UInt8]? = nil) -> Disposition {
    switch reader.read(value, isPost: partition.topic == Topics.socialPosts.name) {
    case .refused(let rejection): return .reject(rejection)
    case .article(let article):
      pending.append((partition, article, trace))
      pendingBytes += value.byteCount
      return .keep
    }
  }

  package var load: SinkLoad { SinkLoad(rows: pending.count, bytes: pendingBytes) }

  package func flush(to positions: [TopicPartition: Int64]) async throws -> FlushReport {
    guard !pending.isEmpty else { return FlushReport(durable: positions, rows: 0) }
    let names = try await companies.current()
    var outcomes: [StoryBook.Outcome: Int] = [:]
    var touched: [String: [UInt8]?] = [:]
    var order: [String] = []
    var articles = pending.map(\.article)
    let scorer = await head?.score(&articles) ?? reader.scorer.lexicon.name
    let empty = StoryBook(stories, scorer: scorer)
    let book = try await store.update(articles, of: empty) { [articles] book in
      for (article, trace) in zip(articles, pending.map(\.trace)) {
        let (outcome, story) = book.take(article)
        outcomes[outcome, default: 0] += 1
        guard let story else { continue }
        if touched.updateValue(trace, forKey: story) == nil { order.append(story) }
      }
    }
    var batch = OutgoingBatch()
    var writer = JSONWriter()
    var events: [SentimentEvent] = []
    for id in order {
      let headers = identity.headers(schema: SentimentEvent.topic.schema, parent: touched[id] ?? nil)
      for event in book.stories[id]?.events() ?? [] {
        writer.clear()
        event.encode(into: &writer)
        batch.append(
          topic: SentimentEvent.topic.name, key: event.key, value: writer.bytes, headers: headers,
          partitionBy: event.partitionKey)
        events.append(event)
      }
    }
    if !batch.isEmpty { try await send(batch) }
    metrics.flushed(outcomes, events, languages: pending.compactMap(\.article.language.foreignCode))
    pending.removeAll(keepingCapacity: true)
    pendingBytes = 0
    reader.mentions = TickerMentions(names)
    return FlushReport(durable: positions, rows: events.count)
  }

  package func drop(_ partitions: Set<TopicPartition>) {
    pending.removeAll { partitions.contains($0.partition) }
    if pending.isEmpty { pendingBytes = 0 }
  }
}

/// What sentiment-worker counts beyond what every consumer counts.
struct SentimentMetrics: Sendable {
  private let produced = Counter(label: "souk_sentiment_events_total")
  private let withdrawn = Counter(label: "souk_sentiment_events_withdrawn_total")
  private let sources = Recorder(label: "souk_story_sources")

  static let descriptions = [
    MetricDescription(
      "souk_sentiment_articles_total", .counter,
      "Articles and posts, by what became of them: new_story, copy, changed, withdrawn, repeated, no_symbol, "
        + "not_english, unknown.",
      labels: ["outcome"]),
    MetricDescription(
      "souk_sentiment_foreign_total", .counter,
      "Articles and posts that are not English and get no score, by their language.",
      labels: ["language"]),
    MetricDescription("souk_sentiment_events_total", .counter, "Events produced, repeated ones included."),
    MetricDescription(
      "souk_sentiment_events_withdrawn_total", .counter, "Those of them that say that no outlet stands by a story."),
    MetricDescription(
      "souk_story_sources", .histogram, "Outlets that print a story, at each of its events.",
      buckets: [1, 2, 3, 5, 10, 20, 40, 80, 160]),
  ]

  func flushed(_ outcomes: [StoryBook.Outcome: Int], _ events: [SentimentEvent], languages: [String]) {
    for (outcome, count) in outcomes {
      Counter(label: "souk_sentiment_articles_total", dimensions: [("outcome", outcome.rawValue)]).increment(by: count)
    }
    for language in languages {
      Counter(label: "souk_sentiment_foreign_total", dimensions: [("language", language)]).increment()
    }
    produced.increment(by: events.count)
    withdrawn.increment(by: events.count { $0.withdrawn })
    for event in events where !event.withdrawn { sources.record(event.sources) }
  }
}
