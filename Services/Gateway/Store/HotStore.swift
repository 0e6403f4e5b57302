import Core
import Messages
import Redis

/// Reads what hot-writer keeps in Redis. Every question is one round trip, shared with others that are asked meanwhile.
struct HotStore: Sendable {
  let redis: RedisMultiplexer

  /// The last trade and quote of each symbol, in the symbols' order; nil for what the store does not have.
  func latest(_ symbols: [String]) async throws(RedisError) -> [LiveState.Latest] {
    let replies = try await answers(symbols.flatMap { symbol in
      [RedisCommand("HGETALL", "trade:\(symbol)"), RedisCommand("HGETALL", "quote:\(symbol)")]
    })
    return symbols.indices.map { index in
      LiveState.Latest(trade: LastTick(hash: replies[index * 2]), quote: LastTick(hash: replies[index * 2 + 1]))
    }
  }

  /// Gaps of a symbol, and of all symbols at once, as the messages that hold.
  func gaps(of symbol: String) async throws(RedisError) -> [FeedGap] {
    let replies = try await answers(["gaps:\(symbol)", "gaps:*"].map { RedisCommand("HVALS", $0) })
    return replies.flatMap { $0.array ?? [] }.compactMap { try? FeedGap(decoding: $0.bytes ?? []) }
  }

  /// The samples of some series in one range of time.
  struct Samples {
    /// Milliseconds since 1970, ascending, of the first series that has any.
    var stamps: [Int64] = []
    /// By the series' place in the question, JSON numbers by stamp.
    var values: [[Int64: String]] = []
    /// The first stamp that is not in `stamps` because there are more than were asked for.
    var next: Int64?
    /// Of the first series.
    var reach = LiveReach()
  }

  /// - Parameters:
  ///   - keys: of the series; the first has every stamp.
  ///   - range: milliseconds since 1970.
  func samples(_ keys: [String], _ range: Range<Int64>, most: Int) async throws(RedisError) -> Samples {
    var samples = Samples()
    var commands = keys.map { key in
      RedisCommand("TS.RANGE", key, "\(range.lowerBound)", "\(max(0, range.upperBound - 1))", "COUNT", "\(most + 1)")
    }
    commands.append(RedisCommand("TS.INFO", keys[0]))
    let replies = try await answers(commands)
    for reply in replies.prefix(keys.count) {
      var values: [Int64: String] = [:]
      for (stamp, value) in Self.points(reply) {
        if samples.values.isEmpty { samples.stamps.append(stamp) }
        values[stamp] = value
      }
      samples.values.append(values)
    }
    if samples.stamps.count > most { samples.next = samples.stamps.removeLast() }
    samples.reach = LiveReach(info: replies[keys.count])
    return samples
  }

  /// The same of series of which none has every stamp: the stamps are those that any of them has. They reach as far as
  /// the one that reaches furthest.
  func anySamples(_ keys: [String], _ range: Range<Int64>, most: Int) async throws(RedisError) -> Samples {
    var all = Samples()
    var stamps: Set<Int64> = []
    let commands = keys.flatMap { key in
      [
        RedisCommand("TS.RANGE", key, "\(range.lowerBound)", "\(max(0, range.upperBound - 1))", "COUNT", "\(most + 1)"),
        RedisCommand("TS.INFO", key),
      ]
    }
    let replies = try await answers(commands)
    for index in keys.indices {
      let points = Self.points(replies[index * 2])
      all.values.append(Dictionary(points.map { ($0.stamp, $0.value) }, uniquingKeysWith: { $1 }))
      stamps.formUnion(points.map(\.stamp))
      let reach = LiveReach(info: replies[index * 2 + 1])
      all.reach.oldest = [all.reach.oldest, reach.oldest].compactMap { $0 }.min()
      all.reach.newest = [all.reach.newest, reach.newest].compactMap { $0 }.max()
      all.reach.retention = max(all.reach.retention, reach.retention)
    }
    all.stamps = stamps.sorted()
    if all.stamps.count > most {
      all.next = all.stamps[most]
      all.stamps.removeSubrange(most...)
    }
    return all
  }

  /// A series or hash that is not there is no answer; any other refusal is thrown.
  func answers(_ commands: [RedisCommand]) async throws(RedisError) -> [RedisReply] {
    var replies = try await redis.replies(to: commands)
    for index in replies.indices {
      guard case .failure(let error) = replies[index] else { continue }
      guard error.code == "redis_no_series" else { throw error }
      replies[index] = .null
    }
    return replies
  }

  static func points(_ reply: RedisReply) -> [(stamp: Int64, value: String)] {
    (reply.array ?? []).compactMap { element in
      guard let pair = element.array, pair.count == 2, let stamp = pair[0].integer, let text = pair[1].text,
        isNumber(text) else { return nil }
      return (stamp, text)
    }
  }

  /// Whether a text of a store is a number of JSON: not `nan`, `inf`, `0x10` or `1.`, which `Double` takes.
  static func isNumber(_ text: String) -> Bool { isNumber(text.utf8Span.span.bytes) }

  static func isNumber(_ text: RawSpan) -> Bool {
    do throws(DecodingFailure) {
      var reader = try JSONReader(text)
      guard reader.kind == .number else { return false }
      try reader.skipValue()
      try reader.finish()
      return true
    } catch { return false }
  }
}

extension LiveReach {
  /// Out of the answer to TS.INFO; that of a series without samples, or that is not there, reaches nowhere.
  fileprivate init(info reply: RedisReply) {
    let words = reply.array ?? []
    func number(_ name: String) -> Int64? {
      guard let place = words.firstIndex(where: { $0.text == name }), place + 1 < words.count else { return nil }
      return words[place + 1].integer
    }
    guard number("totalSamples") ?? 0 > 0 else { return }
    (oldest, newest, retention) = (number("firstTimestamp"), number("lastTimestamp"), number("retentionTime") ?? 0)
  }
}
