import Core
import Synchronization

/// The source of tokens of one provider's account.
package protocol TokenSource: Sendable {
  /// - Throws: `RedisError`.
  func take(upTo wanted: Int) async throws -> Grant

  /// The provider asked for a pause.
  /// - Returns: the remaining time of the pause.
  /// - Throws: `RedisError`.
  func pause(_ pause: Pause) async throws -> Duration

  /// The probe succeeded: pauses start with the first length again.
  /// - Throws: `RedisError`.
  func recover() async throws
}

/// Tokens of this process alone; every replica has its own. Without a limit it only keeps pauses.
package final class LocalTokens: TokenSource {
  private let bucket: Mutex<TokenBucket>
  private let zone: ZoneTable
  private let start = ContinuousClock.now
  private let wallClock: @Sendable () -> Int64

  /// - Parameter wallClock: microseconds since 1970, for the provider's day.
  /// - Throws: a configuration `Failure` for an unknown time zone.
  package init(
    _ limits: RateLimits = RateLimits(), wallClock: @escaping @Sendable () -> Int64 = WallClock.microseconds
  ) throws(Failure) {
    bucket = Mutex(TokenBucket(limits.limits, at: 0))
    zone = try ZoneTable(identifier: limits.zone)
    self.wallClock = wallClock
  }

  private var now: Int64 { Int64((ContinuousClock.now - start) / .microseconds(1)) }

  package func take(upTo wanted: Int) -> Grant {
    let day = BudgetDay(at: wallClock(), in: zone)
    return bucket.withLock { $0.take(upTo: wanted, at: now, in: day) }
  }
  package func pause(_ pause: Pause) -> Duration { bucket.withLock { $0.pause(pause, at: now) } }
  package func recover() { bucket.withLock { $0.recover(at: now) } }
}
