import CoreMetrics
import Metrics
import ServiceKit
import Synchronization

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

  /// Of one endpoint, looked up once: a label that is looked up costs as much as a small answer.
  final class Route: Sendable {
    private let name: String
    private let time: Recorder
    private let counters = Mutex<[Int: Counter]>([:])

    init(_ name: String) {
      self.name = name
      time = Recorder(label: "souk_gateway_request_seconds", dimensions: [("route", name)])
    }

    func answered(_ status: Int, _ taken: Duration) {
      counters.withLock { counters in
        if let known = counters[status] { return known }
        let counter = Counter(
          label: "souk_gateway_requests_total", dimensions: [("route", name), ("status", "\(status)")])
        counters[status] = counter
        return counter
      }.increment()
      time.record(taken / .seconds(1))
    }
  }

  static func listeners(_ count: Int) { listeners.record(count) }
  static func slow() { Counter(label: "souk_gateway_slow_listeners_total").increment() }
  static func degraded(_ part: String) {
    Counter(label: "souk_gateway_degraded_total", dimensions: [("part", part)]).increment()
  }
}
