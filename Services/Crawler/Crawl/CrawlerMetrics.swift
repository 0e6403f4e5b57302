import Messages
import Metrics
import ServiceKit

/// The crawler's metrics. Labels are bounded: sources come from the command line, reasons and codes from the code.
enum CrawlerMetrics {
  static let descriptions: [MetricDescription] = [
    .init("souk_crawler_listings_total", .counter, "Listings read.", labels: ["source"]),
    .init("souk_crawler_listings_unchanged_total", .counter, "Listings that the portal answered as unchanged (304).",
          labels: ["source"]),
    .init("souk_crawler_files_listed_total", .counter, "Price files listed, repeats included.", labels: ["source"]),
    .init("souk_crawler_files_emitted_total", .counter, "Files announced and acknowledged.",
          labels: ["source", "file_type"]),
    .init("souk_crawler_files_skipped_total", .counter, "Listed entries that were not announced, by reason.",
          labels: ["source", "reason"]),
    .init("souk_crawler_errors_total", .counter, "Failed requests and passes, by error code.",
          labels: ["source", "code"]),
    .init("souk_crawler_listings_cut_total", .counter,
          "Listings at the portal's row limit that could not be narrowed: files may be missing.", labels: ["source"]),
    .init("souk_crawler_listings_empty_total", .counter, "Passes that found nothing where files were before.",
          labels: ["source"]),
    .init("souk_crawler_drift_total", .counter, "Findings about a portal that changed, by kind of alert.",
          labels: ["source", "kind"]),
    .init("souk_crawler_relisted_total", .counter, "Files to be announced again because their link expired.",
          labels: ["source"]),
    .init("souk_crawler_pass_seconds", .histogram, "Time of one pass over a source.", labels: ["source"],
          buckets: [0.1, 0.5, 1, 5, 15, 60, 300, 900]),
    .init("souk_crawler_last_success_timestamp_seconds", .gauge, "When a pass over the source last succeeded.",
          labels: ["source"]),
    .init("souk_crawler_sources_held", .gauge, "Sources whose lease this replica holds."),
    .init("souk_crawler_leases_lost_total", .counter, "Leases that were lost before they were released.",
          labels: ["source"]),
  ]

  static func unchanged(_ source: String) { count("souk_crawler_listings_unchanged_total", source) }
  static func listed(_ source: String, _ files: Int) {
    count("souk_crawler_listings_total", source)
    count("souk_crawler_files_listed_total", source, by: files)
  }
  static func emitted(_ source: String, _ type: String) {
    count("souk_crawler_files_emitted_total", source, ("file_type", type))
  }
  static func skipped(_ source: String, _ reason: String, _ files: Int = 1) {
    count("souk_crawler_files_skipped_total", source, ("reason", reason), by: files)
  }
  static func error(_ source: String, _ code: String) {
    count("souk_crawler_errors_total", source, ("code", code))
  }
  static func cutListing(_ source: String) { count("souk_crawler_listings_cut_total", source) }

  static func drift(_ source: String, _ kind: String) {
    count("souk_crawler_drift_total", source, ("kind", kind))
    if kind == Alert.Kind.listingEmpty.rawValue { count("souk_crawler_listings_empty_total", source) }
  }
  static func held(_ sources: Int) { Gauge(label: "souk_crawler_sources_held").record(sources) }
  static func leaseLost(_ source: String) { count("souk_crawler_leases_lost_total", source) }
  static func relisted(_ source: String) { count("souk_crawler_relisted_total", source) }

  static func passed(_ source: String, took duration: Duration, at seconds: Double) {
    Recorder(label: "souk_crawler_pass_seconds", dimensions: [("source", source)], aggregate: true)
      .record(duration / .seconds(1))
    Gauge(label: "souk_crawler_last_success_timestamp_seconds", dimensions: [("source", source)]).record(seconds)
  }

  private static func count(_ label: String, _ source: String, _ more: (String, String)..., by amount: Int = 1) {
    guard amount > 0 else { return }
    Counter(label: label, dimensions: [("source", source)] + more).increment(by: amount)
  }
}
