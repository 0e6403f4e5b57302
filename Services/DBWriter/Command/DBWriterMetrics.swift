import Metrics
import ServiceKit

/// The metrics of db-writer besides those of every consumer.
struct DBWriterMetrics {
  static let descriptions = [
    MetricDescription(
      "souk_rows_written_total", .counter,
      "Rows inserted or moved forward; of price_history, real changes of prices.", labels: ["table"]),
    MetricDescription(
      "souk_rows_staged_total", .counter,
      "Elements of messages (prices, promotions, stores ...) that were staged and merged.", labels: ["input"]),
    MetricDescription(
      "souk_visible_changes_total", .counter,
      "Changes that materialized views can show: new and changed prices and products, not repeats of known ones."),
    MetricDescription(
      "souk_items_refused_total", .counter, "Elements of messages that cannot be stored and were dead-lettered."),
  ]

  private let changes = Counter(label: "souk_visible_changes_total")
  private let refusedItems = Counter(label: "souk_items_refused_total")

  func flushed(_ report: StoreReport) {
    for (table, count) in report.written {
      Counter(label: "souk_rows_written_total", dimensions: [("table", table)]).increment(by: count)
    }
    for (input, count) in report.staged {
      Counter(label: "souk_rows_staged_total", dimensions: [("input", input)]).increment(by: count)
    }
    changes.increment(by: report.changes)
  }

  func refused(_ elements: Int) {
    if elements > 0 { refusedItems.increment(by: elements) }
  }
}

/// The metrics of the materialized views.
struct RefreshMetrics {
  static let descriptions = [
    MetricDescription(
      "souk_view_refresh_seconds", .histogram, "Time of a successful refresh.", labels: ["view"],
      buckets: [0.01, 0.1, 1, 10, 60, 600]),
    MetricDescription(
      "souk_view_refresh_failures_total", .counter, "Failed refreshes; they are retried.", labels: ["view"]),
    MetricDescription(
      "souk_view_age_seconds", .gauge,
      "Time since any replica refreshed the view; 0 while nothing has changed.", labels: ["view"]),
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
