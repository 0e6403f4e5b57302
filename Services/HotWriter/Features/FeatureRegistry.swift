import Core
import Features
import Redis

/// The definitions whose values the store has: `features:definitions`, a hash from `return_5m@1` to its definition.
enum FeatureRegistry {
  private static let key = "features:definitions"

  /// - Throws: a configuration `Failure` when a definition is another one than the store knows under its version;
  ///   `RedisError`.
  static func check(_ set: FeatureSet, _ client: RedisClient) async throws {
    let words = try await client.send(RedisCommand("HGETALL", key)).array?.compactMap(\.text) ?? []
    var known: [String: String] = [:]
    for place in stride(from: 0, to: words.count - 1, by: 2) { known[words[place]] = words[place + 1] }
    try set.check(against: known)
  }

  /// Notes what is new. Of two processes that begin with different definitions the first one holds.
  static func register(_ set: FeatureSet, _ client: RedisClient) async throws {
    _ = try await client.sendAll(set.features.map { RedisCommand("HSETNX", key, $0.id, $0.text) })
    try await check(set, client)
  }
}
