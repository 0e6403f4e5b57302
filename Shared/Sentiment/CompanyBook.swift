import Core
import Messages
import Redis

/// The companies as they are now. A fetcher of filings keeps EDGAR's table in Redis, and what reads texts takes it up
/// from there, so that companies are known by their names without a file.
package actor CompanyBook {
  package static let key = "souk:companies"
  private let queue: RedisMultiplexer?
  private let interval: Duration
  private var names: CompanyNames
  private var digest: String?
  private var next: ContinuousClock.Instant?

  /// - Parameters:
  ///   - names: until there is a table.
  ///   - queue: nil when the names stay what they are, as those of a file do.
  package init(
    _ names: CompanyNames, updatedBy queue: RedisMultiplexer? = nil, every interval: Duration = .seconds(300)
  ) {
    (self.names, self.queue, self.interval) = (names, queue, interval)
  }

  /// - Throws: `RedisError`.
  package func current() async throws(RedisError) -> CompanyNames {
    guard let queue, next.map({ ContinuousClock.now >= $0 }) ?? true else { return names }
    let newest = try await queue.send(RedisCommand("HGET", Self.key, "digest")).text
    if let newest, newest != digest,
      let table = try await queue.send(RedisCommand("HGET", Self.key, "table")).bytes {
      // One that cannot be read changes nothing: it is not what a fetcher kept.
      if let read = try? CompanyNames(table: table) { names = read }
      digest = newest
    }
    next = .now + interval
    return names
  }

  /// - Parameter table: in the form of the SEC's `company_tickers.json`.
  /// - Throws: `RedisError`.
  package static func keep(_ table: [UInt8], in queue: RedisMultiplexer) async throws(RedisError) {
    _ = try await queue.send(RedisCommand("HSET", [
      Array(key.utf8), Array("table".utf8), table, Array("digest".utf8), Array(SHA256.hash(table).hex.utf8),
    ]))
  }
}
