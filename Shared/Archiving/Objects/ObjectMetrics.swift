import Metrics
import Pipeline
import ServiceKit

/// What a service that writes objects counts beyond what every consumer counts.
package struct ObjectMetrics: Sendable {
  private let objects = Counter(label: "souk_objects_written_total")
  private let bytes = Counter(label: "souk_object_bytes_written_total")
  private let plainBytes = Counter(label: "souk_object_plain_bytes_total")
  private let records = Counter(label: "souk_object_records_written_total")
  private let uploads = Timer(label: "souk_upload_seconds")

  package static let descriptions = [
    MetricDescription("souk_objects_written_total", .counter, "Objects stored, repetitions included."),
    MetricDescription("souk_object_bytes_written_total", .counter, "Bytes of stored objects, as stored."),
    MetricDescription("souk_object_plain_bytes_total", .counter, "Bytes of stored objects before packing."),
    MetricDescription("souk_object_records_written_total", .counter, "Records in stored objects."),
    MetricDescription("souk_upload_seconds", .histogram, "Packing and storing one object."),
  ]

  func stored(bytes: Int, plain: Int, records: Int, in duration: Duration) {
    objects.increment()
    self.bytes.increment(by: bytes)
    plainBytes.increment(by: plain)
    self.records.increment(by: records)
    uploads.record(duration: duration)
  }
}
