import Runtime
import Synchronization

/// The right to crawl one source, held by one replica for as long as it renews it.
///
/// It ends here before it ends in Redis: its time is counted on this process's clock from before the command was sent,
/// with a tenth to spare. Who stands still for longer, and goes on, finds it ended before the next announcement.
package final class Tenure: Sendable {
  /// What logs call it.
  package let source: String
  /// The name of its lease.
  package let lease: String
  /// The lease's value in Redis; no other tenure ever has the same.
  package let fence: String
  /// Raised when crawling has to stop: the lease was lost, or goes to another replica, or the process drains.
  package let ended = Interruption()
  private let end: Mutex<ContinuousClock.Instant>
  private let isLost = Mutex(false)

  init(source: String, lease: String, fence: String, until end: ContinuousClock.Instant) {
    self.source = source
    self.lease = lease
    self.fence = fence
    self.end = Mutex(end)
  }

  /// Whether nobody else can hold the lease now.
  package var isHeld: Bool { end.withLock { .now < $0 } }

  func extend(until later: ContinuousClock.Instant) { end.withLock { $0 = max($0, later) } }

  /// It is over at once, whatever Redis says later. Whoever notices first counts it.
  func lose() {
    end.withLock { $0 = .now }
    let isNews = isLost.withLock { lost in
      defer { lost = true }
      return !lost
    }
    if isNews { CrawlerMetrics.leaseLost(source) }
    ended.raise()
  }

  /// Nothing may be done under it any more.
  func lost() -> Failure {
    lose()
    return Failure(.transient, code: "lease_lost", "the lease of \(source) was lost; its next owner goes on")
  }
}
