import Redis
import Values

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
