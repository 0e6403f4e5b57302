import Metrics
import ServiceKit

/// What waits to be written, as gauges.
package struct GenerationMeters: Sendable {
  private let open = Gauge(label: "souk_generations_open")
  private let closing = Gauge(label: "souk_generations_closing")
  private let outputs = Gauge(label: "souk_objects_open")
  private let bytes = Gauge(label: "souk_generation_bytes")

  package static let descriptions = [
    MetricDescription("souk_generations_open", .gauge, "Offset ranges that take records in."),
    MetricDescription("souk_generations_closing", .gauge, "Offset ranges that are being written."),
    MetricDescription("souk_objects_open", .gauge, "Objects that take records in."),
    MetricDescription("souk_generation_bytes", .gauge, "Memory of all offset ranges, open and being written."),
  ]

  func record(open: Int, closing: Int, outputs: Int, bytes: Int) {
    self.open.record(open)
    self.closing.record(closing)
    self.outputs.record(outputs)
    self.bytes.record(bytes)
  }
}
