import Metrics
import ServiceKit

/// The scheduler's metrics. Schedules come from the catalogue, so their names are bounded.
package struct SchedulerMetrics: Sendable {
  package static let descriptions: [MetricDescription] = [
    .init(
      "souk_scheduler_active", .gauge, "1 while this replica sends jobs: it holds the lease of its kind, or replays.",
      labels: ["kind"]),
    .init("souk_scheduler_takeovers_total", .counter, "Times this replica was given the lease."),
    .init("souk_scheduler_jobs_sent_total", .counter, "Jobs acknowledged by Kafka.", labels: ["schedule"]),
    .init("souk_scheduler_jobs_missed_total", .counter,
          "Jobs of the past that were left out, and why.", labels: ["schedule", "reason"]),
    .init("souk_scheduler_lateness_seconds", .histogram, "From the time a job is due to its acknowledgement.",
          buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3_600]),
    .init("souk_scheduler_progress_timestamp_seconds", .gauge, "Everything due before this time is done."),
    .init("souk_scheduler_replay_ended", .gauge, "1 when everything of a replay is sent."),
    .init("souk_scheduler_retries_total", .counter, "Batches and commits that were tried again, by error code.",
          labels: ["code"]),
  ]

  private let activeGauge: Gauge
  private let takeovers = Counter(label: "souk_scheduler_takeovers_total")
  private let lateness = Recorder(label: "souk_scheduler_lateness_seconds", aggregate: true)
  private let progress = Gauge(label: "souk_scheduler_progress_timestamp_seconds")

  package init(_ kind: SchedulerKind) {
    activeGauge = Gauge(label: "souk_scheduler_active", dimensions: [("kind", kind.rawValue)])
    activeGauge.record(0)
  }

  func active(_ isActive: Bool) {
    activeGauge.record(isActive ? 1 : 0)
    if isActive { takeovers.increment() }
  }
  func sent(_ schedule: String, by count: Int) {
    Counter(label: "souk_scheduler_jobs_sent_total", dimensions: [("schedule", schedule)]).increment(by: count)
  }
  func missed(_ schedule: String, _ reason: SchedulePlan.Omission, by count: Int) {
    Counter(
      label: "souk_scheduler_jobs_missed_total", dimensions: [("schedule", schedule), ("reason", reason.rawValue)]
    ).increment(by: count)
  }
  func late(_ seconds: Double) { lateness.record(seconds) }
  func progressed(to instant: Int64) { progress.record(instant) }
  func replayed() { Gauge(label: "souk_scheduler_replay_ended").record(1) }
  func retried(_ code: String) {
    Counter(label: "souk_scheduler_retries_total", dimensions: [("code", code)]).increment()
  }
}
