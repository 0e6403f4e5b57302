/// Full-jitter exponential back-off: the n-th delay is uniform in [0, min(cap, base * 2^n)].
///
/// Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. A pure value: the caller
/// sleeps. Never gives up by itself; callers that must have a limit count `attempt`.
package struct Backoff: Sendable {
  package let base: Duration
  package let cap: Duration
  /// How many delays were handed out since the last `reset()`.
  package private(set) var attempt = 0

  package init(base: Duration = .milliseconds(100), cap: Duration = .seconds(30)) {
    precondition(base > .zero && cap >= base, "a back-off needs 0 < base <= cap")
    self.base = base
    self.cap = cap
  }

  /// The longest the next delay can be.
  package var ceiling: Duration {
    attempt >= 30 ? cap : min(cap, base * (1 << attempt))
  }

  /// The next delay; never shorter than `retryAfter` (which is itself capped at ten times `cap`).
  package mutating func next(
    retryAfter: Duration? = nil, using generator: inout some RandomNumberGenerator
  ) -> Duration {
    let span = ceiling
    attempt += 1
    let jittered = span * Double.random(in: 0...1, using: &generator)
    guard let retryAfter else { return jittered }
    return max(jittered, min(retryAfter, cap * 10))
  }

  package mutating func next(retryAfter: Duration? = nil) -> Duration {
    var generator = SystemRandomNumberGenerator()
    return next(retryAfter: retryAfter, using: &generator)
  }

  package mutating func reset() { attempt = 0 }
}
