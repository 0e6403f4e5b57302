import Core
import Feeds
import Redis
import Synchronization

/// Remembers what was published of the recent bars of each series.
package protocol BarStore: Sendable {
  /// - Parameter series: names, such as `alpaca-stocks:AAPL:1m`.
  /// - Throws: `RedisError`.
  func histories(of series: [String]) async throws -> [BarHistory]

  /// - Throws: `RedisError`; some may have been kept.
  func keep(_ histories: [String: BarHistory]) async throws
}

/// One text for each series, for as long as it is asked about and a week longer. All replicas share it; the tasks of one
/// symbol are worked on in their order, so none overtakes another.
package struct RedisBarStore: BarStore {
  private let queue: RedisMultiplexer

  package init(_ queue: RedisMultiplexer) { self.queue = queue }

  private static func key(_ series: String) -> String { "souk:fetcher:bars:\(series)" }

  /// KEYS: the series. ARGV: their texts.
  private static let keeping = RedisScript("""
    for place, key in ipairs(KEYS) do redis.call('SET', key, ARGV[place], 'EX', 604800) end
    return #KEYS
    """)

  package func histories(of series: [String]) async throws -> [BarHistory] {
    guard !series.isEmpty else { return [] }
    let reply = try await queue.send(RedisCommand("MGET", series.map { Array(Self.key($0).utf8) }))
    guard let texts = reply.array?.map(\.text), texts.count == series.count else { throw Self.unexpected }
    return texts.map { $0.flatMap { BarHistory($0) } ?? BarHistory() }
  }

  package func keep(_ histories: [String: BarHistory]) async throws {
    guard !histories.isEmpty else { return }
    let names = histories.keys.sorted()
    let reply = try await queue.run(
      Self.keeping, keys: names.map(Self.key), arguments: names.map { histories[$0]?.text ?? "" })
    guard reply.integer == Int64(names.count) else { throw Self.unexpected }
  }

  private static let unexpected = RedisError(
    code: "redis_protocol", .fatal, operation: "EVALSHA", message: "the bars' script gave an unexpected answer")
}

/// For runs without Redis: a restart publishes the bars of the look-back again.
package final class MemoryBarStore: BarStore {
  private let kept = Mutex<[String: BarHistory]>([:])

  package init() {}

  package func histories(of series: [String]) -> [BarHistory] {
    kept.withLock { kept in series.map { kept[$0] ?? BarHistory() } }
  }

  package func keep(_ histories: [String: BarHistory]) { kept.withLock { $0.merge(histories) { $1 } } }
}
