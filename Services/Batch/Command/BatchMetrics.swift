import Core
import Messages
import Metrics
import ServiceKit

/// The runner's metrics besides those of every consumer.
struct BatchMetrics: Sendable {
  static let descriptions = [
    MetricDescription("souk_batch_jobs_total", .counter, "Jobs that ended, by how.", labels: ["kind", "state"]),
    MetricDescription("souk_batch_running_jobs", .gauge, "Jobs that run."),
    MetricDescription("souk_batch_parts_total", .counter, "Tasks of jobs that were finished here.", labels: ["kind"]),
    MetricDescription("souk_batch_job_seconds", .histogram, "From the begin of a job's last attempt to its end."),
    MetricDescription(
      "souk_batch_attempts_failed_total", .counter, "Attempts that an outage or a killed process ended, by the reason.",
      labels: ["reason"]),
    MetricDescription(
      "souk_batch_fallbacks_total", .counter, "Attempts whose rest was done without Dask, which did not answer."),
    MetricDescription(
      "souk_batch_differences", .gauge, "What the last job of kind compare found, by its dataset and the difference.",
      labels: ["dataset", "difference"]),
  ]

  private let running = Gauge(label: "souk_batch_running_jobs")
  private let duration = Timer(label: "souk_batch_job_seconds")
  private let fallbacks = Counter(label: "souk_batch_fallbacks_total")

  func runs(_ jobs: Int) { running.record(jobs) }

  func ended(_ status: BatchStatus, in time: Duration) {
    let labels = [("kind", status.kind.rawValue), ("state", status.state.rawValue)]
    Counter(label: "souk_batch_jobs_total", dimensions: labels).increment()
    duration.record(duration: time)
  }

  func finished(_ parts: Int64, of kind: BatchJob.Kind) {
    Counter(label: "souk_batch_parts_total", dimensions: [("kind", kind.rawValue)]).increment(by: Int(parts))
  }

  func failed(_ reason: String) {
    Counter(label: "souk_batch_attempts_failed_total", dimensions: [("reason", reason)]).increment()
  }

  func found(_ differences: SignalValues, of dataset: String) {
    for (name, count) in zip(differences.names, differences.numbers) {
      Gauge(label: "souk_batch_differences", dimensions: [("dataset", dataset), ("difference", name)]).record(count)
    }
  }

  func fellBack() { fallbacks.increment() }
}
