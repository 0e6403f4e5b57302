import Core
import Feeds
import Redis
import Synchronization

/// What was published lately of one thing that is asked about, such as the bars of a series, as one text.
package protocol PublishedHistory: Hashable, Sendable {
  /// Within the keys of the fetcher.
  static var prefix: String { get }
  init()
  /// - Returns: nil for a text of another form.
  init?(_ text: String)
  var text: String { get }
}

extension BarHistory: PublishedHistory { package static let prefix = "bars" }
extension FilingHistory: PublishedHistory { package static let prefix = "filings" }
extension NewsHistory: PublishedHistory { package static let prefix = "news" }
extension SocialHistory: PublishedHistory { package static let prefix = "social" }
extension TranscriptHistory: PublishedHistory { package static let prefix = "transcripts" }

/// Remembers what was published lately.
package protocol HistoryStore<History>: Sendable {
  associatedtype History: PublishedHistory

  /// - Parameter names: such as `alpaca-stocks:AAPL:1m`.
  /// - Throws: `RedisError`.
  func histories(of names: [String]) async throws -> [History]

  /// - Throws: `RedisError`; some may have been kept.
  func keep(_ histories: [String: History]) async throws
}

/// One text for each name, for as long as it is asked about and a week longer. All replicas share it; tasks of equal
/// keys are worked on in their order, so none overtakes another.
package struct RedisHistoryStore<History: PublishedHistory>: HistoryStore {
  private let queue: RedisMultiplexer

  package init(_ queue: RedisMultiplexer) { self.queue = queue }

  private static func key(_ name: String) -> String { "souk:fetcher:\(History.prefix):\(name)" }

  /// KEYS: the names. ARGV: their texts.
  private static var keeping: RedisScript {
    RedisScript("""
      for place, key in ipairs(KEYS) do redis.call('SET', key, ARGV[place], 'EX', 604800) end
      return #KEYS
      """)
  }

  package func histories(of names: [String]) async throws -> [History] {
    guard !names.isEmpty else { return [] }
    let reply = try await queue.send(RedisCommand("MGET", names.map { Array(Self.key($0).utf8) }))
    guard let texts = reply.array?.map(\.text), texts.count == names.count else { throw Self.unexpected }
    return texts.map { $0.flatMap { History($0) } ?? History() }
  }

  package func keep(_ histories: [String: History]) async throws {
    guard !histories.isEmpty else { return }
    let names = histories.keys.sorted()
    let reply = try await queue.run(
      Self.keeping, keys: names.map(Self.key), arguments: names.map { histories[$0]?.text ?? "" })
    guard reply.integer == Int64(names.count) else { throw Self.unexpected }
  }

  private static var unexpected: RedisError {
    RedisError(
      code: "redis_protocol", .fatal, operation: "EVALSHA",
      message: "the script of histories gave an unexpected answer")
  }
}

/// For runs without Redis: a restart publishes what was published lately again.
package final class MemoryHistoryStore<History: PublishedHistory>: HistoryStore {
  private let kept = Mutex<[String: History]>([:])

  package init() {}

  package func histories(of names: [String]) -> [History] {
    kept.withLock { kept in names.map { kept[$0] ?? History() } }
  }

  package func keep(_ histories: [String: History]) { kept.withLock { $0.merge(histories) { $1 } } }
}
