import Archiving
import Metrics
import ServiceKit

/// What the owner of the catalogue counts.
struct KeeperMetrics: Sendable {
  private let owner = Gauge(label: "souk_archive_owner")
  private let moved = Counter(label: "souk_archive_moved_objects_total")
  private let movedBytes = Counter(label: "souk_archive_moved_bytes_total")
  private let refused = Counter(label: "souk_archive_unmoved_objects_total")
  private let restores = Gauge(label: "souk_archive_open_restores")

  static let descriptions = [
    MetricDescription("souk_archive_owner", .gauge, "1 while this process keeps the catalogue and the tiers."),
    MetricDescription("souk_archive_objects", .gauge, "Objects in the catalogue.", labels: ["dataset"]),
    MetricDescription("souk_archive_rows", .gauge, "Records of the archive, each once.", labels: ["dataset"]),
    MetricDescription("souk_archive_bytes", .gauge, "Bytes of the archive, as stored.", labels: ["dataset"]),
    MetricDescription("souk_archive_moved_objects_total", .counter, "Objects moved to a colder tier."),
    MetricDescription("souk_archive_moved_bytes_total", .counter, "Bytes moved to a colder tier."),
    MetricDescription(
      "souk_archive_unmoved_objects_total", .counter, "Objects that the store did not move; the log names them."),
    MetricDescription(
      "souk_archive_keeping_failures_total", .counter,
      "Looks at the catalogue, the tiers and the restores that failed, by code.", labels: ["code"]),
    MetricDescription("souk_archive_open_restores", .gauge, "Restores that are not ended."),
  ]

  func failed(_ code: String) {
    Counter(label: "souk_archive_keeping_failures_total", dimensions: [("code", code)]).increment()
  }

  func owns(_ owns: Bool) { owner.record(owns ? 1 : 0) }
  func note(openRestores count: Int) { restores.record(count) }

  func note(_ index: ArchiveIndex) {
    let labels = [("dataset", index.dataset)]
    Gauge(label: "souk_archive_objects", dimensions: labels).record(index.objects)
    Gauge(label: "souk_archive_rows", dimensions: labels).record(index.rows)
    Gauge(label: "souk_archive_bytes", dimensions: labels).record(index.bytes)
  }

  func moved(_ outcome: TierKeeper.Outcome) {
    moved.increment(by: outcome.moved)
    movedBytes.increment(by: outcome.bytes)
    refused.increment(by: outcome.refused)
  }
}
