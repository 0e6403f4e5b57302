/// A cap on how fast records may be dead-lettered: a bad deploy must stop, not drain a topic into its DLQ.
///
/// A token bucket: `limit` at once, refilled evenly over `window`. A pure value; the caller brings the time.
package struct DeadLetterBudget: Sendable {
  /// Records per window; nil for no cap.
  package let limit: Int?
  package let window: Duration
  private var tokens: Double
  private var refilled: ContinuousClock.Instant?

  package init(limit: Int?, window: Duration = .seconds(60)) {
    precondition(window > .zero && limit.map { $0 > 0 } ?? true)
    self.limit = limit
    self.window = window
    tokens = Double(limit ?? 0)
  }

  /// Takes one dead letter out of the budget.
  /// - Returns: false when the cap is passed and the service has to stop.
  package mutating func spend(at now: ContinuousClock.Instant) -> Bool {
    guard let limit else { return true }
    if let refilled, now > refilled {
      tokens = min(Double(limit), tokens + Double(limit) * ((now - refilled) / window))
    }
    refilled = max(refilled ?? now, now)
    guard tokens >= 1 else { return false }
    tokens -= 1
    return true
  }
}
