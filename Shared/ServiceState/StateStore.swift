import Core
import Redis
import Synchronization

/// Texts that a service keeps for itself, by key: in memory, in a file, or in Redis.
package protocol StateStore: Sendable {
  /// The values in the order of the keys; nil for an unknown key. A key that is read is kept for another retention.
  /// - Throws: `ClassifiedError`.
  func values(of keys: [String]) async throws -> [String?]

  /// The values are durable when it returns.
  /// - Throws: `ClassifiedError`; any of them may be set.
  func set(_ values: [(key: String, value: String)]) async throws

  func remove(_ key: String) async throws

  /// Returns when the store can be used.
  func ping() async throws

  func close() async
}

extension StateStore {
  package func value(of key: String) async throws -> String? { try await values(of: [key])[0] }
}

/// For one-off runs and tests.
package final class MemoryState: StateStore {
  private let known = Mutex<[String: String]>([:])

  package init() {}

  package func values(of keys: [String]) -> [String?] { known.withLock { known in keys.map { known[$0] } } }
  package func set(_ values: [(key: String, value: String)]) {
    known.withLock { known in for (key, value) in values { known[key] = value } }
  }
  package func remove(_ key: String) { known.withLock { $0[key] = nil } }
  package func ping() {}
  package func close() {}
}

/// One key of Redis for each, which expires `retention` after it was last set or read. Several processes may share it.
/// Needs Redis 6.2 or later (GETEX).
package struct RedisState: StateStore {
  private let client: RedisClient
  private let prefix: String
  private let seconds: String

  /// - Parameter prefix: before every key: `souk:crawler:`.
  package init(_ client: RedisClient, prefix: String, retention: Duration) {
    self.client = client
    self.prefix = prefix
    seconds = String(max(1, retention.components.seconds))
  }

  package func values(of keys: [String]) async throws -> [String?] {
    try await client.sendAll(keys.map { RedisCommand("GETEX", prefix + $0, "EX", seconds) }).map(\.text)
  }

  package func set(_ values: [(key: String, value: String)]) async throws {
    try await client.sendAll(values.map { RedisCommand("SET", prefix + $0.key, $0.value, "EX", seconds) })
  }

  package func remove(_ key: String) async throws { _ = try await client.send(RedisCommand("DEL", prefix + key)) }
  package func ping() async throws { try await client.ping() }
  package func close() async { await client.close() }
}

extension StateLocation {
  /// - Parameters:
  ///   - prefix: of keys of Redis.
  ///   - format: of a file.
  ///   - connect: makes the client for a URL of Redis.
  /// - Throws: a configuration `Failure`.
  package func open(
    prefix: String, retention: Duration, format: StateFormat, connect: (String) throws(Failure) -> RedisClient
  ) throws(Failure) -> any StateStore {
    switch self {
    case .memory: MemoryState()
    case .file(let path): try FileState(path: path, retention: retention, format: format)
    case .redis(let url): RedisState(try connect(url), prefix: prefix, retention: retention)
    }
  }
}
