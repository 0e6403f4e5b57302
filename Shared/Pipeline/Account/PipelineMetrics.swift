import Core
import Glibc
import Kafka
import Metrics
import ServiceKit
import Synchronization

/// Counts every consumed record into its `RecordAccount`, and into the metrics system.
package final class PipelineMetrics: Sendable {
  private struct State {
    var counters: [Key: Counter] = [:]
    var lastKept: [String: Gauge] = [:]
    /// Created on first use: a service exports only what its kind of loop does.
    var times: [String: Timer] = [:]
    var account = RecordAccount()
  }
  private let state = Mutex(State())
  private let returned = Counter(label: "souk_records_returned_total")
  private let inFlight = Gauge(label: "souk_records_in_flight")

  package init() {}

  /// The numbers of this loop alone.
  package var account: RecordAccount { state.withLock { $0.account } }

  /// Counters by metric and label value: looking one up in the metrics system costs more than counting.
  private struct Key: Hashable {
    var label: String
    var value: String
  }

  /// - Parameter column: of the account, for what a record can become.
  private func count(
    _ label: String, _ dimension: String, _ value: String, by amount: Int,
    _ column: WritableKeyPath<RecordAccount, Int>? = nil
  ) {
    guard amount > 0 else { return }
    let counter = state.withLock { state in
      if let column { state.account[keyPath: column] += amount }
      let key = Key(label: label, value: value)
      if let known = state.counters[key] { return known }
      let counter = Counter(label: label, dimensions: [(dimension, value)])
      state.counters[key] = counter
      return counter
    }
    counter.increment(by: amount)
  }

  package func consumed(_ topic: String, by amount: Int = 1) {
    count("souk_records_consumed_total", "topic", topic, by: amount, \.consumed)
  }
  func consumed(_ jobs: [Job]) {
    for (topic, group) in Dictionary(grouping: jobs, by: \.topic) { consumed(topic, by: group.count) }
  }
  /// Counts a record by its disposition.
  func ended(_ job: Job, _ disposition: Disposition) {
    switch disposition {
    case .keep: kept(job.topic)
    case .skip(let reason): skipped(reason)
    case .reject(let rejection): deadLettered(rejection.code)
    }
  }
  func ended(_ tallies: [TopicPartition: SinkAccount.Tally]) {
    for (partition, tally) in tallies {
      kept(partition.topic, by: tally.kept)
      for (reason, count) in tally.skipped { skipped(reason, by: count) }
      for (code, count) in tally.deadLettered { deadLettered(code, by: count) }
    }
  }
  package func kept(_ topic: String, by amount: Int = 1) {
    guard amount > 0 else { return }
    count("souk_records_kept_total", "topic", topic, by: amount, \.kept)
    let gauge = state.withLock { state in
      if let known = state.lastKept[topic] { return known }
      let gauge = Gauge(label: "souk_last_kept_timestamp_seconds", dimensions: [("topic", topic)])
      state.lastKept[topic] = gauge
      return gauge
    }
    gauge.record(WallClock.seconds())
  }
  package func skipped(_ reason: String, by amount: Int = 1) {
    count("souk_records_skipped_total", "reason", reason, by: amount, \.skipped)
  }
  package func deadLettered(_ code: String, by amount: Int = 1) {
    count("souk_records_dead_lettered_total", "code", code, by: amount, \.deadLettered)
  }
  package func retried(_ code: String) { count("souk_retries_total", "code", code, by: 1) }
  package func produced(_ topic: String, by amount: Int) {
    count("souk_records_produced_total", "topic", topic, by: amount)
  }
  /// Handed back undone at a rebalance or a drain; the partition's next owner consumes them again.
  package func returned(by amount: Int) {
    guard amount > 0 else { return }
    state.withLock { $0.account.returned += amount }
    returned.increment(by: amount)
  }
  package func setInFlight(_ count: Int) { setInFlight { count } }
  /// Counts and notes it as one step, so that of several callers at once the last one leaves what is true then.
  func setInFlight(_ count: () -> Int) {
    state.withLock { state in
      let count = count()
      state.account.inFlight = count
      inFlight.record(count)
    }
  }
  package func flushed(rows count: Int, in duration: Duration) {
    if count > 0 { Counter(label: "souk_sink_rows_total").increment(by: count) }
    record(duration, as: "souk_flush_seconds")
  }
  package func handled(in duration: Duration) { record(duration, as: "souk_job_seconds") }

  private func record(_ duration: Duration, as label: String) {
    let timer = state.withLock { state in
      if let known = state.times[label] { return known }
      let timer = Timer(label: label)
      state.times[label] = timer
      return timer
    }
    timer.record(duration: duration)
  }
}

/// What became of every consumed record; when no record is being counted
/// consumed = kept + skipped + dead-lettered + returned + in flight.
package struct RecordAccount: Sendable, Hashable {
  package var consumed = 0
  package var kept = 0
  package var skipped = 0
  package var deadLettered = 0
  /// Handed back undone at a rebalance, a seek or a drain; the partition's next owner consumes them again.
  package var returned = 0
  package var inFlight = 0

  /// Records that are in no column, or in two. Other than 0 only while a record moves from one to the other.
  package var missing: Int { consumed - kept - skipped - deadLettered - returned - inFlight }
}

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
