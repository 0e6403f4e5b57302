import Markets

/// What a rate leaves to spend. Pure: the caller brings the time, in microseconds of any one clock.
///
/// The script of `RedisTokens` is this, in Lua.
package struct TokenBucket: Hashable, Sendable {
  package let limit: RateLimit
  private var tokens: Double
  private var time: Int64
  private var pausedUntil: Int64 = .min

  package init(_ limit: RateLimit, at time: Int64) {
    self.limit = limit
    tokens = Double(limit.burst)
    self.time = time
  }

  /// Spends up to `wanted` tokens.
  package mutating func take(upTo wanted: Int, at now: Int64) -> Grant {
    if now < pausedUntil { return Grant(count: 0, wait: .microseconds(pausedUntil - now), isPaused: true) }
    let microseconds = limit.interval / .microseconds(1)
    tokens = min(Double(limit.burst), tokens + Double(max(0, now - time)) * Double(limit.count) / microseconds)
    time = now
    let granted = min(wanted, Int(tokens))
    tokens -= Double(granted)
    guard granted < wanted else { return Grant(count: granted, wait: .zero) }
    let missing = (1 - tokens) * microseconds / Double(limit.count)
    return Grant(count: granted, wait: .microseconds(Int64(missing.rounded(.up))))
  }

  /// Gives nothing until then; a shorter pause than the one that holds changes nothing.
  package mutating func pause(until: Int64) { pausedUntil = max(pausedUntil, until) }
}

/// What was given of what was wanted.
package struct Grant: Hashable, Sendable {
  package var count: Int
  /// Until more is to be had; zero when all was given.
  package var wait: Duration
  /// Nothing is given because the provider asked to be left alone.
  package var isPaused: Bool

  package init(count: Int, wait: Duration, isPaused: Bool = false) {
    self.count = count
    self.wait = wait
    self.isPaused = isPaused
  }
}
