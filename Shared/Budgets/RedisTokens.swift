import Core
import Redis

/// Tokens that all replicas share: an account in Redis, filled and spent by one script on Redis' clock.
///
/// In any time of length t all replicas together get at most burst + t * rate tokens of a bucket, and the count of a
/// calendar day. An unused token (a cancelled request, a lost answer of Redis) is not returned: fewer requests, never
/// more. A Redis without data starts with full buckets and an unspent day.
package struct RedisTokens: TokenSource {
  private let queue: RedisMultiplexer
  private let key: String
  private let limits: [RateLimit]
  private let zone: ZoneTable

  /// - Parameter limits: none shares only the pauses.
  /// - Throws: a configuration `Failure` for an unknown time zone.
  package init(_ queue: RedisMultiplexer, source: String, limits: RateLimits) throws(Failure) {
    self.queue = queue
    key = Self.key(of: source)
    self.limits = limits.limits
    zone = try ZoneTable(identifier: limits.zone)
  }

  /// - Parameter source: its word.
  package static func key(of source: String) -> String { "souk:budget:\(source)" }

  /// KEYS: the account. ARGV: wanted, time of a probe, the provider's seconds east of UTC; then for each limit its
  /// tokens, microseconds (those of a day: a calendar day) and burst. Levels are named by their interval, so programs
  /// that know different limits of one account agree on what they share.
  /// Answers: granted tokens, microseconds until more, 1 while paused, 1 for a probe, 1 when the day is spent.
  private static let taking = RedisScript("""
    local time = redis.call('TIME')
    local now = time[1] * 1000000 + time[2]
    local wanted, probing, east = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
    local state = redis.call('HMGET', KEYS[1], 'paused', 'strikes', 'probing')
    local paused = tonumber(state[1]) or 0
    if now < paused then return {0, paused - now, 1, 0, 0} end
    local probe = (tonumber(state[2]) or 0) > 0 and 1 or 0
    if probe == 1 then
      local till = tonumber(state[3]) or 0
      if now < till then return {0, math.min(1000000, till - now), 1, 0, 0} end
      wanted = math.min(wanted, 1)
    end
    local given, levels, expiry = wanted, {}, 60000
    for place = 4, #ARGV, 3 do
      local count, interval, burst = tonumber(ARGV[place]), tonumber(ARGV[place + 1]), tonumber(ARGV[place + 2])
      local level = {count = count, interval = interval, name = ARGV[place + 1]}
      if interval == 86400000000 then
        local known = redis.call('HMGET', KEYS[1], 'day', 'used')
        level.day = math.floor((now / 1000000 + east) / 86400)
        local day, used = tonumber(known[1]) or level.day, tonumber(known[2]) or 0
        if day < level.day then used = 0 else level.day = day end
        level.used = used
        level.tokens = math.max(0, count - used)
        expiry = math.max(expiry, 172800000)
      else
        local known = redis.call('HMGET', KEYS[1], 'tokens:' .. level.name, 'at:' .. level.name)
        local at = tonumber(known[2]) or now
        level.tokens = math.min(burst, (tonumber(known[1]) or burst) + math.max(0, now - at) * count / interval)
        expiry = math.max(expiry, math.ceil(burst * interval / count / 1000) + 60000)
      end
      given = math.min(given, math.floor(level.tokens))
      levels[#levels + 1] = level
    end
    local wait, spent = 0, 0
    for _, level in ipairs(levels) do
      local tokens = level.tokens - given
      if level.day then
        redis.call('HSET', KEYS[1], 'day', string.format('%.0f', level.day), 'used',
          string.format('%.0f', level.used + given))
        if given < wanted and tokens < 1 then
          spent = 1
          wait = math.max(wait, ((level.day + 1) * 86400 - east) * 1000000 - now)
        end
      else
        redis.call('HSET', KEYS[1], 'tokens:' .. level.name, string.format('%.17g', tokens), 'at:' .. level.name,
          string.format('%.0f', now))
        if given < wanted and tokens < 1 then
          wait = math.max(wait, math.ceil((1 - tokens) * level.interval / level.count))
        end
      end
    end
    if #levels > 0 then redis.call('PEXPIRE', KEYS[1], math.max(redis.call('PTTL', KEYS[1]), expiry)) end
    if probe == 1 and given > 0 then
      redis.call('HSET', KEYS[1], 'probing', string.format('%.0f', now + probing))
      return {given, wait, 0, 1, spent}
    end
    return {given, wait, 0, 0, spent}
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
    let levels = limits.flatMap { ["\($0.count)", "\(Int64($0.interval / .microseconds(1)))", "\($0.burst)"] }
    let east = zone.offsetSeconds(at: WallClock.seconds())
    let reply = try await queue.run(
      Self.taking, keys: [key], arguments: ["\(wanted)", "\(probing)", "\(east)"] + levels)
    guard let numbers = reply.array?.compactMap(\.integer), numbers.count == 5 else { throw Self.unexpected }
    return Grant(
      count: Int(numbers[0]), wait: .microseconds(numbers[1]), isPaused: numbers[2] == 1, isProbe: numbers[3] == 1,
      isSpent: numbers[4] == 1)
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
