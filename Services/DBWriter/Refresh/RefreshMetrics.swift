import Metrics
import ServiceKit

/// The metrics of the materialized views.
struct RefreshMetrics {
  static let descriptions = [
    MetricDescription(
      "souk_view_refresh_seconds", .histogram, "Time of a refresh that succeeded.", labels: ["view"],
      buckets: [0.01, 0.1, 1, 10, 60, 600]),
    MetricDescription(
      "souk_view_refresh_failures_total", .counter, "Refreshes that failed; they are tried again.", labels: ["view"]),
    MetricDescription(
      "souk_view_age_seconds", .gauge,
      "Since the view was last refreshed, by any replica; 0 while nothing has changed since.", labels: ["view"]),
  ]

  func refreshed(_ view: String, in time: Duration) {
    Timer(label: "souk_view_refresh_seconds", dimensions: [("view", view)]).record(duration: time)
  }

  func failed(_ view: String) {
    Counter(label: "souk_view_refresh_failures_total", dimensions: [("view", view)]).increment()
  }

  /// The database did not answer which views are due.
  func lookFailed() { failed("all") }

  func ages(_ views: [ViewState]) {
    for view in views {
      Gauge(label: "souk_view_age_seconds", dimensions: [("view", view.name)])
        .record(view.isBehind ? view.age / .seconds(1) : 0)
    }
  }
}
