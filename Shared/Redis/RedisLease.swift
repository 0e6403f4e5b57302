import Core

/// A lease: a key that holds the fence of its owner and expires. Every change compares the fence first, so that a
/// process that was suspended changes nothing of its successor's.
package struct RedisLease: Sendable {
  private let client: RedisClient
  private let key: String
  /// Unique to the owner.
  private let fence: String

  package init(_ client: RedisClient, key: String, fence: String) {
    self.client = client
    self.key = key
    self.fence = fence
  }

  /// - Returns: whether it was free and is held now for `life`.
  package func take(for life: Duration) async throws -> Bool { try await client.send(taking(for: life)).text == "OK" }

  /// - Returns: false when it is not held any more.
  package func renew(for life: Duration) async throws -> Bool {
    try await client.send(renewing(for: life)).integer == 1
  }

  package func release() async throws { _ = try await client.send(releasing) }

  /// Sets another key, which does not expire.
  /// - Returns: false, and nothing is set, when the lease is not held.
  package func set(_ name: String, _ value: String) async throws -> Bool {
    try await client.send(held("redis.call('SET', KEYS[2], ARGV[2]); return 1", keys: [name], [value])).integer == 1
  }

  // MARK: The same as commands, for those who send many at once

  /// Answers `OK` when the lease was free.
  package func taking(for life: Duration) -> RedisCommand {
    RedisCommand("SET", key, fence, "NX", "PX", life.redisMilliseconds)
  }

  /// Answers 1, or 0 when the lease is not held any more.
  package func renewing(for life: Duration) -> RedisCommand {
    held("return redis.call('PEXPIRE', KEYS[1], ARGV[2])", [life.redisMilliseconds])
  }

  package var releasing: RedisCommand { held("return redis.call('DEL', KEYS[1])") }

  /// Runs the rest of a script while the lease is held; answers 0 when it is not.
  /// - Parameters:
  ///   - keys: from `KEYS[2]` on; `KEYS[1]` is the lease.
  ///   - arguments: from `ARGV[2]` on; `ARGV[1]` is the fence.
  package func held(_ body: String, keys: [String] = [], _ arguments: [String] = []) -> RedisCommand {
    RedisScript("if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end\n" + body)
      .evaluated(keys: [key] + keys, arguments: [fence] + arguments)
  }
}

extension Duration {
  /// As `PX` and `PEXPIRE` take it.
  package var redisMilliseconds: String { "\(Int64(self / .milliseconds(1)))" }
}
