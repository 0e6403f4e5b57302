import Metrics
import ServiceKit

/// What hot-writer counts beyond what every consumer counts.
struct HotMetrics: Sendable {
  private let written = Counter(label: "souk_hot_samples_written_total")
  private let equal = Counter(label: "souk_hot_samples_equal_total")
  private let outsideRetention = Counter(label: "souk_hot_samples_outside_retention_total")
  private let superseded = Counter(label: "souk_hot_bars_superseded_total")
  private let removed = Counter(label: "souk_hot_samples_removed_total")
  private let repeated = Counter(label: "souk_hot_tail_repeated_total")
  private let featureRows = Counter(label: "souk_hot_feature_rows_total")
  private let series = Gauge(label: "souk_hot_series")
  private let latency = Recorder(label: "souk_hot_visible_seconds")

  static let descriptions = [
    MetricDescription("souk_hot_samples_written_total", .counter, "Samples that Redis took."),
    MetricDescription(
      "souk_hot_samples_equal_total", .counter, "Samples that were not written because Redis holds the same value."),
    MetricDescription(
      "souk_hot_samples_outside_retention_total", .counter,
      "Samples that are older than their series keeps; they are not written."),
    MetricDescription(
      "souk_hot_bars_superseded_total", .counter,
      "Bars that were not written because Redis holds a state that was known later."),
    MetricDescription(
      "souk_hot_samples_removed_total", .counter,
      "Samples that were deleted because a later record of their instant has no value of them."),
    MetricDescription(
      "souk_hot_tail_repeated_total", .counter,
      "Records that were not added to the tail because it has had their offset."),
    MetricDescription(
      "souk_hot_feature_rows_total", .counter, "Groups of declared features that were computed and written."),
    MetricDescription("souk_hot_series", .gauge, "Time series that this process writes to."),
    MetricDescription(
      "souk_hot_visible_seconds", .histogram,
      "From the timestamp of the oldest record of a flush and partition until its samples can be read.",
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]),
    MetricDescription("souk_hot_memory_used_bytes", .gauge, "Memory that the Redis server uses."),
    MetricDescription("souk_hot_memory_limit_bytes", .gauge, "maxmemory of the Redis server; 0 for no limit."),
    MetricDescription(
      "souk_hot_memory_expected_bytes", .gauge,
      "Memory that the series of this process will take once they are as long as their retention."),
  ]

  func computed(_ rows: Int) { featureRows.increment(by: rows) }

  func wrote(_ outcome: HotWriter.Outcome, series count: Int) {
    written.increment(by: outcome.written)
    equal.increment(by: outcome.equal)
    outsideRetention.increment(by: outcome.outsideRetention)
    superseded.increment(by: outcome.superseded)
    removed.increment(by: outcome.removed)
    repeated.increment(by: outcome.repeated)
    series.record(count)
  }

  /// - Parameters:
  ///   - produced: milliseconds since 1970 of the oldest record of each partition; `Int64.max` when unknown.
  ///   - now: the same, when they could be read.
  func visible(_ produced: [Int64], at now: Int64) {
    for stamp in produced where stamp < .max { latency.record(Double(max(0, now - stamp)) / 1_000) }
  }
}
