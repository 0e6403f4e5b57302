import Markets
import Synchronization

/// Where the tokens of one provider's rate come from.
package protocol TokenSource: Sendable {
  /// - Throws: `RedisError`.
  func take(upTo wanted: Int) async throws -> Grant

  /// The provider asked to be left alone for so long.
  /// - Throws: `RedisError`.
  func pause(for time: Duration) async throws
}

/// Tokens of this process alone: every replica has its own. Without a rate it only keeps pauses.
package final class LocalTokens: TokenSource {
  private let bucket: Mutex<TokenBucket>
  private let isUnlimited: Bool
  private let start = ContinuousClock.now

  package init(_ limit: RateLimit?) {
    isUnlimited = limit == nil
    bucket = Mutex(TokenBucket(limit ?? RateLimit(count: 1_000_000, per: .seconds(1)), at: 0))
  }

  private var now: Int64 { Int64((ContinuousClock.now - start) / .microseconds(1)) }

  package func take(upTo wanted: Int) -> Grant {
    let grant = bucket.withLock { $0.take(upTo: wanted, at: now) }
    return isUnlimited && !grant.isPaused ? Grant(count: wanted, wait: .zero) : grant
  }

  package func pause(for time: Duration) {
    bucket.withLock { $0.pause(until: now + Int64(time / .microseconds(1))) }
  }
}
