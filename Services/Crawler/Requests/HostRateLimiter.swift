import Synchronization

/// Spaces the requests to each host, and stops them for as long as a host asks; shared by all chains.
final class HostRateLimiter: Sendable {
  private let next = Mutex<[String: ContinuousClock.Instant]>([:])

  /// Returns when the caller may start a request to `host`; callers get their turns in the order they asked.
  /// - Throws: `CancellationError`.
  func turn(_ host: String, gap: Duration) async throws {
    let now = ContinuousClock.now
    let mine = reserve(host, gap: gap, now: now)
    if mine > now { try await Task.sleep(until: mine, clock: .continuous) }
  }

  /// When the next request to `host` may start; the one after it comes `gap` later.
  func reserve(_ host: String, gap: Duration, now: ContinuousClock.Instant) -> ContinuousClock.Instant {
    next.withLock { next in
      let turn = max(now, next[host] ?? now)
      next[host] = turn + gap
      return turn
    }
  }

  /// No request to `host` starts before `delay` has passed.
  func hold(_ host: String, for delay: Duration, now: ContinuousClock.Instant = .now) {
    next.withLock { next in
      let end = now + delay
      next[host] = max(end, next[host] ?? end)
    }
  }
}
