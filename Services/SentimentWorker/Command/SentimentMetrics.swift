import Messages
import Metrics
import ServiceKit

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
