import Commodities
import Core
import Redis

/// Tokens that all replicas share: a bucket in Redis, filled and spent by one script on Redis' clock.
///
/// In any time of length t all replicas together get at most burst + t * rate tokens. An unused token (a cancelled
/// request, a lost answer of Redis) is not returned: fewer requests, never more. A Redis without data starts with a
/// full bucket.
package struct RedisTokens: TokenSource {
  private let queue: RedisMultiplexer
  private let key: String
  private let arguments: [String]

  /// - Parameter limit: nil shares only the pauses.
  package init(_ queue: RedisMultiplexer, source: String, limit: RateLimit?) {
    self.queue = queue
    key = Self.key(of: source)
    let interval = (limit?.interval ?? .zero) / .microseconds(1)
    arguments = ["\(limit?.count ?? 0)", "\(Int64(interval))", "\(limit?.burst ?? 0)"]
  }

  /// - Parameter source: its word.
  package static func key(of source: String) -> String { "souk:fetcher:budget:\(source)" }

  /// KEYS: the bucket. ARGV: tokens (0: no limit) per microseconds, burst, wanted, time of a probe.
  /// Answers: granted tokens, microseconds until more, 1 while paused, 1 for a probe.
  private static let taking = RedisScript("""
    local time = redis.call('TIME')
    local now = time[1] * 1000000 + time[2]
    local count, interval, burst, wanted, probing =
      tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
    local state = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'paused', 'strikes', 'probing')
    local paused = tonumber(state[3]) or 0
    if now < paused then return {0, paused - now, 1, 0} end
    local probe = (tonumber(state[4]) or 0) > 0 and 1 or 0
    if probe == 1 then
      local till = tonumber(state[5]) or 0
      if now < till then return {0, math.min(1000000, till - now), 1, 0} end
      wanted = math.min(wanted, 1)
    end
    local given, wait = wanted, 0
    if count > 0 then
      local at = tonumber(state[2]) or now
      local tokens = math.min(burst, (tonumber(state[1]) or burst) + math.max(0, now - at) * count / interval)
      given = math.min(wanted, math.floor(tokens))
      tokens = tokens - given
      redis.call('HSET', KEYS[1], 'tokens', string.format('%.17g', tokens), 'at', string.format('%.0f', now))
      if given < wanted then wait = math.ceil((1 - tokens) * interval / count) end
      redis.call('PEXPIRE', KEYS[1],
        math.max(redis.call('PTTL', KEYS[1]), math.ceil(burst * interval / count / 1000) + 60000))
    end
    if probe == 1 and given > 0 then
      redis.call('HSET', KEYS[1], 'probing', string.format('%.0f', now + probing))
      return {given, wait, 0, 1}
    end
    return {given, wait, 0, 0}
    """)

  /// KEYS: the bucket. ARGV: microseconds, the longest of a growing pause (0: a pause of the given length).
  /// Answers: remaining microseconds of the pause. The state of pauses is kept for an hour after the last one.
  private static let pausing = RedisScript("""
    local time = redis.call('TIME')
    local now = time[1] * 1000000 + time[2]
    local length, longest = tonumber(ARGV[1]), tonumber(ARGV[2])
    local state = redis.call('HMGET', KEYS[1], 'paused', 'strikes')
    local paused = tonumber(state[1]) or 0
    if longest > 0 then
      if now < paused then return paused - now end
      local strikes = tonumber(state[2]) or 0
      length = math.min(longest, length * 2 ^ math.min(strikes, 20))
      redis.call('HSET', KEYS[1], 'strikes', strikes + 1)
      redis.call('HDEL', KEYS[1], 'probing')
    end
    if now + length > paused then
      paused = now + length
      redis.call('HSET', KEYS[1], 'paused', string.format('%.0f', paused))
      redis.call('PEXPIRE', KEYS[1], math.max(redis.call('PTTL', KEYS[1]), math.ceil(length / 1000) + 3600000))
    end
    return paused - now
    """)

  /// KEYS: the bucket.
  private static let recovering = RedisScript("""
    local time = redis.call('TIME')
    local paused = tonumber(redis.call('HGET', KEYS[1], 'paused')) or 0
    if time[1] * 1000000 + time[2] >= paused then redis.call('HDEL', KEYS[1], 'strikes', 'probing') end
    return 1
    """)

  package func take(upTo wanted: Int) async throws -> Grant {
    let probing = Int64(TokenBucket.probeTime / .microseconds(1))
    let reply = try await queue.run(Self.taking, keys: [key], arguments: arguments + ["\(wanted)", "\(probing)"])
    guard let numbers = reply.array?.compactMap(\.integer), numbers.count == 4 else { throw Self.unexpected }
    return Grant(
      count: Int(numbers[0]), wait: .microseconds(numbers[1]), isPaused: numbers[2] == 1, isProbe: numbers[3] == 1)
  }

  package func pause(_ pause: Pause) async throws -> Duration {
    let (length, longest) =
      switch pause {
      case .asked(let time): (time, Duration.zero)
      case .growing(let first, let longest): (first, longest)
      }
    let reply = try await queue.run(
      Self.pausing, keys: [key],
      arguments: [length, longest].map { "\(Int64($0 / .microseconds(1)))" })
    guard let microseconds = reply.integer else { throw Self.unexpected }
    return .microseconds(max(0, microseconds))
  }

  package func recover() async throws { _ = try await queue.run(Self.recovering, keys: [key], arguments: []) }

  private static let unexpected = RedisError(
    code: "redis_protocol", .fatal, operation: "EVALSHA", message: "the budget's script gave an unexpected answer")
}
