import Core
import Redis
import Synchronization
import Values

/// What was read of the posts that a plan allows in a calendar month of UTC.
///
/// A page's posts are taken before it is asked for, and those that it did not have are given back: all replicas
/// together never read more. Without Redis each process counts its own.
package final class ReadAccount: Sendable {
  private let queue: RedisMultiplexer?
  private let used = Mutex<[String: Int]>([:])

  package init(_ queue: RedisMultiplexer?) { self.queue = queue }

  /// KEYS: the account. ARGV: wanted posts, those of a month; wanted below zero: they are given back.
  /// Answers: the granted posts. An account is kept until after its month.
  private static let taking = RedisScript("""
    local used = tonumber(redis.call('GET', KEYS[1])) or 0
    local given = math.max(0, math.min(tonumber(ARGV[1]), tonumber(ARGV[2]) - used))
    if tonumber(ARGV[1]) < 0 then given = math.max(tonumber(ARGV[1]), -used) end
    if given ~= 0 then
      redis.call('INCRBY', KEYS[1], given)
      redis.call('EXPIRE', KEYS[1], 3456000)
    end
    return given
    """)

  /// - Parameters:
  ///   - source: its word.
  ///   - limit: nil: all are granted.
  /// - Returns: the granted posts, from none to `wanted`.
  /// - Throws: `RedisError`.
  func take(_ wanted: Int, of limit: Int?, source: String, now: Timestamp) async throws -> Int {
    guard let limit else { return max(0, wanted) }
    let civil = now.civil
    let key = "souk:reads:\(source):\(civil.year)-\(civil.month)"
    guard let queue else {
      return used.withLock { used in
        let before = used[key] ?? 0
        let given = wanted < 0 ? max(wanted, -before) : max(0, min(wanted, limit - before))
        used[key] = before + given
        return given
      }
    }
    let reply = try await queue.run(Self.taking, keys: [key], arguments: ["\(wanted)", "\(limit)"])
    guard let given = reply.integer else {
      throw RedisError(
        code: "redis_protocol", .fatal, operation: "EVALSHA", message: "the account of reads gave an unexpected answer")
    }
    return Int(given)
  }

  /// - Returns: the time until the next month of UTC.
  static func untilNextMonth(_ now: Timestamp) -> Duration {
    let civil = now.civil
    let (year, month) = civil.month == 12 ? (civil.year + 1, 1) : (civil.year, civil.month + 1)
    let next = Timestamp(year: year, month: month, day: 1) ?? now
    return .microseconds(max(0, next.microseconds - now.microseconds))
  }
}
