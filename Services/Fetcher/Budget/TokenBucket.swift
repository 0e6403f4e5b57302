import Markets

/// What a rate leaves to spend, and what the provider allows of it. Pure: the caller brings the time, in microseconds
/// of any one clock.
///
/// After a pause of the growing kind the provider is on probation: one request at a time, until one has a good answer.
/// The scripts of `RedisTokens` are this, in Lua.
package struct TokenBucket: Hashable, Sendable {
  /// Nil: only pauses hold requests back.
  package let limit: RateLimit?
  private var tokens: Double
  private var time: Int64
  private var pausedUntil: Int64 = .min
  /// Growing pauses since the last good answer.
  private var strikes = 0
  private var probingUntil: Int64 = .min

  /// How long the outcome of a probe is awaited before the next one.
  package static let probeTime = Duration.seconds(30)

  package init(_ limit: RateLimit?, at time: Int64) {
    self.limit = limit
    tokens = Double(limit?.burst ?? 0)
    self.time = time
  }

  /// Spends up to `wanted` tokens.
  package mutating func take(upTo wanted: Int, at now: Int64) -> Grant {
    if now < pausedUntil { return Grant(count: 0, wait: .microseconds(pausedUntil - now), isPaused: true) }
    let isProbe = strikes > 0
    if isProbe, now < probingUntil {
      return Grant(count: 0, wait: min(.seconds(1), .microseconds(probingUntil - now)), isPaused: true)
    }
    var grant = spend(upTo: isProbe ? min(wanted, 1) : wanted, at: now)
    if isProbe, grant.count > 0 {
      grant.isProbe = true
      probingUntil = now + Int64(Self.probeTime / .microseconds(1))
    }
    return grant
  }

  private mutating func spend(upTo wanted: Int, at now: Int64) -> Grant {
    guard let limit else { return Grant(count: wanted, wait: .zero) }
    let microseconds = limit.interval / .microseconds(1)
    tokens = min(Double(limit.burst), tokens + Double(max(0, now - time)) * Double(limit.count) / microseconds)
    time = now
    let granted = min(wanted, Int(tokens))
    tokens -= Double(granted)
    guard granted < wanted else { return Grant(count: granted, wait: .zero) }
    let missing = (1 - tokens) * microseconds / Double(limit.count)
    return Grant(count: granted, wait: .microseconds(Int64(missing.rounded(.up))))
  }

  /// Gives nothing for a while; a shorter pause than the one that holds changes nothing, nor does a growing one: those
  /// of requests that were under way together count once.
  /// - Returns: how long it holds.
  package mutating func pause(_ pause: Pause, at now: Int64) -> Duration {
    switch pause {
    case .asked(let time): pausedUntil = max(pausedUntil, now + Int64(time / .microseconds(1)))
    case .growing(let first, let longest):
      guard now >= pausedUntil else { break }
      let length = min(longest, first * (1 << min(strikes, 20)))
      strikes += 1
      (pausedUntil, probingUntil) = (now + Int64(length / .microseconds(1)), .min)
    }
    return .microseconds(max(0, pausedUntil - now))
  }

  /// A probe had a good answer. One that was under way when a pause began proves nothing.
  package mutating func recover(at now: Int64) {
    guard now >= pausedUntil else { return }
    strikes = 0
  }
}

/// How long a provider is left alone.
package enum Pause: Hashable, Sendable {
  /// As long as it asks for.
  case asked(Duration)
  /// It does not say how long: twice as long each time until a request has a good answer.
  case growing(from: Duration, atMost: Duration)
}

/// What was given of what was wanted.
package struct Grant: Hashable, Sendable {
  package var count: Int
  /// Until more is to be had; zero when all was given.
  package var wait: Duration
  /// Nothing is given because the provider asked to be left alone.
  package var isPaused: Bool
  /// It is the one request that shows whether the provider allows more.
  package var isProbe: Bool

  package init(count: Int, wait: Duration, isPaused: Bool = false, isProbe: Bool = false) {
    self.count = count
    self.wait = wait
    self.isPaused = isPaused
    self.isProbe = isProbe
  }
}
