import Core
import Synchronization

/// Spaces the requests to a source.
package final class Pace: Sendable {
  private let gap: Duration
  private let drain: Interruption
  private let next = Mutex<ContinuousClock.Instant?>(nil)

  package init(gap: Duration, drain: Interruption) {
    self.gap = gap
    self.drain = drain
  }

  /// Waits until the next request may start.
  /// - Returns: false when the service drains instead.
  /// - Throws: `CancellationError`.
  package func turn() async throws -> Bool {
    try Task.checkCancellation()
    if drain.isRaised { return false }
    let now = ContinuousClock.now
    let mine = next.withLock { next in
      let turn = max(now, next ?? now)
      next = turn + gap
      return turn
    }
    if mine > now, await drain.sleep(for: mine - now) {
      try Task.checkCancellation()
      return false
    }
    return true
  }
}
