import Commodities
import Synchronization

/// The source of tokens of one provider's rate.
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

/// Tokens of this process alone; every replica has its own. Without a rate it only keeps pauses.
package final class LocalTokens: TokenSource {
  private let bucket: Mutex<TokenBucket>
  private let start = ContinuousClock.now

  package init(_ limit: RateLimit?) { bucket = Mutex(TokenBucket(limit, at: 0)) }

  private var now: Int64 { Int64((ContinuousClock.now - start) / .microseconds(1)) }

  package func take(upTo wanted: Int) -> Grant { bucket.withLock { $0.take(upTo: wanted, at: now) } }
  package func pause(_ pause: Pause) -> Duration { bucket.withLock { $0.pause(pause, at: now) } }
  package func recover() { bucket.withLock { $0.recover(at: now) } }
}
