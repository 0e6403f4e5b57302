import Markets
import Redis
import Runtime

/// Tokens that all replicas share: a bucket in Redis, filled and spent by one script on Redis' own clock.
///
/// In any time of length t at most burst + t * rate tokens are given to all replicas together. A token that was given
/// and not used (the request was given up, the answer of Redis lost) is gone: fewer requests, never more. A Redis that
/// forgot everything starts with a full bucket.
package struct RedisTokens: TokenSource {
  private let queue: RedisQueue
  private let key: String
  private let arguments: [String]

  package init(_ queue: RedisQueue, source: String, limit: RateLimit) {
    self.queue = queue
    key = Self.key(of: source)
    arguments = ["\(limit.count)", "\(Int64(limit.interval / .microseconds(1)))", "\(limit.burst)"]
  }

  /// - Parameter source: its word.
  package static func key(of source: String) -> String { "souk:fetcher:budget:\(source)" }

  /// KEYS: the bucket. ARGV: tokens, per so many microseconds, burst, wanted.
  /// Answers: given, microseconds until more, 1 while paused.
  private static let taking = RedisScript("""
    local time = redis.call('TIME')
    local now = time[1] * 1000000 + time[2]
    local count, interval, burst, wanted =
      tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
    local state = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'paused')
    local paused = tonumber(state[3]) or 0
    if now < paused then return {0, paused - now, 1} end
    local at = tonumber(state[2]) or now
    local tokens = math.min(burst, (tonumber(state[1]) or burst) + math.max(0, now - at) * count / interval)
    local given = math.min(wanted, math.floor(tokens))
    tokens = tokens - given
    redis.call('HSET', KEYS[1], 'tokens', string.format('%.17g', tokens), 'at', string.format('%.0f', now))
    redis.call('PEXPIRE', KEYS[1], math.ceil(burst * interval / count / 1000) + 60000)
    if given == wanted then return {given, 0, 0} end
    return {given, math.ceil((1 - tokens) * interval / count), 0}
    """)

  /// KEYS: the bucket. ARGV: microseconds.
  private static let pausing = RedisScript("""
    local time = redis.call('TIME')
    local till = time[1] * 1000000 + time[2] + tonumber(ARGV[1])
    local paused = tonumber(redis.call('HGET', KEYS[1], 'paused')) or 0
    if till > paused then
      redis.call('HSET', KEYS[1], 'paused', string.format('%.0f', till))
      redis.call('PEXPIRE', KEYS[1], math.max(redis.call('PTTL', KEYS[1]), math.ceil(tonumber(ARGV[1]) / 1000) + 60000))
    end
    return 1
    """)

  package func take(upTo wanted: Int) async throws -> Grant {
    let reply = try await queue.run(Self.taking, keys: [key], arguments: arguments + ["\(wanted)"])
    guard let numbers = reply.array?.compactMap(\.integer), numbers.count == 3 else {
      throw RedisError(
        code: "redis_protocol", .fatal, operation: "EVALSHA", message: "the budget's script answered something else")
    }
    return Grant(count: Int(numbers[0]), wait: .microseconds(numbers[1]), isPaused: numbers[2] == 1)
  }

  package func pause(for time: Duration) async throws {
    _ = try await queue.run(Self.pausing, keys: [key], arguments: ["\(Int64(time / .microseconds(1)))"])
  }
}
