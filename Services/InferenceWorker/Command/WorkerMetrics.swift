import Forecasting
import Messages
import Metrics
import ServiceKit

/// What inference-worker counts beyond what every consumer counts.
struct WorkerMetrics: Sendable {
  static let descriptions = [
    MetricDescription("souk_predictions_total", .counter, "Predictions made, with their steps.", labels: ["model"]),
    MetricDescription(
      "souk_predictions_withheld_total", .counter, "Predictions that say only why there is none.",
      labels: ["model", "reason"]),
    MetricDescription(
      "souk_predictions_flagged_total", .counter, "Predictions made from poor input, by what was poor.",
      labels: ["flag"]),
    MetricDescription(
      "souk_intervals_compared_total", .counter, "Predicted intervals whose value came, by where it lay.",
      labels: ["model", "outcome"]),
    MetricDescription(
      "souk_interval_promised_ratio", .gauge, "The part of all values that a model's intervals are to hold.",
      labels: ["model"]),
    MetricDescription(
      "souk_interval_reached_ratio", .gauge, "The part of the latest 1,000 values within a model's intervals.",
      labels: ["model"]),
    MetricDescription(
      "souk_interval_off_band", .gauge,
      "1 for a model whose reached part is more than 0.05 from the promised one, over 200 values or more.",
      labels: ["model"]),
    MetricDescription(
      "souk_inference_batch_size", .histogram, "Inputs that a model was given at once.", labels: ["model"],
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]),
    MetricDescription(
      "souk_inference_seconds", .histogram, "Time of one call of a model.", labels: ["model"],
      buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]),
    MetricDescription("souk_model_info", .gauge, "1 for the versions in use.", labels: ["model", "version", "kind"]),
    MetricDescription(
      "souk_models_refused_total", .counter, "Versions that could not be used; the one before stays.",
      labels: ["reason"]),
    MetricDescription(
      "souk_window_restore_seconds", .histogram, "From an assignment until its windows were read.",
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]),
    MetricDescription("souk_windows_known", .gauge, "Series whose windows are in memory."),
    MetricDescription("souk_windows_unreadable_total", .counter, "Windows of the changelog that could not be read."),
  ]

  func predicted(_ predictions: some Sequence<Prediction>) {
    var made: [String: Int] = [:]
    var withheld: [[String]: Int] = [:]
    var flagged: [String: Int] = [:]
    for prediction in predictions {
      if let reason = prediction.withheld {
        withheld[[prediction.model, reason], default: 0] += 1
      } else {
        made[prediction.model, default: 0] += 1
        for flag in prediction.flags { flagged[flag, default: 0] += 1 }
      }
    }
    for (model, count) in made {
      Counter(label: "souk_predictions_total", dimensions: [("model", model)]).increment(by: count)
    }
    for (labels, count) in withheld {
      Counter(
        label: "souk_predictions_withheld_total", dimensions: [("model", labels[0]), ("reason", labels[1])]
      ).increment(by: count)
    }
    for (flag, count) in flagged {
      Counter(label: "souk_predictions_flagged_total", dimensions: [("flag", flag)]).increment(by: count)
    }
  }

  func compared(_ model: String, _ outcomes: [CoverageTracker.Outcome: Int], _ tally: CoverageTracker.Tally) {
    for (outcome, count) in outcomes {
      Counter(
        label: "souk_intervals_compared_total", dimensions: [("model", model), ("outcome", outcome.rawValue)]
      ).increment(by: count)
    }
    let dimensions = [("model", model)]
    Gauge(label: "souk_interval_promised_ratio", dimensions: dimensions).record(tally.promised)
    Gauge(label: "souk_interval_reached_ratio", dimensions: dimensions).record(tally.reached ?? 0)
    Gauge(label: "souk_interval_off_band", dimensions: dimensions).record(tally.isOffBand == true ? 1 : 0)
  }

  func asked(_ manifest: ModelManifest, _ inputs: Int, in time: Duration) {
    Recorder(label: "souk_inference_batch_size", dimensions: [("model", manifest.name)]).record(inputs)
    Timer(label: "souk_inference_seconds", dimensions: [("model", manifest.name)]).record(duration: time)
  }

  func uses(_ manifest: ModelManifest, _ isUsed: Bool) {
    Gauge(
      label: "souk_model_info",
      dimensions: [("model", manifest.name), ("version", manifest.version), ("kind", manifest.kind.rawValue)]
    ).record(isUsed ? 1 : 0)
  }

  func refused(_ reason: String) {
    Counter(label: "souk_models_refused_total", dimensions: [("reason", reason)]).increment()
  }

  func restored(in time: Duration) { Timer(label: "souk_window_restore_seconds").record(duration: time) }

  func knows(_ series: Int) { Gauge(label: "souk_windows_known").record(series) }

  func unreadableWindow() { Counter(label: "souk_windows_unreadable_total").increment() }
}
