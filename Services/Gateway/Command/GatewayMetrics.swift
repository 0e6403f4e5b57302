import CoreMetrics
import Metrics
import ServiceKit

enum GatewayMetrics {
  static let descriptions = [
    MetricDescription(
      "souk_gateway_requests_total", .counter, "Requests by route and status.", labels: ["route", "status"]),
    MetricDescription(
      "souk_gateway_request_seconds", .histogram, "From a request until its answer is made.", labels: ["route"],
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]),
    MetricDescription("souk_gateway_listeners", .gauge, "Clients that listen to live events."),
    MetricDescription(
      "souk_gateway_slow_listeners_total", .counter, "Clients that were sent away because they read too slowly."),
    MetricDescription(
      "souk_gateway_degraded_total", .counter, "Answers that had to do without something, by what was away.",
      labels: ["part"]),
  ]

  private static let listeners = Gauge(label: "souk_gateway_listeners")

  static func answered(_ endpoint: String, _ status: Int, _ time: Duration) {
    Counter(
      label: "souk_gateway_requests_total", dimensions: [("route", endpoint), ("status", "\(status)")]
    ).increment()
    Recorder(label: "souk_gateway_request_seconds", dimensions: [("route", endpoint)])
      .record(time / .seconds(1))
  }

  static func listeners(_ count: Int) { listeners.record(count) }
  static func slow() { Counter(label: "souk_gateway_slow_listeners_total").increment() }
  static func degraded(_ part: String) {
    Counter(label: "souk_gateway_degraded_total", dimensions: [("part", part)]).increment()
  }
}
