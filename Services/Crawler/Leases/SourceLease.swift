import Core
import Synchronization

/// The right to crawl one source, held by one replica while it renews it.
///
/// The lease ends here before it ends in Redis: this process measures it on its own clock, from before the command was
/// sent, with a tenth to spare. A process that was suspended for longer finds the lease ended before its next
/// announcement.
package final class SourceLease: Sendable {
  /// The source's name in logs.
  package let source: String
  /// The name in the lease's key.
  package let name: String
  /// The lease's value in Redis; unique.
  package let fence: String
  /// Raised when crawling has to stop: the lease was lost, moves to another replica, or the process drains.
  package let ended = Interruption()
  private let leases: RedisLeases
  private let end: Mutex<ContinuousClock.Instant>
  private let isLost = Mutex(false)

  init(source: String, name: String, fence: String, leases: RedisLeases, until end: ContinuousClock.Instant) {
    self.leases = leases
    self.source = source
    self.name = name
    self.fence = fence
    self.end = Mutex(end)
  }

  /// Whether no other replica can hold the lease now.
  package var isHeld: Bool { end.withLock { .now < $0 } }

  func extend(until later: ContinuousClock.Instant) { end.withLock { $0 = max($0, later) } }

  /// Ends the lease now, whatever Redis answers later. Counts once.
  func lose() {
    end.withLock { $0 = .now }
    let isFirst = isLost.withLock { lost in
      defer { lost = true }
      return !lost
    }
    if isFirst { CrawlerMetrics.leaseLost(source) }
    ended.raise()
  }

  func requireHeld() throws(Failure) {
    if !isHeld { throw lost() }
  }

  /// Marks announced files in Redis, unless the lease is lost: its next owner's marks are never overwritten.
  /// - Throws: `lease_lost`; `RedisError`.
  func mark(_ entries: [SeenEntry]) async throws { try await leases.mark(entries, under: self) }

  /// Ends the lease, and returns the error for work that needs it.
  func lost() -> Failure {
    lose()
    return Failure(.transient, code: "lease_lost", "the lease of \(source) was lost; its next owner continues")
  }
}
