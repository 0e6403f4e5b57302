import Core
import Features
import Messages
import Redis
import Values

/// Computes the declared features of what a flush has changed, out of the hot store itself.
///
/// The engine is given the window that the store holds, so there is no state here that a restart could lose, and every
/// replica says the same. Bars that are older than a feature is fresh, as those of a back-fill, are not computed.
struct FeatureRefresh {
  private let client: RedisClient
  private let set: FeatureSet
  private let now: @Sendable () -> Int64

  /// - Parameter now: milliseconds since 1970.
  init(_ client: RedisClient, _ set: FeatureSet, now: @escaping @Sendable () -> Int64) {
    (self.client, self.set, self.now) = (client, set, now)
  }

  /// - Returns: how many rows of features were written.
  func refresh(_ buffers: [HotWriter.Waiting], _ table: SeriesTable) async throws(RedisError) -> Int {
    guard !set.features.isEmpty else { return 0 }
    var rows = buffers.flatMap(\.buffer.rows)
    rows += try await ofBars(buffers, table)
    for source in [FeatureDefinition.Source.sentiment, .flow] where !set.features(of: source.rawValue).isEmpty {
      rows += try await ofEvents(buffers, source)
    }
    guard !rows.isEmpty else { return 0 }
    try await write(rows)
    return rows.count
  }

  /// A series that is not there has no samples; any other refusal is thrown.
  private func answers(_ commands: [RedisCommand]) async throws(RedisError) -> [RedisReply] {
    let replies = try await client.replies(to: commands)
    for case .failure(let error) in replies where error.code != "redis_no_series" { throw error }
    return replies
  }

  // MARK: - bars

  private struct Place: Hashable {
    var symbol, interval: String
  }

  private func ofBars(
    _ buffers: [HotWriter.Waiting], _ table: SeriesTable
  ) async throws(RedisError) -> [FeatureRow] {
    let engine = FeatureEngine(set)
    var places: Set<Place> = []
    for (_, buffer) in buffers {
      for chunk in buffer.bars {
        guard let series = chunk.series.first, let (symbol, interval) = table[Int(series)].bar,
          let length = FeatureEngine.length(of: interval) else { continue }
        let fresh = set.features(of: "bars:\(interval)").map(\.freshness).max() ?? .zero
        guard fresh > .zero, chunk.last + Int64((length + fresh) / .milliseconds(1)) >= now() else { continue }
        places.insert(Place(symbol: symbol, interval: interval))
      }
    }
    guard !places.isEmpty else { return [] }
    let asked = Array(places)
    let fields = ["known", "high", "low", "close", "volume"]
    let replies = try await answers(asked.flatMap { place in
      let count = engine.bars(of: "bars:\(place.interval)") + 1
      return fields.map { field in
        RedisCommand("TS.REVRANGE", "ts:\(place.symbol):\(place.interval):\(field)", "-", "+", "COUNT", "\(count)")
      }
    })
    var rows: [FeatureRow] = []
    for (index, place) in asked.enumerated() {
      guard let length = FeatureEngine.length(of: place.interval) else { continue }
      let values = replies[(index * fields.count)..<((index + 1) * fields.count)].map(Self.points)
      var (own, row) = (FeatureEngine(set), FeatureRow?.none)
      for stamp in values[0].keys.sorted() {
        // A day that has not ended has no bar yet. The clocks of providers may be a little ahead.
        guard stamp + Int64(length / .milliseconds(1)) <= now() + 5_000, let known = values[0][stamp],
          let high = values[1][stamp], let low = values[2][stamp], let close = values[3][stamp],
          let volume = values[4][stamp] else { continue }
        let bar = FeatureBar(
          startNs: stamp * 1_000_000, knownNs: Int64(known) * 1_000, high: high, low: low, close: close, volume: volume)
        row = own.take(bar, symbol: place.symbol, interval: place.interval, length: length) ?? row
      }
      if let row { rows.append(row) }
    }
    return rows
  }

  /// Samples by stamp in milliseconds; none for a series that is not there.
  private static func points(_ reply: RedisReply) -> [Int64: Double] {
    var points: [Int64: Double] = [:]
    for element in reply.array ?? [] {
      if let pair = element.array, pair.count == 2, let stamp = pair[0].integer,
        let value = pair[1].text.flatMap(Double.init) { points[stamp] = value }
    }
    return points
  }

  // MARK: - events

  private func ofEvents(
    _ buffers: [HotWriter.Waiting], _ source: FeatureDefinition.Source
  ) async throws(RedisError) -> [FeatureRow] {
    let prefix = "\(source.rawValue):"
    var keys: Set<String> = []
    for (_, buffer) in buffers {
      for note in buffer.texts where note.keys.count == 4 && note.keys[0].hasPrefix(prefix) {
        keys.insert(note.keys[0])
      }
    }
    guard !keys.isEmpty else { return [] }
    let asked = Array(keys)
    let longest = Int64(FeatureEngine(set).window(of: source.rawValue) / .milliseconds(1))
    let newest = try await answers(asked.map {
      RedisCommand("ZRANGE", "\($0):times", "-1", "-1", "WITHSCORES")
    })
    let times = try await answers(zip(asked, newest).map { key, reply in
      let last = reply.array?.last?.text.flatMap(Double.init) ?? 0
      return RedisCommand("ZRANGE", "\(key):times", "\(Int64(last) - longest)", "+inf", "BYSCORE", "WITHSCORES")
    })
    var rows: [FeatureRow] = []
    for (key, reply) in zip(asked, times) {
      let words = (reply.array ?? []).compactMap(\.text)
      let ids = stride(from: 0, to: words.count - 1, by: 2).map { words[$0] }
      guard !ids.isEmpty else { continue }
      let held = try await answers([key, "\(key):revisions"].map { name in
        RedisCommand("HMGET", ([name] + ids).map { Array($0.utf8) })
      })
      let records = held[0].array ?? [], revisions = held[1].array ?? []
      var (own, row) = (FeatureEngine(set), FeatureRow?.none)
      let symbol = String(key.dropFirst(prefix.count))
      for (place, id) in ids.enumerated() where place < records.count && place < revisions.count {
        let event = Self.event(records[place].bytes, source) ?? FeatureEvent(
          id: id, revision: revisions[place].text.flatMap { Int64($0) } ?? 0,
          timeNs: Int64(Double(words[2 * place + 1]) ?? 0) * 1_000_000, knownNs: 0, isGone: true, first: 0, second: 0)
        row = own.take(event, symbol: symbol, source: source) ?? row
      }
      if let row { rows.append(row) }
    }
    return rows
  }

  /// - Returns: nil for one that was withdrawn: no record is kept of it.
  private static func event(_ record: [UInt8]?, _ source: FeatureDefinition.Source) -> FeatureEvent? {
    guard let record else { return nil }
    return source == .flow
      ? (try? OptionsFlow(decoding: record)).map { FeatureEvent($0) }
      : (try? SentimentEvent(decoding: record)).map { FeatureEvent($0) }
  }

  // MARK: - writing

  /// KEYS: the hash of the symbol. ARGV: the field of the group's event time, that time in nanoseconds, then of each
  /// feature its id, its value or nothing, and until when it is fresh in milliseconds since 1970. A later event time
  /// stays. Where the server has no expiry of fields (before 7.4), the event time tells.
  static let script = RedisScript("""
    local known = redis.call('HGET', KEYS[1], ARGV[1])
    if known and (#known > #ARGV[2] or (#known == #ARGV[2] and known > ARGV[2])) then return 0 end
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
    for i = 3, #ARGV, 3 do
      if ARGV[i + 1] == '' then
        redis.call('HDEL', KEYS[1], ARGV[i])
      else
        redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
        redis.pcall('HPEXPIREAT', KEYS[1], ARGV[i + 2], 'FIELDS', '1', ARGV[i])
      end
    end
    return 1
    """)

  private func write(_ rows: [FeatureRow]) async throws(RedisError) {
    try await client.sendAll(rows.map { row in
      let values = row.values.flatMap { value in
        let until = row.eventNs / 1_000_000 + Int64(value.feature.freshness / .milliseconds(1))
        return [value.feature.id, value.number.map { "\($0)" } ?? "", "\(until)"]
      }
      return Self.script.evaluated(
        keys: ["feat:{\(row.symbol)}"], arguments: ["ts:\(row.group)", "\(row.eventNs)"] + values)
    })
  }
}

/// The definitions whose values the store has: `features:definitions`, a hash from `return_5m@1` to its definition.
enum FeatureRegistry {
  private static let key = "features:definitions"

  /// - Throws: a configuration `Failure` when a definition is another one than the store knows under its version;
  ///   `RedisError`.
  static func check(_ set: FeatureSet, _ client: RedisClient) async throws {
    let words = try await client.send(RedisCommand("HGETALL", key)).array?.compactMap(\.text) ?? []
    var known: [String: String] = [:]
    for place in stride(from: 0, to: words.count - 1, by: 2) { known[words[place]] = words[place + 1] }
    try set.check(against: known)
  }

  /// Notes what is new. Of two processes that begin with different definitions the first one holds.
  static func register(_ set: FeatureSet, _ client: RedisClient) async throws {
    _ = try await client.sendAll(set.features.map { RedisCommand("HSETNX", key, $0.id, $0.text) })
    try await check(set, client)
  }
}
