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
  package func take(for life: Duration) async throws -> Bool {
    try await client.send(RedisCommand("SET", key, fence, "NX", "PX", Self.milliseconds(life))).text == "OK"
  }

  /// - Returns: false when it is not held any more.
  package func renew(for life: Duration) async throws -> Bool {
    try await run("return redis.call('PEXPIRE', KEYS[1], ARGV[2])", [key], [Self.milliseconds(life)]) == 1
  }

  package func release() async throws { _ = try await run("return redis.call('DEL', KEYS[1])", [key], []) }

  /// Sets another key, which does not expire.
  /// - Returns: false, and nothing is set, when the lease is not held.
  package func set(_ name: String, _ value: String) async throws -> Bool {
    try await run("redis.call('SET', KEYS[2], ARGV[2]); return 1", [key, name], [value]) == 1
  }

  private func run(_ body: String, _ keys: [String], _ arguments: [String]) async throws -> Int64? {
    let script = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end\n" + body
    let words = [script, "\(keys.count)"] + keys + [fence] + arguments
    return try await client.send(RedisCommand("EVAL", words.map { Array($0.utf8) })).integer
  }

  private static func milliseconds(_ duration: Duration) -> String { "\(Int64(duration / .milliseconds(1)))" }
}
