import Core
import Logging
import ObjectStore
import Redis
import Synchronization

/// Which archiver keeps the catalogue and the tiers: the one that holds a lease in Redis. Without Redis, this process
/// takes itself for the only one.
final class Ownership: Sendable {
  private let lease: RedisLease?
  private let timeout: Duration
  private let logger: Logger
  private let state = Mutex(false)

  init(_ lease: RedisLease?, timeout: Duration, logger: Logger) {
    self.lease = lease
    self.timeout = timeout
    self.logger = logger
  }

  static func key(of location: ObjectLocation) -> String { "souk:archive:lease:\(location)" }

  /// As of the last look.
  var isHeld: Bool { state.withLock { $0 } }

  /// Takes the lease, or keeps it.
  /// - Returns: whether it is held for another `timeout`.
  func hold() async throws -> Bool {
    guard let lease else {
      state.withLock { $0 = true }
      return true
    }
    let was = isHeld
    do {
      var holds = try await lease.renew(for: timeout)
      if !holds { holds = try await lease.take(for: timeout) }
      state.withLock { $0 = holds }
      if holds != was {
        logger.notice(holds ? "keeps the catalogue and the tiers" : "another archiver keeps the catalogue")
      }
      return holds
    } catch {
      state.withLock { $0 = false }
      throw error
    }
  }

  /// Keeps the lease beside `work`, which asks `isHeld` before each write: when the lease is lost, it ends there.
  func whileHeld<Outcome>(_ work: () async throws -> Outcome) async throws -> Outcome {
    let end = Interruption()
    async let renewing: Void = renew(until: end)
    let outcome: Result<Outcome, any Error>
    do { outcome = .success(try await work()) } catch { outcome = .failure(error) }
    end.raise()
    await renewing
    return try outcome.get()
  }

  private func renew(until end: Interruption) async {
    while await !end.sleep(for: timeout / 3) { _ = try? await hold() }
  }

  /// Sleeps, and keeps the lease meanwhile if it is held.
  /// - Returns: whether `end` was raised.
  func sleep(for duration: Duration, until end: Interruption) async -> Bool {
    let wake = ContinuousClock.now + duration
    while true {
      let rest = wake - .now
      guard rest > .zero else { return end.isRaised }
      if await end.sleep(for: min(rest, timeout / 3)) { return true }
      if isHeld { _ = try? await hold() }
    }
  }

  func release() async {
    if let lease, isHeld { try? await lease.release() }
    state.withLock { $0 = false }
  }
}
