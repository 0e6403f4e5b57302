import Metrics
import ServiceKit

/// What db-writer counts beyond what every consumer counts.
struct DBWriterMetrics {
  private let prices = Counter(label: "souk_prices_written_total")
  private let changes = Counter(label: "souk_price_changes_total")
  private let products = Counter(label: "souk_products_written_total")
  private let unchanged = Counter(label: "souk_rows_unchanged_total")
  private let refusedItems = Counter(label: "souk_items_refused_total")

  static let descriptions = [
    MetricDescription("souk_prices_written_total", .counter, "Current prices inserted or moved forward."),
    MetricDescription("souk_price_changes_total", .counter, "Rows added to price_history."),
    MetricDescription("souk_products_written_total", .counter, "Products inserted or moved forward."),
    MetricDescription(
      "souk_rows_unchanged_total", .counter,
      "Staged rows that moved no price: repeated, late, or overtaken in a flush."),
    MetricDescription(
      "souk_items_refused_total", .counter, "Items that cannot be stored, of messages dead-lettered for them."),
  ]

  func flushed(_ report: StoreReport) {
    prices.increment(by: report.pricesWritten)
    changes.increment(by: report.changesNoted)
    products.increment(by: report.productsWritten)
    unchanged.increment(by: max(0, report.rowsStaged - report.pricesWritten))
  }

  func refused(_ rejection: StageRejection) {
    refusedItems.increment(by: rejection.refused)
  }
}
