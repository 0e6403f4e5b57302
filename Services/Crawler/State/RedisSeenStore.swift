import Redis

/// One key per file, `souk:crawler:seen:<chain>/<name>` = fingerprint, which expires `retention` after the file
/// was last listed. Several crawlers may share it. Needs Redis 6.2 or later (GETEX).
package struct RedisSeenStore: SeenStore {
  private let client: RedisClient
  private let seconds: String

  package init(client: RedisClient, retention: Duration) {
    self.client = client
    seconds = String(max(1, retention.components.seconds))
  }

  package func areSeen(_ entries: [SeenEntry]) async throws -> [Bool] {
    // Reading renews the expiry: a file that is still listed is not forgotten.
    let replies = try await client.sendAll(entries.map { RedisCommand("GETEX", Self.key($0), "EX", seconds) })
    return zip(entries, replies).map { $0.fingerprint.description == $1.text }
  }

  package func mark(_ entries: [SeenEntry]) async throws {
    try await client.sendAll(entries.map {
      RedisCommand("SET", Self.key($0), $0.fingerprint.description, "EX", seconds)
    })
  }

  package func forget(chain: String, fileName: String, fingerprint: Fingerprint?) async throws {
    let key = Self.key(SeenEntry(chain: chain, fileName: fileName, fingerprint: Fingerprint(high: 0, low: 0)))
    // Another crawler may mark a new publication in between; forgetting that one announces it once more.
    if let fingerprint, try await client.send(RedisCommand("GET", key)).text != fingerprint.description { return }
    _ = try await client.send(RedisCommand("DEL", key))
  }

  package func rows(of source: String) async throws -> Int? {
    try await client.send(RedisCommand("GET", "souk:crawler:rows:\(source)")).text.flatMap { Int($0) }
  }

  package func remember(rows: Int, of source: String) async throws {
    _ = try await client.send(RedisCommand("SET", "souk:crawler:rows:\(source)", "\(rows)", "EX", seconds))
  }

  package func ping() async throws { try await client.ping() }
  package func close() async { await client.close() }

  static func key(_ entry: SeenEntry) -> String { "souk:crawler:seen:\(entry.key)" }
}
