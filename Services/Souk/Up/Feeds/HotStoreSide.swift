import Core
import Messages
import Redis

/// What the hot store holds of some symbols, asked of Redis itself.
struct HotStoreSide: Sendable {
  struct Series: Hashable, Sendable {
    var trades = 0
    var price: Double?
    var closes: [Int64: Double] = [:]
    /// Changes of bars, by their starts.
    var revisions: [Int64: Int] = [:]
  }
  var series: [String: Series] = [:]
  var gaps: [FeedGap] = []

  static func read(_ client: RedisClient, _ symbols: [String]) async throws -> HotStoreSide {
    var side = HotStoreSide()
    for symbol in symbols {
      let replies = try await client.replies(to: [
        RedisCommand("TS.RANGE", "ts:\(symbol):price", "-", "+"),
        RedisCommand("TS.RANGE", "ts:\(symbol):1m:close", "-", "+"),
        RedisCommand("TS.RANGE", "ts:\(symbol):1m:revision", "-", "+"),
      ])
      let (prices, closes, revisions) = (samples(replies[0]), samples(replies[1]), samples(replies[2]))
      side.series[symbol] = Series(
        trades: prices.count, price: prices.last?.value,
        closes: Dictionary(closes.map { ($0.stamp, $0.value) }, uniquingKeysWith: { $1 }),
        revisions: Dictionary(
          revisions.filter { $0.value > 0 }.map { ($0.stamp, Int($0.value)) }, uniquingKeysWith: { $1 }))
    }
    side.gaps = try await gaps(client, symbols)
    return side
  }

  /// The last price of each symbol; nil of one that has none yet.
  static func prices(_ client: RedisClient, _ symbols: [String]) async throws -> [(symbol: String, price: String?)] {
    let replies = try await client.replies(to: symbols.map { RedisCommand("HGET", "trade:\($0)", "price") })
    return zip(symbols, replies).map { symbol, reply in (symbol, reply.text) }
  }

  /// The gaps of some symbols, the latest first.
  static func gaps(_ client: RedisClient, _ symbols: [String]) async throws -> [FeedGap] {
    let replies = try await client.replies(to: symbols.map { RedisCommand("HVALS", "gaps:\($0)") })
    return try replies.flatMap { reply in
      try (reply.array ?? []).compactMap(\.bytes).map { try FeedGap(decoding: $0.span.bytes) }
    }.sorted { ($1.fromNs, $0.symbol) < ($0.fromNs, $1.symbol) }
  }

  private static func samples(_ reply: RedisReply) -> [(stamp: Int64, value: Double)] {
    (reply.array ?? []).compactMap { element in
      guard let pair = element.array, pair.count == 2, let stamp = pair[0].integer,
        let value = pair[1].text.flatMap(Double.init)
      else { return nil }
      return (stamp, value)
    }
  }
}
