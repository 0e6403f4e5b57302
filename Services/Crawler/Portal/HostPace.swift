import Runtime
import Synchronization

/// Keeps requests to one host apart, and away from a host that asked for it; shared by all chains.
package final class HostPace: Sendable {
  private let next = Mutex<[String: ContinuousClock.Instant]>([:])

  package init() {}

  /// Returns when the caller may start a request to `host`; callers get their turns in the order they asked.
  /// - Throws: `CancellationError`.
  package func turn(_ host: String, gap: Duration) async throws {
    let now = ContinuousClock.now
    let mine = next.withLock { next in
      let turn = max(now, next[host] ?? now)
      next[host] = turn + gap
      return turn
    }
    if mine > now { try await Task.sleep(until: mine, clock: .continuous) }
  }

  /// Nobody starts a request to `host` before `delay` has passed.
  package func hold(_ host: String, for delay: Duration) {
    let end = ContinuousClock.now + delay
    next.withLock { $0[host] = max(end, $0[host] ?? end) }
  }
}
