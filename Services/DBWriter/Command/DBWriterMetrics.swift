import Metrics
import ServiceKit

/// What db-writer counts beyond what every consumer counts.
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

  func refused(_ rejection: StageRejection) {
    refusedItems.increment(by: rejection.refused)
  }
}
