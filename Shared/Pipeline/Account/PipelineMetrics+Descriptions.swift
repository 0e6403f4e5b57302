import Kafka
import Metrics
import ServiceKit

extension PipelineMetrics {
  /// Of a service that works through records one by one (`JobPipeline`).
  package static let jobs: [MetricDescription] = account + [
    MetricDescription("souk_job_seconds", .histogram, "Work on one record, its retries included."),
    MetricDescription("souk_records_produced_total", .counter, "Records produced and acknowledged.", labels: ["topic"]),
  ] + clients

  /// Of a service that writes records in batches (`SinkPipeline`).
  package static let sinks: [MetricDescription] = account + [
    MetricDescription(
      "souk_flush_seconds", .histogram, "One flush that succeeded, from its start until it is durable."),
    MetricDescription("souk_sink_rows_total", .counter, "Rows, points or objects that flushes made durable."),
  ] + clients

  /// Of a service that writes ranges of offsets (`GenerationPipeline`).
  package static let generations: [MetricDescription] = sinks + GenerationMeters.descriptions

  /// consumed = kept + skipped + dead-lettered + returned + in flight.
  private static let account: [MetricDescription] = [
    MetricDescription("souk_records_consumed_total", .counter, "Records taken in.", labels: ["topic"]),
    MetricDescription("souk_records_kept_total", .counter, "Records whose effect is durable.", labels: ["topic"]),
    MetricDescription(
      "souk_records_skipped_total", .counter, "Records skipped on purpose, by the reason.", labels: ["reason"]),
    MetricDescription(
      "souk_records_dead_lettered_total", .counter, "Records that can never be processed, by the reason's code.",
      labels: ["code"]),
    MetricDescription(
      "souk_records_returned_total", .counter,
      "Records handed back undone at a rebalance, a seek or a drain; their next owner consumes them again."),
    MetricDescription(
      "souk_records_in_flight", .gauge, "Records taken in and not yet kept, skipped, dead-lettered or returned."),
    MetricDescription(
      "souk_retries_total", .counter, "Retries caused by an outage, by error code.", labels: ["code"]),
    MetricDescription(
      "souk_last_kept_timestamp_seconds", .gauge, "When a record of the topic was last made durable, since 1970.",
      labels: ["topic"]),
  ]

  /// Every consumer also produces, at least its dead letters.
  private static let clients = KafkaMetrics.consumer + KafkaMetrics.producer
}

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
