import Commodities

/// A token bucket with pauses. Pure: the caller passes the time, in microseconds of one clock.
///
/// After a growing pause the bucket grants one probe at a time, until one succeeds. The scripts of `RedisTokens` do the
/// same in Lua.
package struct TokenBucket: Hashable, Sendable {
  /// nil: only pauses delay requests.
  package let limit: RateLimit?
  private var tokens: Double
  private var time: Int64
  private var pausedUntil: Int64 = .min
  /// Growing pauses since the last success.
  private var strikes = 0
  private var probingUntil: Int64 = .min

  /// The time to wait for the outcome of a probe before the next one.
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

  /// Pauses the bucket. During a pause, a shorter one changes nothing, and neither does a growing one: failures of
  /// concurrent requests count once.
  /// - Returns: the remaining time of the pause.
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

  /// A probe succeeded. The success of a request from before the pause changes nothing.
  package mutating func recover(at now: Int64) {
    guard now >= pausedUntil else { return }
    strikes = 0
  }
}

/// How long requests to a provider pause.
package enum Pause: Hashable, Sendable {
  /// The time that the provider asks for.
  case asked(Duration)
  /// Without a time from the provider: doubles each time, until a request succeeds.
  case growing(from: Duration, atMost: Duration)
}

/// The granted tokens of a request.
package struct Grant: Hashable, Sendable {
  package var count: Int
  /// Time until more are available; zero when all were granted.
  package var wait: Duration
  /// No tokens, because of a pause.
  package var isPaused = false
  /// The one request that tests whether the provider allows more.
  package var isProbe = false
}
