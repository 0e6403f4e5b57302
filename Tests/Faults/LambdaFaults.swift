import Catalogue
import Core
import Foundation
import LocalServers
import Messages
import Redis
import TestSupport
import Values

/// Ticks, bars and articles: in Redis, in the archive, and as signals of the bars.
struct LambdaFaults: Faultable {
  let stage: FaultStage
  let size: Int
  private let redis: Pool<PrivateRedis>.Place
  /// Past the door.
  private let client: RedisClient
  private let store: StoreOfSeed
  private let stallsNames: Bool
  private let items: [Item]

  private struct Item: Sendable {
    enum Kind: Sendable { case tick, bar, article }
    var kind: Kind
    var symbol: String
    /// Among those of its kind and symbol.
    var ordinal: Int
    var number: Int
    /// Nanoseconds since 1970.
    var time: Int64
    var price: Double
  }

  private static let symbols = ["AAPL", "BRK.B", "MSFT", "TSLA", "A/B", "ÄÖ"]
  private static let feed = "alpaca-stocks"
  /// The topics of the records that are fed, and what is made of bars.
  private static let fed = [Topics.marketTicks, Topics.marketBars, Topics.newsArticles]
  private static let topics = (ServiceCatalogue.archiver.inputs + ServiceCatalogue.hotWriter.inputs
    + ServiceCatalogue.signalWorker.inputs + [Topics.signalStates])
    .reduce(into: [Topic]()) { if !$0.contains($1) { $0.append($1) } }

  init(_ folder: String, _ plan: FaultPlan, _ random: inout TestRandom) async throws {
    stage = try await FaultStage(folder, topics: Self.topics, settings: plan.settings)
    size = plan.size ?? Int.random(in: 150...600, using: &random)
    stallsNames = plan.stallsNames
    // Hours ago, so that no time is ahead of a clock that jumps back, by whole minutes.
    let begin = (WallClock.milliseconds() / 60_000 - 13 * 60) * 60_000
    var counts: [String: Int] = [:]
    items = (0..<size).map { number in
      let kind: Item.Kind = number % 10 < 5 ? .tick : number % 10 < 9 ? .bar : .article
      let symbol = Self.symbols[Int.random(in: 0..<Self.symbols.count, using: &random)]
      let ordinal = counts["\(kind)\(symbol)", default: 0]
      counts["\(kind)\(symbol)"] = ordinal + 1
      let time = kind == .bar ? begin + Int64(ordinal) * 60_000 : begin + Int64(number) * 1_000
      let price = 100 + Double(Int.random(in: 0..<400, using: &random)) * 0.25
      return Item(
        kind: kind, symbol: symbol, ordinal: ordinal, number: number, time: time * 1_000_000, price: price)
    }
    redis = try await Pools.redis.take()
    client = RedisClient(RedisConfiguration(url: try RedisURL(redis.server.url)))
    _ = try await client.send(RedisCommand("FLUSHALL", []))
    store = try await StoreOfSeed(folder, plan)
  }

  func start(_ service: String) async throws -> ServiceProcess {
    var environment = stage.environment(service)
    environment["REDIS_URL"] = "redis://redis.\(stallsNames ? "stalled" : "missing").test:\(redis.door.port)/0"
    environment["REDIS_TIMEOUT"] = "2s"
    environment["REDIS_CONNECT_TIMEOUT"] = "2s"
    var arguments: [String] = []
    switch service {
    case ServiceCatalogue.archiver.name:
      environment.merge(store.environment) { $1 }
      environment.merge([
        "ROTATE_INTERVAL": "300ms", "ROTATE_RECORDS": "60", "CATALOGUE_INTERVAL": "500ms", "LEASE_TIMEOUT": "2s",
        "TIERS": "off",
      ]) { $1 }
    case ServiceCatalogue.signalWorker.name:
      arguments = ["--hours", "always", "--intervals", "1m", "--linger", "20ms"]
    default: break
    }
    return try await ServiceProcess.start(service, arguments, environment: environment)
  }

  // MARK: Input

  func feed(_ parts: Range<Int>) async throws {
    try await stage.send(parts.map { record(items[$0]) })
  }

  private func record(_ item: Item) -> FaultStage.Record {
    let price = ExactDecimal("\(item.price)") ?? .zero
    switch item.kind {
    case .tick:
      var tick = FeedTick(
        .trade, symbol: item.symbol, feed: Self.feed, eventNs: item.time, knownNs: item.time + 1_000)
      tick[\.id] = "\(item.number)"
      tick[\.price] = price
      tick[\.size] = ExactDecimal("100")
      return .init(topic: Topics.marketTicks, key: item.symbol, value: tick.encoded())
    case .bar:
      let bar = FeedBar(
        symbol: item.symbol, feed: Self.feed, interval: "1m",
        values: FeedBarValues(
          startNs: item.time, knownNs: item.time + 60_000_000_000, open: price, high: price, low: price,
          close: price, volume: ExactDecimal("100") ?? .zero))
      return .init(topic: Topics.marketBars, key: item.symbol, value: bar.encoded())
    case .article:
      let time = Timestamp(microseconds: item.time / 1_000) ?? .epoch
      let article = NewsArticle(
        source: "newsapi", id: "\(item.number)", outlet: "Reuters", url: "https://reuters.example/\(item.number)",
        title: "Story \(item.number)", publishedAt: time, knownAt: time)
      return .init(
        topic: Topics.newsArticles, key: String(decoding: article.key, as: UTF8.self), value: article.encoded())
    }
  }

  func poison(_ count: Int, _ random: inout TestRandom) async throws {
    try await stage.poison((0..<count).map { _ in
      let topic = Self.fed.randomElement(using: &random) ?? Topics.marketTicks
      let number = Int.random(in: 0..<1_000_000_000, using: &random)
      let text = ["no record \(number)", #"{"symbol":"AAPL","number":\#(number)}"#].randomElement(using: &random) ?? ""
      var services: Set = [ServiceCatalogue.hotWriter.name, ServiceCatalogue.archiver.name]
      if topic == Topics.marketBars { services.insert(ServiceCatalogue.signalWorker.name) }
      return (.init(topic: topic, value: text, services: services), Self.symbols[number % Self.symbols.count])
    })
  }

  // MARK: Faults

  func begin(_ outage: String) async throws -> String? {
    let words = outage.split(separator: " ")
    if words[0] == "s3" { return try await store.begin(words[0], words[1], stage.names) }
    switch words[1] {
    case "restart": await redis.server.halt()
    case "full": _ = try await ask("CONFIG", "SET", "maxmemory", "1000000")
    default: _ = try await redis.begin(words[1], stage.names)
    }
    return nil
  }

  func attempts(_ outage: String) -> Int { outage.hasPrefix("redis") ? redis.door.connections : store.attempts }

  func heal() async throws {
    stage.names.recover()
    redis.heal()
    if !redis.server.isRunning { try await redis.server.resume() }
    try await eventually("Redis has room") {
      (try? await ask("CONFIG", "SET", "maxmemory", "0")) != nil
    }
    store.heal()
  }

  // MARK: The oracle

  func processed(of fed: Int) async throws -> Double {
    // The signals of bars are input again.
    let groups = [
      (ServiceCatalogue.signalWorker.name, [Topics.marketBars]),
      (ServiceCatalogue.hotWriter.name, Self.fed + [Topics.technicalSignals]),
      (ServiceCatalogue.archiver.name, Self.fed + [Topics.technicalSignals]),
    ]
    var least = 1.0
    for (group, topics) in groups {
      let (done, there) = try await stage.progress(of: group, in: topics)
      least = min(least, there == 0 ? 1 : Double(done) / Double(there))
    }
    return least
  }

  func problems() async throws -> [String] {
    let signals = try await stage.read(Topics.technicalSignals)
    return try await problems(of: signals) + archived(signals.map(\.text)) + series() + texts()
  }

  private struct Signal: Decodable {
    var id: String
    var bars: Int
    var values: [String: Double?]
  }

  /// One signal a bar, the same however often it is said, with the mean of the last 20 closes.
  private func problems(of signals: [FaultStage.Seen]) throws -> [String] {
    let bars = Dictionary(grouping: items.filter { $0.kind == .bar }, by: \.symbol)
    var expected: [String: (bars: Int, mean: Double?)] = [:]
    for (symbol, bars) in bars {
      for (index, bar) in bars.enumerated() {
        let last = bars[...index].suffix(20).map(\.price)
        expected["\(symbol)/\(Self.feed)/1m/\(bar.time)"] =
          (index + 1, last.count == 20 ? last.reduce(0, +) / 20 : nil)
      }
    }
    var ledger = Ledger("signals", expected: expected.keys)
    var problems: [String] = []
    for (id, said) in Dictionary(grouping: signals, by: { Self.identity(of: $0.text) }) {
      ledger.find(id)
      if Set(said.map(\.text)).count != 1 { problems.append("signals: \(id) says two things") }
      guard let text = said.first?.text, let truth = expected[id] else { continue }
      let signal = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
      let mean = (signal?["values"] as? [String: Any])?["sma20"] as? Double
      let isRight = truth.mean == nil ? mean == nil : abs((mean ?? .nan) - (truth.mean ?? 0)) < 1e-6
      if signal?["bars"] as? Int != truth.bars || !isRight { problems.append("signals: \(id), \(truth): \(text)") }
    }
    return ledger.problems + problems.prefix(5)
  }

  private static func identity(of text: String) -> String {
    let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    let start = (object?["start_ns"] as? Int64).map { "\($0)" } ?? "?"
    return "\(object?["symbol"] ?? "?")/\(object?["feed"] ?? "?")/\(object?["interval"] ?? "?")/\(start)"
  }

  /// Every record of the topics is a line of the archive, once, under its symbol.
  private func archived(_ signals: [String]) async throws -> [String] {
    let records = items.map { String(decoding: record($0).value, as: UTF8.self) } + signals
    var ledger = Ledger("archive", expected: records)
    for (_, line) in try await store.lines() { ledger.find(String(line)) }
    return ledger.problems
  }

  private func ask(_ words: String...) async throws -> RedisReply {
    try await client.send(RedisCommand(words[0], words.dropFirst().map { Array($0.utf8) }))
  }

  private func series() async throws -> [String] {
    let kinds = [(Item.Kind.tick, "price"), (.bar, "1m:close")]
    var ledger = Ledger("series", expected: items.compactMap { item in
      kinds.first { $0.0 == item.kind }.map { "ts:\(item.symbol):\($0.1) \(item.time / 1_000_000) \(item.price)" }
    })
    for (_, name) in kinds {
      for symbol in Self.symbols {
        let key = "ts:\(symbol):\(name)"
        guard try await ask("EXISTS", key).integer == 1 else { continue }
        for sample in try await ask("TS.RANGE", key, "-", "+").array ?? [] {
          let value = sample.array?[1].text.flatMap(Double.init)
          ledger.find("\(key) \(sample.array?[0].integer ?? 0) \(value ?? .nan)")
        }
      }
    }
    return ledger.problems
  }

  /// Articles under their names, and once in the tail.
  private func texts() async throws -> [String] {
    let articles = items.filter { $0.kind == .article }
    var ledger = Ledger("articles", expected: articles.map { "Story \($0.number)" })
    for article in articles {
      if let title = try await ask("HGET", "news:newsapi/\(article.number)", "title").text { ledger.find(title) }
    }
    let tail = try await ask("XLEN", "stream:raw_news").integer ?? 0
    return ledger.problems + (tail == articles.count ? [] : ["stream:raw_news has \(tail) of \(articles.count)"])
  }

  func close() async {
    try? await heal()
    await Pools.redis.giveBack(redis)
    await store.close()
  }
}
