import Core
import Messages
import Metrics

/// What options-detector counts beyond what every consumer counts.
struct FlowMetrics: Sendable {
  static let descriptions = [
    MetricDescription(
      "souk_flow_events_total", .counter, "Records of events that were published, later revisions included.",
      labels: ["rule", "status"]),
    MetricDescription(
      "souk_flow_conditions_unknown_total", .counter,
      "Conditions that are in no table: their prints are left out. Load a newer table with --conditions."),
    MetricDescription(
      "souk_flow_contracts_gone_total", .counter, "Contracts that a whole snapshot does not have any more."),
    MetricDescription(
      "souk_flow_unverified_total", .counter,
      "Events that were forgotten before an open interest confirmed or refuted them."),
    MetricDescription("souk_flow_underlyings", .gauge, "Underlyings whose states are in memory."),
    MetricDescription(
      "souk_flow_restore_seconds", .histogram, "From an assignment until its states were read.",
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]),
    MetricDescription(
      "souk_flow_states_unreadable_total", .counter,
      "States of the changelog that could not be read: what they knew begins anew."),
  ]

  func published(_ events: [OptionsFlow]) {
    var counts: [[String]: Int] = [:]
    for event in events { counts[[event.rule.rawValue, event.status.rawValue], default: 0] += 1 }
    for (labels, count) in counts {
      Counter(label: "souk_flow_events_total", dimensions: [("rule", labels[0]), ("status", labels[1])])
        .increment(by: count)
    }
  }

  func unknown(_ conditions: Int) { Counter(label: "souk_flow_conditions_unknown_total").increment(by: conditions) }
  func gone(_ contracts: Int) { Counter(label: "souk_flow_contracts_gone_total").increment(by: contracts) }
  func unverified(_ events: Int) { Counter(label: "souk_flow_unverified_total").increment(by: events) }
  func knows(_ underlyings: Int) { Gauge(label: "souk_flow_underlyings").record(underlyings) }
  func restored(in time: Duration) { Timer(label: "souk_flow_restore_seconds").record(duration: time) }
  func unreadableState() { Counter(label: "souk_flow_states_unreadable_total").increment() }
}
