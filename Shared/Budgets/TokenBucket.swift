import Core
import Synchronization

/// The tokens of one provider's account, with pauses. Pure: the caller passes the time, in microseconds of one clock.
///
/// Every limit has a level: a bucket that fills at its rate, or the count of the provider's day. A token is one of
/// each. After a growing pause the bucket grants one probe at a time, until one succeeds. The scripts of `RedisTokens`
/// do the same in Lua.
package struct TokenBucket: Hashable, Sendable {
  private struct Level: Hashable, Sendable {
    let limit: RateLimit
    /// Those left: of a bucket at `TokenBucket.time`, of a day in `day`.
    var tokens: Double
    var day = Int64.min
  }
  private var levels: [Level]
  private var time: Int64
  private var pausedUntil: Int64 = .min
  /// Growing pauses since the last success.
  private var strikes = 0
  private var probingUntil: Int64 = .min

  /// The time to wait for the outcome of a probe before the next one.
  package static let probeTime = Duration.seconds(30)

  /// - Parameter limits: none: only pauses delay requests.
  package init(_ limits: [RateLimit], at time: Int64) {
    levels = limits.map { Level(limit: $0, tokens: Double($0.isDaily ? $0.count : $0.burst)) }
    self.time = time
  }

  /// Spends up to `wanted` tokens.
  /// - Parameter day: the provider's, for limits of a day.
  package mutating func take(upTo wanted: Int, at now: Int64, in day: BudgetDay = BudgetDay()) -> Grant {
    if now < pausedUntil { return Grant(count: 0, wait: .microseconds(pausedUntil - now), isPaused: true) }
    let isProbe = strikes > 0
    if isProbe, now < probingUntil {
      return Grant(count: 0, wait: min(.seconds(1), .microseconds(probingUntil - now)), isPaused: true)
    }
    var grant = spend(upTo: isProbe ? min(wanted, 1) : wanted, at: now, day)
    if isProbe, grant.count > 0 {
      grant.isProbe = true
      probingUntil = now + Int64(Self.probeTime / .microseconds(1))
    }
    return grant
  }

  private mutating func spend(upTo wanted: Int, at now: Int64, _ day: BudgetDay) -> Grant {
    var granted = wanted
    for index in levels.indices {
      let limit = levels[index].limit
      if limit.isDaily {
        // Another clock's day does not come back.
        if day.number > levels[index].day {
          (levels[index].day, levels[index].tokens) = (day.number, Double(limit.count))
        }
      } else {
        let filled = Double(max(0, now - time)) * Double(limit.count) / (limit.interval / .microseconds(1))
        levels[index].tokens = min(Double(limit.burst), levels[index].tokens + filled)
      }
      granted = min(granted, Int(levels[index].tokens))
    }
    time = now
    var grant = Grant(count: granted, wait: .zero)
    for index in levels.indices {
      levels[index].tokens -= Double(granted)
      let (limit, tokens) = (levels[index].limit, levels[index].tokens)
      guard granted < wanted, tokens < 1 else { continue }
      if limit.isDaily {
        grant.isSpent = true
        grant.wait = max(grant.wait, .microseconds(day.left))
      } else {
        let missing = (1 - tokens) * (limit.interval / .microseconds(1)) / Double(limit.count)
        grant.wait = max(grant.wait, .microseconds(Int64(missing.rounded(.up))))
      }
    }
    return grant
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

/// A calendar day of a provider: its number since 1970, and what is left of it, in microseconds.
package struct BudgetDay: Hashable, Sendable {
  package var number: Int64 = 0
  package var left: Int64 = 0

  package init(number: Int64 = 0, left: Int64 = 0) { (self.number, self.left) = (number, left) }

  /// - Parameter instant: microseconds since 1970.
  package init(at instant: Int64, in zone: ZoneTable) {
    let seconds = instant.flooredDivision(by: 1_000_000).quotient
    number = (seconds + Int64(zone.offsetSeconds(at: seconds))).flooredDivision(by: 86_400).quotient
    let next = CivilDate(daysSinceEpoch: number + 1)
    left = max(0, zone.instant(year: next.year, month: next.month, day: next.day).epochSeconds * 1_000_000 - instant)
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
  /// The provider's day has no more; `wait` lasts until it ends.
  package var isSpent = false

  package init(count: Int, wait: Duration, isPaused: Bool = false, isProbe: Bool = false, isSpent: Bool = false) {
    (self.count, self.wait, self.isPaused, self.isProbe, self.isSpent) = (count, wait, isPaused, isProbe, isSpent)
  }
}

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
