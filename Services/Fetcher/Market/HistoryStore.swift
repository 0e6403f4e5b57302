import Core
import Feeds
import Metrics
import Redis
import ServiceKit
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

/// A history as a task works on it.
package struct Remembered<History: PublishedHistory>: Hashable, Sendable {
  package var history: History
  /// What the store held when it was asked.
  fileprivate let held: String?
}

/// Remembers what was published lately.
package protocol HistoryStore<History>: Sendable {
  associatedtype History: PublishedHistory

  /// - Parameter names: such as `alpaca-stocks:AAPL:1m`.
  /// - Throws: `RedisError`.
  func histories(of names: [String]) async throws -> [Remembered<History>]

  /// Keeps each history of which the store still holds what it held when it was asked. One that another replica has
  /// kept meanwhile stays: that replica has asked the source later.
  /// - Throws: `RedisError`; some may have been kept.
  func keep(_ histories: [String: Remembered<History>]) async throws
}

enum HistoryMetrics {
  static let overtaken = "souk_fetch_histories_overtaken_total"
  static let descriptions = [
    MetricDescription(
      overtaken, .counter,
      "Tasks' notes of what they published that were left out, because another replica had worked on the same "
        + "question meanwhile.")
  ]
}

/// One text for each name, for as long as it is asked about and a week longer. All replicas share it. Tasks of equal
/// keys are worked on in their order, but a process that was suspended may go on behind its successor.
package struct RedisHistoryStore<History: PublishedHistory>: HistoryStore {
  private let queue: RedisMultiplexer
  private let overtaken = Counter(label: HistoryMetrics.overtaken)

  package init(_ queue: RedisMultiplexer) { self.queue = queue }

  private static func key(_ name: String) -> String { "souk:fetcher:\(History.prefix):\(name)" }

  /// KEYS: the names. ARGV: for each what was held, or nothing, and its text. Returns how many were kept.
  private static var keeping: RedisScript {
    RedisScript("""
      local kept = 0
      for place, key in ipairs(KEYS) do
        local held, text = ARGV[2 * place - 1], ARGV[2 * place]
        local now = redis.call('GET', key) or ''
        if now == held or now == text then
          redis.call('SET', key, text, 'EX', 604800)
          kept = kept + 1
        end
      end
      return kept
      """)
  }

  package func histories(of names: [String]) async throws -> [Remembered<History>] {
    guard !names.isEmpty else { return [] }
    let reply = try await queue.send(RedisCommand("MGET", names.map { Array(Self.key($0).utf8) }))
    guard let texts = reply.array?.map(\.text), texts.count == names.count else { throw Self.unexpected }
    return texts.map { text in Remembered(history: text.flatMap { History($0) } ?? History(), held: text) }
  }

  package func keep(_ histories: [String: Remembered<History>]) async throws {
    guard !histories.isEmpty else { return }
    let all = histories.sorted { $0.key < $1.key }
    let reply = try await queue.run(
      Self.keeping, keys: all.map { Self.key($0.key) },
      arguments: all.flatMap { [$0.value.held ?? "", $0.value.history.text] })
    guard let kept = reply.integer else { throw Self.unexpected }
    overtaken.increment(by: all.count - Int(kept))
  }

  private static var unexpected: RedisError {
    RedisError(
      code: "redis_protocol", .fatal, operation: "EVALSHA",
      message: "the script of histories gave an unexpected answer")
  }
}

/// For runs without Redis: a restart publishes what was published lately again.
package final class MemoryHistoryStore<History: PublishedHistory>: HistoryStore {
  private let kept = Mutex<[String: String]>([:])

  package init() {}

  package func histories(of names: [String]) -> [Remembered<History>] {
    kept.withLock { kept in
      names.map { Remembered(history: kept[$0].flatMap { History($0) } ?? History(), held: kept[$0]) }
    }
  }

  package func keep(_ histories: [String: Remembered<History>]) {
    kept.withLock { kept in
      for (name, new) in histories where kept[name] == new.held { kept[name] = new.history.text }
    }
  }
}
