import Core
import Redis
import Synchronization

/// The right to crawl one source, held by one replica while it renews it.
///
/// The lease ends here before it ends in Redis: this process measures it on its own clock, from before the command was
/// sent, with a tenth to spare. A process that was suspended for longer finds the lease ended before its next
/// announcement.
package final class SourceLease: Sendable {
  /// The source's name in logs.
  package let source: String
  /// The name in the lease's key.
  package let name: String
  /// The lease's value in Redis; unique.
  package let fence: String
  /// Raised when crawling has to stop: the lease was lost, moves to another replica, or the process drains.
  package let ended = Interruption()
  private let leases: RedisLeases
  private let end: Mutex<ContinuousClock.Instant>
  private let isLost = Mutex(false)

  init(source: String, name: String, fence: String, leases: RedisLeases, until end: ContinuousClock.Instant) {
    self.leases = leases
    self.source = source
    self.name = name
    self.fence = fence
    self.end = Mutex(end)
  }

  /// Whether no other replica can hold the lease now.
  package var isHeld: Bool { end.withLock { .now < $0 } }

  func extend(until later: ContinuousClock.Instant) { end.withLock { $0 = max($0, later) } }

  /// Ends the lease now, whatever Redis answers later. Counts once.
  func lose() {
    end.withLock { $0 = .now }
    let isFirst = isLost.withLock { lost in
      defer { lost = true }
      return !lost
    }
    if isFirst { CrawlerMetrics.leaseLost(source) }
    ended.raise()
  }

  func requireHeld() throws(Failure) {
    if !isHeld { throw lost() }
  }

  /// Marks announced files in Redis, unless the lease is lost: its next owner's marks are never overwritten.
  /// - Throws: `lease_lost`; `RedisError`.
  func mark(_ entries: [SeenEntry]) async throws { try await leases.mark(entries, under: self) }

  /// Ends the lease, and returns the error for work that needs it.
  func lost() -> Failure {
    lose()
    return Failure(.transient, code: "lease_lost", "the lease of \(source) was lost; its next owner continues")
  }
}

/// The leases in Redis, beside the marks of what was announced.
///
/// `souk:crawler:members` is a hash of the live replicas, each with its expiry and its sources;
/// `souk:crawler:lease:<source>` holds the fence of the source's lease and expires; `souk:crawler:relist` is the set of
/// chains to list again. Every change of a lease compares its fence first.
package struct RedisLeases: Sendable {
  private let client: RedisClient
  /// How long marks are kept.
  private let retention: String

  package init(client: RedisClient, retention: Duration) {
    self.client = client
    self.retention = String(max(1, retention.components.seconds))
  }

  // MARK: Members

  /// Registers the member for `timeout` from now on.
  /// - Returns: the live members, with the sources of each.
  func join(_ member: String, sources: [String], timeout: Duration) async throws -> [String: Set<String>] {
    let reply = try await client.send(Self.joining.evaluated(
      keys: [Self.members], arguments: [member, timeout.redisMilliseconds, sources.joined(separator: "\n")]))
    let words = (reply.array ?? []).compactMap(\.text)
    var members: [String: Set<String>] = [:]
    for index in stride(from: 0, to: words.count - 1, by: 2) {
      members[words[index]] = Set(words[index + 1].split(separator: "\n").dropFirst().map(String.init))
    }
    return members
  }

  func leave(_ member: String) async throws {
    _ = try await client.send(RedisCommand("HDEL", Self.members, member))
  }

  // MARK: Leases

  /// - Returns: the leases that were free and are held now.
  func acquire(_ leases: [SourceLease], timeout: Duration) async throws -> [SourceLease] {
    let replies = try await client.sendAll(leases.map { redisLease($0).taking(for: timeout) })
    return zip(leases, replies).filter { $1.text == "OK" }.map(\.0)
  }

  /// - Returns: the fences of the leases that are still held.
  func renew(_ leases: [SourceLease], timeout: Duration) async throws -> Set<String> {
    let replies = try await client.sendAll(leases.map { redisLease($0).renewing(for: timeout) })
    return Set(zip(leases, replies).filter { $1.integer == 1 }.map(\.0.fence))
  }

  func release(_ lease: SourceLease) async throws { try await redisLease(lease).release() }

  private func redisLease(_ lease: SourceLease) -> RedisLease {
    RedisLease(client, key: "souk:crawler:lease:\(lease.name)", fence: lease.fence)
  }

  /// See `SourceLease.mark`.
  func mark(_ entries: [SeenEntry], under lease: SourceLease) async throws {
    guard !entries.isEmpty else { return }
    let reply = try await client.send(redisLease(lease).held(
      Self.marking, keys: entries.map { SeenStore.prefix + $0.key },
      [retention] + entries.map(\.fingerprint.description)))
    guard reply.integer == 1 else { throw lease.lost() }
  }

  // MARK: Links that expired

  /// Asks the owner of the chain's source to list it again.
  func askToRelist(_ chain: String) async throws {
    _ = try await client.send(RedisCommand("SADD", Self.relist, chain))
  }

  func chainsToRelist() async throws -> [String] {
    (try await client.send(RedisCommand("SMEMBERS", Self.relist)).array ?? []).compactMap(\.text)
  }

  func relisting(_ chains: [String]) async throws {
    guard !chains.isEmpty else { return }
    _ = try await client.send(RedisCommand("SREM", ([Self.relist] + chains).map { Array($0.utf8) }))
  }

  // MARK: Scripts

  private static let members = "souk:crawler:members"
  private static let relist = "souk:crawler:relist"

  private static let joining = RedisScript("""
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now + ARGV[2]) .. '\\n' .. ARGV[3])
    local living = {}
    local all = redis.call('HGETALL', KEYS[1])
    for index = 1, #all, 2 do
      local expiry = tonumber(string.match(all[index + 1], '^%d+'))
      if expiry == nil or expiry < now then
        redis.call('HDEL', KEYS[1], all[index])
      else
        living[#living + 1] = all[index]
        living[#living + 1] = all[index + 1]
      end
    end
    return living
    """)
  private static let marking = """
    for index = 2, #KEYS do redis.call('SET', KEYS[index], ARGV[index + 1], 'EX', ARGV[2]) end
    return 1
    """
}
