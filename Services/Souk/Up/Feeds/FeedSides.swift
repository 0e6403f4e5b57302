import Compression
import Core
import Foundation
import LocalServers
import Messages
import ObjectStore
import ObjectStoreFlags
import Redis

/// What has happened on the simulated market since it was first listened to: the measure of a run.
struct FeedTruth: Hashable, Sendable {
  struct Series: Hashable, Sendable {
    var trades = 0
    /// Of the last trade: its price, and its time in milliseconds since 1970.
    var price = 0.0
    var time: Int64 = 0
    /// The close of the last state of each bar, by its start in milliseconds.
    var closes: [Int64: Double] = [:]
  }
  var series: [String: Series] = [:]

  private struct Event: Decodable {
    var number: Int
    var kind: String
    var symbol: String
    var event_ns: Int64
    var price: Double
    var close: Double
  }
  private struct Stats: Decodable { var first: Int }

  /// Asks a feed-simulator.
  static func read(port: UInt16) async throws -> FeedTruth {
    guard let first = try await first(port: port),
      let truth = await LoopbackHTTP.shared.get(port: port, path: "/_feed/truth", timeout: .seconds(60))
    else { throw Failure(.fatal, code: "truth_silent", "feed-simulator does not say what has happened") }
    return try FeedTruth(lines: truth.body, from: first)
  }

  /// The number of the first event that was listened to; nil when the simulator does not answer.
  static func first(port: UInt16) async throws -> Int? {
    let answer = await LoopbackHTTP.shared.get(port: port, path: "/_feed/stats", timeout: .seconds(30))
    return try answer.map { try JSONDecoder().decode(Stats.self, from: Data($0.body.utf8)).first }
  }

  /// - Parameter first: the number of the first event that was listened to.
  init(lines: String, from first: Int) throws {
    for line in lines.split(separator: "\n") {
      let event = try JSONDecoder().decode(Event.self, from: Data(line.utf8))
      guard event.number >= first else { continue }
      let time = event.event_ns / 1_000_000
      switch event.kind {
      case "trade":
        var known = series[event.symbol] ?? Series()
        known.trades += 1
        if time >= known.time { (known.price, known.time) = (event.price, time) }
        series[event.symbol] = known
      case "bar", "revised": series[event.symbol, default: Series()].closes[time] = event.close
      default: break
      }
    }
  }
}

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

extension RedisClient {
  /// All keys that begin so.
  func keys(of prefix: String) async throws -> [String] {
    var keys: [String] = []
    var cursor = "0"
    repeat {
      let reply = try await send(RedisCommand("SCAN", cursor, "MATCH", "\(prefix)*", "COUNT", "1000"))
      guard let parts = reply.array, parts.count == 2 else { break }
      cursor = parts[0].text ?? "0"
      keys += (parts[1].array ?? []).compactMap(\.text)
    } while cursor != "0"
    return keys
  }
}

/// What the archive holds of the feed: lists the objects, unpacks them, and reads their records.
struct ArchiveSide: Sendable {
  struct Series: Hashable, Sendable {
    var trades = 0
    var price: Double?
    /// Of the last trade, nanoseconds since 1970.
    var time: Int64 = 0
    /// The close of the state of each bar that was known last, by its start in milliseconds.
    var closes: [Int64: Double] = [:]
  }
  private struct State {
    var known: Int64
    var revision: Int64
  }
  var series: [String: Series] = [:]
  var objects = 0
  private var states: [String: State] = [:]

  static func read(_ options: ObjectStoreOptions) async throws -> ArchiveSide {
    var side = ArchiveSide()
    side.objects += try await options.readLines(below: "market-ticks/") { try side.add(tick: $0) }
    side.objects += try await options.readLines(below: "market-bars/") { try side.add(bar: $0) }
    return side
  }

  mutating func add(tick bytes: [UInt8]) throws {
    let tick = try FeedTick(decoding: bytes)
    guard tick[\.kind] == .trade, let symbol = tick[\.symbol], let price = tick[\.price] else { return }
    var known = series[symbol] ?? Series()
    known.trades += 1
    if tick[\.eventNs] >= known.time { (known.price, known.time) = (Double("\(price)"), tick[\.eventNs]) }
    series[symbol] = known
  }

  mutating func add(bar bytes: [UInt8]) throws {
    let bar = try FeedBar(decoding: bytes)
    let (values, name) = (bar.values, "\(bar.symbol)/\(bar.values.startNs)")
    if let state = states[name], (state.known, state.revision) > (values.knownNs, values.revision) { return }
    states[name] = State(known: values.knownNs, revision: values.revision)
    series[bar.symbol, default: Series()].closes[values.startNs / 1_000_000] = Double("\(values.close)")
  }
}
