import Messages
import Metrics
import ServiceKit
import Synchronization

/// The metrics of egx-producer. Symbols come from the command line; only the first ones get a gauge.
package final class ProducerMetrics: Sendable {
  package static let descriptions: [MetricDescription] = [
    .init("souk_egx_bars_published_total", .counter, "Bars published and acknowledged.", labels: ["kind"]),
    .init("souk_egx_bars_unchanged_total", .counter, "Bars the source gave again as they were; not published."),
    .init("souk_egx_bars_flagged_total", .counter, "Published bars with a flag.", labels: ["flag"]),
    .init("souk_egx_bars_unusable_total", .counter, "Bars with a time or volume that cannot be; not published."),
    .init("souk_egx_lost_total", .counter, "Frames, lines and rows of answers that could not be read."),
    .init("souk_egx_empty_answers_total", .counter, "Answers about a symbol that held no bar."),
    .init("souk_egx_gaps_total", .counter, "Times a series was found to have missed bars.", labels: ["outcome"]),
    .init("souk_egx_source_errors_total", .counter, "Failed questions and connections, by error code.",
          labels: ["code"]),
    .init("souk_egx_produce_retries_total", .counter, "Batches sent again because Kafka did not take them."),
    .init("souk_egx_poll_seconds", .histogram, "Time of one poll over all symbols.",
          buckets: [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600]),
    .init("souk_egx_last_poll_timestamp_seconds", .gauge, "When a poll over all symbols last ended."),
    .init("souk_egx_newest_bar_timestamp_seconds", .gauge, "Opening of the newest bar published, by symbol.",
          labels: ["symbol"]),
    .init("souk_egx_symbols", .gauge, "Symbols asked for."),
  ]

  private let new = Counter(label: "souk_egx_bars_published_total", dimensions: [("kind", "new")])
  private let changed = Counter(label: "souk_egx_bars_published_total", dimensions: [("kind", "changed")])
  private let unchanged = Counter(label: "souk_egx_bars_unchanged_total")
  private let unusable = Counter(label: "souk_egx_bars_unusable_total")
  private let inconsistent = Counter(label: "souk_egx_bars_flagged_total", dimensions: [("flag", "inconsistent_range")])
  private let nonPositive = Counter(label: "souk_egx_bars_flagged_total", dimensions: [("flag", "non_positive_price")])
  private let lost = Counter(label: "souk_egx_lost_total")
  private let empty = Counter(label: "souk_egx_empty_answers_total")
  private let refilled = Counter(label: "souk_egx_bars_flagged_total", dimensions: [("flag", "refilled")])
  private let retries = Counter(label: "souk_egx_produce_retries_total")
  private let poll = Recorder(label: "souk_egx_poll_seconds", aggregate: true)
  private let lastPoll = Gauge(label: "souk_egx_last_poll_timestamp_seconds")
  private let symbols = Gauge(label: "souk_egx_symbols")
  private let newest = Mutex<[String: Gauge]>([:])
  private let maxSymbols: Int

  package init(maxSymbols: Int = 1_000) { self.maxSymbols = maxSymbols }

  func published(_ bar: BarReview.Outgoing) {
    (bar.isChange ? changed : new).increment()
    if bar.bar.flags.contains(.inconsistentRange) { inconsistent.increment() }
    if bar.bar.flags.contains(.refilled) { refilled.increment() }
    if bar.bar.flags.contains(.nonPositivePrice) { nonPositive.increment() }
  }
  func reviewed(_ outcome: BarReview.Outcome) {
    if outcome.unchanged > 0 { unchanged.increment(by: outcome.unchanged) }
    if outcome.unusable > 0 { unusable.increment(by: outcome.unusable) }
  }
  func answered(_ answer: BarAnswer) {
    if answer.lost.count > 0 { lost.increment(by: answer.lost.count) }
    if answer.bars.isEmpty { empty.increment() }
  }
  func gap(isFilled: Bool) {
    Counter(label: "souk_egx_gaps_total", dimensions: [("outcome", isFilled ? "refilled" : "open")]).increment()
  }
  func failed(_ code: String) {
    Counter(label: "souk_egx_source_errors_total", dimensions: [("code", code)]).increment()
  }
  func retried() { retries.increment() }
  func asking(for count: Int) { symbols.record(count) }
  func polled(took duration: Duration, at seconds: Int64) {
    poll.record(duration / .seconds(1))
    lastPoll.record(seconds)
  }
  func newest(_ symbol: String, _ seconds: Int64) {
    newest.withLock { gauges in
      if gauges[symbol] == nil, gauges.count < maxSymbols {
        gauges[symbol] = Gauge(label: "souk_egx_newest_bar_timestamp_seconds", dimensions: [("symbol", symbol)])
      }
      gauges[symbol]?.record(seconds)
    }
  }
}
