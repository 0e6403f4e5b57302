import Redis

/// Remembers which publication of each file was announced last.
///
/// A file counts as seen when its fingerprint is the last one marked under its name; one that is published again with
/// another size or time is new. A mark is kept for `retention` after the file was last listed.
package protocol SeenStore: Sendable {
  /// - Returns: for each entry, in order, whether it was announced.
  /// - Throws: `ClassifiedError`.
  func areSeen(_ entries: [SeenEntry]) async throws -> [Bool]

  /// Marks the entries durably. Called only after the announcements were acknowledged.
  /// - Throws: `ClassifiedError`; the entries then count as not marked and are announced again.
  func mark(_ entries: [SeenEntry]) async throws

  /// Removes the file's mark, unless another publication of it was marked since.
  /// - Parameter fingerprint: of the publication to forget; nil forgets any.
  func forget(chain: String, fileName: String, fingerprint: Fingerprint?) async throws

  /// Rows of the last pass over the source that found any; nil without one.
  func rows(of source: String) async throws -> Int?
  func remember(rows: Int, of source: String) async throws

  /// Returns when the store can be used.
  func ping() async throws

  func close() async
}

/// One publication of one file.
package struct SeenEntry: Hashable, Sendable {
  package var chain: String
  package var fileName: String
  package var fingerprint: Fingerprint

  /// Neither chains nor names contain a slash.
  var key: String { "\(chain)/\(fileName)" }
}

/// Keeps marks in memory, for one-off runs and tests.
package actor MemorySeenStore: SeenStore {
  private var marked: [String: Fingerprint] = [:]
  private var rowCounts: [String: Int] = [:]

  package func areSeen(_ entries: [SeenEntry]) -> [Bool] { entries.map { marked[$0.key] == $0.fingerprint } }

  package func mark(_ entries: [SeenEntry]) {
    for entry in entries { marked[entry.key] = entry.fingerprint }
  }

  package func forget(chain: String, fileName: String, fingerprint: Fingerprint?) {
    let key = "\(chain)/\(fileName)"
    if fingerprint == nil || marked[key] == fingerprint { marked[key] = nil }
  }

  package func rows(of source: String) -> Int? { rowCounts[source] }
  package func remember(rows: Int, of source: String) { rowCounts[source] = rows }

  package func ping() {}
  package func close() {}
}

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
