import Catalogue
import Core
@testable import HotWriterService
import Kafka
import LocalServers
import Messages
import Pipeline
import Redis
import TestSupport
import Values

/// A sink on a real Redis with time series, and what the tests ask the server.
struct HotFixture: Sendable {
  let server: PrivateRedis
  let client: RedisClient
  var policy = SeriesPolicy(
    tickFields: [.price, .size, .bid, .ask], barFields: [.open, .high, .low, .close, .volume],
    tickRetention: .seconds(86_400),
    barRetention: RetentionByName(["1m": .seconds(30 * 86_400)], others: .seconds(86_400)))
  var limits = RecordReader.Limits()

  /// - Parameter isOwn: a server that the test stops, fills or empties.
  init(isOwn: Bool = true, _ arguments: [String] = []) async throws {
    server = isOwn
      ? try await PrivateRedis.start(arguments, modules: true) : try await TestServers.redisWithModules()
    client = RedisClient(RedisConfiguration(url: try RedisURL(server.url)))
  }

  static func partition(_ number: Int32 = 0, _ topic: Topic = Topics.marketTicks) -> TopicPartition {
    TopicPartition(topic.name, number)
  }

  func sink(now: @escaping @Sendable () -> Int64 = WallClock.milliseconds) -> HotSink {
    HotSink(
      client, policy: policy, limits: limits,
      budget: MemoryBudget(policy: policy, symbols: 10, ticksPerSecond: 1, tail: limits.tail), now: now)
  }

  // MARK: - asking

  @discardableResult
  func ask(_ words: String...) async throws -> RedisReply {
    try await client.send(RedisCommand(words[0], words.dropFirst().map { Array($0.utf8) }))
  }

  /// Stamps and values of a series; empty when there is none.
  func samples(_ key: String) async throws -> [Int64: Double] {
    let reply = try await client.replies(to: [RedisCommand("TS.RANGE", key, "-", "+")])[0]
    return Dictionary(uniqueKeysWithValues: (reply.array ?? []).compactMap { element in
      guard let stamp = element.array?[0].integer, let value = element.array?[1].text.flatMap(Double.init) else {
        return nil
      }
      return (stamp, value)
    })
  }

  /// Waits until each series has these samples and no others.
  func awaitSamples(_ truth: [String: [Int64: Double]], _ what: String) async throws {
    try await eventually(what, interval: .milliseconds(200)) {
      do {
        for (key, samples) in truth where try await self.samples(key) != samples { return false }
        return true
      } catch let error as RedisError where error.isTransient {
        // The test's own connection broke off with the server.
        return false
      }
    }
  }

  func hash(_ key: String) async throws -> [String: String] {
    let words = try await ask("HGETALL", key).array?.compactMap(\.text) ?? []
    return Dictionary(uniqueKeysWithValues: stride(from: 0, to: words.count, by: 2).map { (words[$0], words[$0 + 1]) })
  }

  func length() async throws -> Int64 { try await ask("XLEN", HotWriter.stream).integer ?? -1 }
}

extension HotSink {
  @discardableResult
  func append(_ bytes: [UInt8], _ offset: Int64, _ partition: TopicPartition = HotFixture.partition()) -> Disposition {
    append(bytes.span.bytes, at: offset, produced: -1, of: partition)
  }

  /// The code of the reason why a record is refused; nil when it is kept.
  func code(_ bytes: [UInt8], _ partition: TopicPartition = HotFixture.partition()) -> String? {
    if case .reject(let rejection) = append(bytes, 0, partition) { rejection.code } else { nil }
  }
}

/// Messages at times of the recent past: milliseconds before now.
enum Feeding {
  /// Whole milliseconds, the same in a whole test process.
  static let now = WallClock.milliseconds()

  static func trade(
    _ symbol: String = "AAPL", ago: Int64 = 1_000, _ price: String, size: String = "100", id: String = "1",
    nanoseconds: Int64 = 0
  ) -> [UInt8] {
    var tick = FeedTick(
      .trade, symbol: symbol, feed: "polygon-stocks", eventNs: (now - ago) * 1_000_000 + nanoseconds,
      knownNs: now * 1_000_000)
    tick[\.id] = id
    tick[\.exchange] = "4"
    tick[\.price] = ExactDecimal(price)
    tick[\.size] = ExactDecimal(size)
    return tick.encoded()
  }

  static func quote(_ symbol: String = "AAPL", ago: Int64 = 1_000, bid: String, ask: String) -> [UInt8] {
    var tick = FeedTick(
      .quote, symbol: symbol, feed: "polygon-stocks", eventNs: (now - ago) * 1_000_000, knownNs: now * 1_000_000)
    tick[\.bid] = ExactDecimal(bid)
    tick[\.ask] = ExactDecimal(ask)
    return tick.encoded()
  }

  /// - Parameter known: milliseconds behind now.
  static func bar(
    _ symbol: String = "AAPL", minute: Int64, close: String, revision: Int64 = 0, known: Int64 = 0,
    feed: String = "polygon-stocks", vwap: String? = nil
  ) -> [UInt8] {
    let start = (now / 60_000 - minute) * 60_000
    var values = FeedBarValues(
      startNs: start * 1_000_000, knownNs: (now + known) * 1_000_000, open: ExactDecimal("1.5")!,
      high: ExactDecimal("9.25")!, low: ExactDecimal("0.001")!, close: ExactDecimal(close)!,
      volume: ExactDecimal("12345")!)
    values.revision = revision
    values.vwap = vwap.flatMap { ExactDecimal($0) }
    return FeedBar(symbol: symbol, feed: feed, interval: "1m", values: values).encoded()
  }
}
