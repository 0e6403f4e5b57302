import Metrics
import ServiceKit

/// What influx-consumer counts beyond what every consumer counts.
struct InfluxMetrics: Sendable {
  private let requests = Counter(label: "souk_influx_requests_total")
  private let refused = Counter(label: "souk_influx_points_refused_total")
  private let outsideRetention = Counter(label: "souk_influx_points_outside_retention_total")
  private let latency = Recorder(label: "souk_influx_queryable_seconds")

  static let descriptions = [
    MetricDescription("souk_influx_requests_total", .counter, "Bodies of points that the server answered."),
    MetricDescription(
      "souk_influx_points_refused_total", .counter, "Points the server refused; their records are dead letters."),
    MetricDescription(
      "souk_influx_points_outside_retention_total", .counter,
      "Points the server dropped because they are older than it keeps."),
    MetricDescription(
      "souk_influx_queryable_seconds", .histogram, "From a record's timestamp until its point can be queried.",
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]),
  ]

  func wrote(_ outcome: PointWriter.Outcome) {
    requests.increment(by: outcome.requests)
    if !outcome.refused.isEmpty { refused.increment(by: outcome.refused.count) }
    if outcome.outsideRetention > 0 { outsideRetention.increment(by: outcome.outsideRetention) }
  }

  /// - Parameters:
  ///   - produced: milliseconds since 1970 of each record, below zero when unknown.
  ///   - now: the same, when they could be queried.
  func queryable(_ produced: [Int64], at now: Int64) {
    for stamp in produced where stamp >= 0 { latency.record(Double(max(0, now - stamp)) / 1_000) }
  }
}
