import Messages
import Redis
import Synchronization
import Values

/// Remembers the last published value of every series.
package protocol StateStore: Sendable {
  /// - Throws: `RedisError`.
  func last(_ key: SeriesStateKey) async throws -> SeriesState?

  /// Records `state` unless a later one is recorded, atomically.
  /// - Returns: whether it was recorded.
  /// - Throws: `RedisError`; it may have been recorded.
  func record(_ state: SeriesState, _ key: SeriesStateKey) async throws -> Bool
}

/// `price:<country>:<material>` or `demand:<country>:<material>`, in routing words.
package struct SeriesStateKey: Hashable, Sendable, CustomStringConvertible {
  package let text: String

  package init(_ kind: SeriesKind, _ series: RoutingKey) {
    text = "\(kind.rawValue):\(series.country):\(series.material)"
  }

  package var description: String { text }
}

/// The last published value of one series: last by event time, not by the order of fetching.
package struct SeriesState: Hashable, Sendable {
  package var observedAt: Timestamp
  package var value: ExactDecimal
  package var currency: String?
  package var unit: String?

  /// How an observation relates to the last published one.
  package enum Change: Hashable, Sendable {
    /// Of a later time, or the first.
    case new
    /// Another value of the same time.
    case corrected
    /// The same value of the same time.
    case unchanged
    /// The same value of a later time.
    case repeated
    /// Of an earlier time.
    case older
  }

  package static func change(from last: SeriesState?, to next: SeriesState) -> Change {
    guard let last else { return .new }
    if next.observedAt < last.observedAt { return .older }
    let isSame = next.value == last.value && next.currency == last.currency && next.unit == last.unit
    if next.observedAt == last.observedAt { return isSame ? .unchanged : .corrected }
    return isSame ? .repeated : .new
  }
}

extension SeriesState {
  package init(_ observation: CommodityObservation) {
    self.init(
      observedAt: observation.observedAt, value: observation.value, currency: observation.currency,
      unit: observation.unit)
  }
}

/// For runs without Redis: each process has its own state, and a restart publishes everything again.
package final class MemoryStateStore: StateStore {
  private let states = Mutex<[SeriesStateKey: SeriesState]>([:])

  package init() {}

  package func last(_ key: SeriesStateKey) -> SeriesState? { states.withLock { $0[key] } }

  package func record(_ state: SeriesState, _ key: SeriesStateKey) -> Bool {
    states.withLock { states in
      if let last = states[key], state.observedAt < last.observedAt { return false }
      states[key] = state
      return true
    }
  }
}

/// A hash per series: `at` (microseconds since 1970), `value`, `currency`, `unit`. All replicas share it. It never
/// expires, because the catalogue bounds the number of series.
package struct RedisStateStore: StateStore {
  private let queue: RedisMultiplexer

  package init(_ queue: RedisMultiplexer) { self.queue = queue }

  /// KEYS: the series. ARGV: at, value, currency, unit. Answers 1 when recorded, 0 when a later value exists.
  /// Lua's numbers hold microseconds exactly until the year 2255.
  private static let recording = RedisScript("""
    local at = redis.call('HGET', KEYS[1], 'at')
    if at and tonumber(at) > tonumber(ARGV[1]) then return 0 end
    redis.call('HSET', KEYS[1], 'at', ARGV[1], 'value', ARGV[2], 'currency', ARGV[3], 'unit', ARGV[4])
    return 1
    """)

  package func last(_ key: SeriesStateKey) async throws -> SeriesState? {
    let reply = try await queue.send(RedisCommand("HMGET", key.text, "at", "value", "currency", "unit"))
    let texts = reply.array?.map(\.text) ?? []
    guard texts.count == 4, let microseconds = texts[0].flatMap({ Int64($0) }),
      let time = Timestamp(microseconds: microseconds), let value = texts[1].flatMap({ ExactDecimal($0) })
    else { return nil }
    return SeriesState(observedAt: time, value: value, currency: Self.some(texts[2]), unit: Self.some(texts[3]))
  }

  package func record(_ state: SeriesState, _ key: SeriesStateKey) async throws -> Bool {
    let reply = try await queue.run(
      Self.recording, keys: [key.text],
      arguments: [
        "\(state.observedAt.microseconds)", "\(state.value)", state.currency ?? "", state.unit ?? "",
      ])
    return reply.integer == 1
  }

  private static func some(_ text: String?) -> String? { text?.isEmpty == true ? nil : text }
}
