import Runtime

/// Tells a hiccup from a lasting problem: a failure that needs an operator is believed only when it was reported
/// again and again for a while with no success in between. (A broker that restarts while we authenticate is
/// reported as an authentication failure.)
struct Trouble {
  let grace: Duration
  private var first: ContinuousClock.Instant?
  private var reports = 0
  private var last: (error: KafkaError, at: ContinuousClock.Instant)?

  init(grace: Duration) { self.grace = grace }

  mutating func note(_ error: KafkaError, now: ContinuousClock.Instant) {
    if first == nil { first = now }
    reports += 1
    last = (error, now)
  }

  mutating func clear() { self = Trouble(grace: grace) }

  /// The error to stop for, once it is believed.
  var verdict: KafkaError? {
    guard let first, let last, reports >= 3, last.at - first >= grace else { return nil }
    return last.error
  }
}
