import Metrics
import ServiceKit

/// The downloader's metrics besides those of every consumer.
struct DownloadMetrics: Sendable {
  private let uploaded = Counter(label: "souk_downloads_total", dimensions: [("result", "uploaded")])
  private let present = Counter(label: "souk_downloads_total", dimensions: [("result", "present")])
  private let bytes = Counter(label: "souk_downloaded_bytes_total")
  private let resumes = Counter(label: "souk_download_resumes_total")
  private let short = Counter(label: "souk_download_short_files_total")
  private let otherLength = Counter(label: "souk_download_length_differs_total")
  private let sentBack = Counter(label: "souk_links_expired_total", dimensions: [("result", "sent_back")])
  private let givenUp = Counter(label: "souk_links_expired_total", dimensions: [("result", "given_up")])
  private let duration = Timer(label: "souk_download_seconds")

  static let descriptions = [
    MetricDescription(
      "souk_downloads_total", .counter, "Fetched files that are in the store; present: it had them before.",
      labels: ["result"]),
    MetricDescription("souk_downloaded_bytes_total", .counter, "Bytes of fetched files, as published."),
    MetricDescription("souk_download_resumes_total", .counter, "Interrupted transfers that were resumed."),
    MetricDescription(
      "souk_download_short_files_total", .counter,
      "Stored files of less than 300 bytes, as portals publish them for closed stores."),
    MetricDescription(
      "souk_download_length_differs_total", .counter,
      "Stored files whose length differs from their listing's: published again since, or listed wrongly."),
    MetricDescription(
      "souk_links_expired_total", .counter,
      "Files whose link had expired: sent back to be listed again, or dead-lettered after --max-relists times.",
      labels: ["result"]),
    MetricDescription("souk_download_seconds", .histogram, "From the request to the stored and verified object."),
    MetricDescription(
      "souk_download_failures_total", .counter, "Failed attempts, retried ones included.",
      labels: ["stage", "code"]),
  ]

  /// A shorter file has no rows in any dialect: the empty envelope alone is longer.
  static let shortBytes = 300

  /// - Parameter listed: the size in the portal's listing, in bytes.
  func stored(_ stored: Downloader.Stored, listed: Int64?, in time: Duration) {
    resumes.increment(by: stored.resumes)
    if stored.size < Self.shortBytes { short.increment() }
    if let listed, listed != Int64(stored.size) { otherLength.increment() }
    (stored.wasPresent ? present : uploaded).increment()
    bytes.increment(by: stored.size)
    duration.record(duration: time)
  }

  func expired(sentBack: Bool) { (sentBack ? self.sentBack : givenUp).increment() }

  func failed(_ stage: Downloader.Stage, _ code: String) {
    Counter(label: "souk_download_failures_total", dimensions: [("stage", stage.rawValue), ("code", code)]).increment()
  }
}
