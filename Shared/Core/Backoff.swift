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

/// An attempt that an outage made fail, and how long to wait before the next one.
package struct FailedAttempt: Sendable {
  /// Of class `transient`.
  package let error: any Error
  /// 1 for the first.
  package let number: Int
  package let delay: Duration

  package var code: String { publicCode(of: error) }
}

extension Backoff {
  /// Repeats `operation` for as long as it fails with a transient error.
  ///
  /// - Parameter pause: called after each failed attempt: waits for `delay`, or throws to give up.
  /// - Throws: errors of `operation` that are not transient, and what `pause` throws.
  package func retry<Value>(
    _ operation: () async throws -> Value,
    pause: (FailedAttempt) async throws -> Void
  ) async throws -> Value {
    var backoff = self
    while true {
      do {
        return try await operation()
      } catch where ErrorClass(of: error) == .transient {
        let delay = backoff.next(retryAfter: (error as? any ClassifiedError)?.retryAfter)
        try await pause(FailedAttempt(error: error, number: backoff.attempt, delay: delay))
      }
    }
  }

  /// Repeats `operation` for as long as it fails with a transient error, until `interruption` is raised.
  ///
  /// - Parameter isWanted: called after each failed attempt, before the wait; false gives way, a throw gives up.
  /// - Returns: nil when it gave way.
  package func retry<Value>(
    until interruption: Interruption, _ operation: () async throws -> Value,
    isWanted: (FailedAttempt) throws -> Bool
  ) async throws -> Value? {
    do {
      return try await retry(operation) { failed in
        guard try isWanted(failed), await !interruption.sleep(for: failed.delay) else { throw GaveWay() }
      }
    } catch is GaveWay {
      return nil
    }
  }

  private struct GaveWay: Error {}
}
