import Metrics
import ServiceKit

/// What the downloader counts besides what every consumer counts.
struct DownloadMetrics: Sendable {
  private let uploaded = Counter(label: "souk_downloads_total", dimensions: [("result", "uploaded")])
  private let present = Counter(label: "souk_downloads_total", dimensions: [("result", "present")])
  private let bytes = Counter(label: "souk_downloaded_bytes_total")
  private let duration = Timer(label: "souk_download_seconds")

  static let descriptions = [
    MetricDescription(
      "souk_downloads_total", .counter, "Files fetched and in the store; present: the store had them already.",
      labels: ["result"]),
    MetricDescription("souk_downloaded_bytes_total", .counter, "Bytes of fetched files, as published."),
    MetricDescription("souk_download_seconds", .histogram, "From the request to the stored and verified object."),
    MetricDescription(
      "souk_download_failures_total", .counter, "Failed attempts, those that are tried again included.",
      labels: ["stage", "code"]),
  ]

  func stored(_ stored: Downloader.Stored, in time: Duration) {
    (stored.wasPresent ? present : uploaded).increment()
    bytes.increment(by: stored.size)
    duration.record(duration: time)
  }

  func failed(_ stage: Downloader.Stage, _ code: String) {
    Counter(label: "souk_download_failures_total", dimensions: [("stage", stage.rawValue), ("code", code)]).increment()
  }
}
