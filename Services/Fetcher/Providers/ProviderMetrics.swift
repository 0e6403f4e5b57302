import Metrics
import ServiceKit

/// The metrics of one provider.
package struct ProviderMetrics: Sendable {
  private let source: String
  private let answered: Counter
  private let notModified: Counter
  private let pauses: Counter
  private let spentOnes: Counter
  private let duration: Metrics.Timer
  private let waiting: Metrics.Timer
  private let inFlight: Meter
  private let state: Gauge

  init(_ source: String) {
    self.source = source
    answered = Counter(label: "souk_fetch_answers_total", dimensions: [("source", source), ("result", "new")])
    notModified = Counter(
      label: "souk_fetch_answers_total", dimensions: [("source", source), ("result", "not_modified")])
    pauses = Counter(label: "souk_provider_pauses_total", dimensions: [("source", source)])
    spentOnes = Counter(label: "souk_provider_budget_spent_total", dimensions: [("source", source)])
    duration = Metrics.Timer(label: "souk_fetch_seconds", dimensions: [("source", source)])
    waiting = Metrics.Timer(label: "souk_fetch_turn_seconds", dimensions: [("source", source)])
    inFlight = Meter(label: "souk_fetches_in_flight", dimensions: [("source", source)])
    state = Gauge(label: "souk_provider_breaker_state", dimensions: [("source", source)])
  }

  static let descriptions = [
    MetricDescription(
      "souk_fetch_answers_total", .counter, "Good answers; not_modified: the provider's last one still holds.",
      labels: ["source", "result"]),
    MetricDescription(
      "souk_fetch_failures_total", .counter, "Requests without a good answer.", labels: ["source", "code"]),
    MetricDescription(
      "souk_provider_pauses_total", .counter, "Times a provider asked for a pause.", labels: ["source"]),
    MetricDescription(
      "souk_provider_budget_spent_total", .counter,
      "Requests that were not made, because the budget of the provider's day was spent.", labels: ["source"]),
    MetricDescription("souk_fetch_seconds", .histogram, "From the request to the answer.", labels: ["source"]),
    MetricDescription(
      "souk_fetch_turn_seconds", .histogram, "How long jobs waited for a request within the provider's rate.",
      labels: ["source"]),
    MetricDescription("souk_fetches_in_flight", .gauge, "Requests without an answer yet.", labels: ["source"]),
    MetricDescription(
      "souk_provider_breaker_state", .gauge, "0 closed, 1 half-open, 2 open: not asked.", labels: ["source"]),
  ]

  func began() { inFlight.increment() }

  func ended(in time: Duration) {
    inFlight.decrement()
    duration.record(duration: time)
  }

  func waited(_ time: Duration) { waiting.record(duration: time) }
  func answered(isCached: Bool) { (isCached ? notModified : answered).increment() }
  func paused() { pauses.increment() }
  func spent() { spentOnes.increment() }

  func failed(_ code: String) {
    Counter(label: "souk_fetch_failures_total", dimensions: [("source", source), ("code", code)]).increment()
  }

  func breaker(_ state: CircuitBreaker.State) {
    switch state {
    case .closed: self.state.record(0)
    case .halfOpen: self.state.record(1)
    case .open: self.state.record(2)
    }
  }
}
