import Messages
import Metrics
import ServiceKit

/// What signal-worker counts beyond what every consumer counts.
struct SignalMetrics: Sendable {
  static let descriptions = [
    MetricDescription(
      "souk_signals_total", .counter, "Signals that were published, repeats for revised bars included.",
      labels: ["interval"]),
    MetricDescription(
      "souk_signal_events_total", .counter, "Rules that fired, as often as it was published.", labels: ["rule"]),
    MetricDescription("souk_signal_symbols", .gauge, "Symbols whose series are in memory."),
    MetricDescription(
      "souk_signal_restore_seconds", .histogram, "From an assignment until its states were read.",
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]),
    MetricDescription(
      "souk_signal_states_unreadable_total", .counter,
      "States of the changelog that could not be read: these symbols begin anew."),
    MetricDescription(
      "souk_signal_states_begun_anew_total", .counter,
      "States that were made with other indicators, rules or hours: these symbols begin anew with the bars they hold."),
  ]

  /// What one flush publishes.
  struct Tally {
    private(set) var count = 0
    fileprivate var intervals: [String: Int] = [:]
    fileprivate var rules: [String: Int] = [:]

    mutating func add(_ signal: TechnicalSignal) {
      count += 1
      intervals[signal.interval, default: 0] += 1
      for event in signal.events { rules[event.rule, default: 0] += 1 }
    }
  }

  func made(_ tally: Tally) {
    for (interval, count) in tally.intervals {
      Counter(label: "souk_signals_total", dimensions: [("interval", interval)]).increment(by: count)
    }
    for (rule, count) in tally.rules {
      Counter(label: "souk_signal_events_total", dimensions: [("rule", rule)]).increment(by: count)
    }
  }

  func knows(_ symbols: Int) { Gauge(label: "souk_signal_symbols").record(symbols) }

  func restored(in time: Duration) { Timer(label: "souk_signal_restore_seconds").record(duration: time) }

  func unreadableState() { Counter(label: "souk_signal_states_unreadable_total").increment() }

  func begunAnew() { Counter(label: "souk_signal_states_begun_anew_total").increment() }
}
