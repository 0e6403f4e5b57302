import Messages
import Metrics
import ServiceKit
import Values

/// What the fetcher counts besides what every consumer counts, and what it counts of each provider.
struct FetchMetrics: Sendable {
  private let overtakenOnes = Counter(label: "souk_observations_overtaken_total")
  private let delay = Metrics.Timer(label: "souk_fetch_delay_seconds")

  static let descriptions = ProviderMetrics.descriptions + [
    MetricDescription(
      "souk_observations_published_total", .counter, "New and changed values, acknowledged by Kafka.",
      labels: ["category", "kind"]),
    MetricDescription(
      "souk_observations_flagged_total", .counter, "Published values with something odd about them.",
      labels: ["flag"]),
    MetricDescription(
      "souk_observations_overtaken_total", .counter,
      "Published values that another replica had published a later one than, meanwhile."),
    MetricDescription(
      "souk_fetch_delay_seconds", .histogram, "From the time a job was due to its published value."),
    MetricDescription(
      "souk_fetch_failovers_total", .counter, "Answers that came from another provider than the first."),
    MetricDescription(
      "souk_fetch_jumps_total", .counter, "Prices too far from the last one to be taken without asking another."),
    MetricDescription(
      "souk_fetch_rows_lost_total", .counter, "Rows of answers that cannot be read, left out.", labels: ["source"]),
    MetricDescription("souk_fetch_cache_bytes", .gauge, "Kept answers, to ask whether they still hold."),
  ]

  func overtaken() { overtakenOnes.increment() }

  func published(_ observation: CommodityObservation, dueAt: Timestamp, now: Timestamp) {
    Counter(
      label: "souk_observations_published_total",
      dimensions: [("category", observation.series.category.rawValue), ("kind", observation.kind.rawValue)]).increment()
    for flag in observation.flags {
      Counter(label: "souk_observations_flagged_total", dimensions: [("flag", flag)]).increment()
    }
    delay.record(duration: .microseconds(max(0, now.microseconds - dueAt.microseconds)))
  }
}
