import ArgumentParser
import Catalogue
import FeedSimulator
import Feeds
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import Testing
import TestSupport
import Values

/// The executable against the simulated feeds, the embedded broker behind it: what is in Kafka is what happened.
@Suite(.timeLimit(.minutes(10))) struct StreamTests {
  private static let symbols = ["AAPL", "MSFT", "BRK.B"]
  private static let options = ["SPY251219C00650000", "SPY251219P00650000"]
  private static let topics = [Topics.marketTicks, Topics.marketBars, Topics.marketGaps, Topics.subscriptions]

  private func makeBroker() throws -> EmbeddedBroker {
    try EmbeddedBroker(topics: Self.topics.map { ($0.name, Int($0.partitions)) })
  }

  private func start(
    _ feed: Feed, _ simulator: FeedSimulator, _ broker: EmbeddedBroker, _ more: [String] = []
  ) async throws -> ServiceProcess {
    let path = switch feed {
    case .alphaVantage: ""
    case .polygonStocks: "stocks"
    case .polygonOptions: "options"
    case .alpacaStocks: "v2/iex"
    case .alpacaOptions: "v1beta1/indicative"
    }
    let symbols = feed.hasOptions ? Self.options : Self.symbols
    return try await ServiceProcess.start("market-streamer", [
      "--feed", feed.rawValue, "--feed-url", "ws://\(simulator.url)/\(path)",
      "--history-url", "http://\(simulator.url)",
      "--feed-key", "key", "--feed-secret", "secret", "--symbols", symbols.joined(separator: ","), "--hours", "always",
      "--channels", "trades,quotes,bars,statuses", "--allow-private-addresses",
      "--kafka-bootstrap-servers", broker.bootstrapServers,
    ] + more)
  }

  /// Every value of a topic now.
  private func read(_ broker: EmbeddedBroker, _ topic: Topic) async throws -> [[UInt8]] {
    var options = try KafkaOptions.parse([])
    options.kafkaBootstrapServers = broker.bootstrapServers
    options.kafkaProperty = ["session.timeout.ms=6000", "heartbeat.interval.ms=300"]
    options.groupId = "reader-\(TestServers.uniqueName())"
    var quiet = Logger(label: "reader")
    quiet.logLevel = .critical
    let admin = try options.makeAdmin(clientID: "reader", logger: quiet)
    let ends = try await admin.watermarks(Set((0..<topic.partitions).map { TopicPartition(topic.name, $0) }))
    var left = ends.values.reduce(0) { $0 + $1.high - $1.low }
    let consumer = try Consumer(options.consumerConfiguration(clientID: "reader", topics: [topic.name], logger: quiet))
    var values: [[UInt8]] = []
    while left > 0, let element = try await consumer.next(before: nil) {
      guard case .batch(let batch) = element else { continue }
      batch.forEach { values.append($0.valueBytes) }
      left -= Int64(batch.count)
    }
    consumer.close()
    while let element = try await consumer.next(before: nil) {
      if case .revoking(_, let answer) = element { answer.done(committing: [:]) }
    }
    return values
  }

  private func published(_ process: ServiceProcess) async -> Double {
    await process.metrics().sum("souk_feed_events_total") ?? 0
  }

  /// Waits until every hole is closed and all of the market's past is published, with the market stopped.
  private func settle(_ process: ServiceProcess, _ simulator: FeedSimulator) async throws {
    simulator.pause()
    try await eventually("no gap is open") { await process.metrics().sum("souk_feed_gaps_open") ?? 0 == 0 }
    var last = -1.0
    try await eventually("nothing more comes") {
      let now = await published(process)
      defer { last = now }
      if now != last { try? await Task.sleep(for: .seconds(1)) }
      return now == last
    }
    #expect(await process.terminate() == .exited(0))
  }

  /// All that happened from the first event in Kafka on is there, once.
  private func expectTruth(_ broker: EmbeddedBroker, _ simulator: FeedSimulator, _ feed: Feed) async throws {
    let ticks = try await read(broker, Topics.marketTicks).map { try FeedTick(decoding: $0) }
    func name(_ kind: String, _ symbol: String, _ id: String, _ eventNs: Int64) -> String {
      // Options of Alpaca have no ids, and quotes of it none either; Polygon's stream has milliseconds.
      feed.isPolygon ? "\(kind)/\(symbol)/\(id)" : "\(kind)/\(symbol)/\(eventNs)"
    }
    let seen = ticks.map { tick in
      name(
        tick[\.kind].rawValue, tick[\.symbol] ?? "", tick[\.sequence].map { "\($0)" } ?? "", tick[\.eventNs])
    }
    #expect(Set(seen).count == seen.count, "an event was published twice")
    let first = try #require(ticks.map { $0[\.eventNs] }.min())
    let kinds: Set<SimulatedEvent.Kind> = feed.isPolygon || feed.hasOptions
      ? [.trade, .quote] : [.trade, .quote, .correction, .cancel, .status]
    // Polygon's stream has milliseconds and its past nanoseconds; its sequence tells what came first.
    let firstID = ticks.compactMap { $0[\.sequence] }.min().map { Int($0) } ?? 0
    let truth = simulator.events.filter { kinds.contains($0.kind) }
      .filter { feed.isPolygon ? $0.id >= firstID : $0.eventNs >= first }
      .map { name($0.kind.rawValue, $0.symbol, "\($0.id)", $0.eventNs) }
    #expect(Set(truth).subtracting(seen).isEmpty && Set(seen).subtracting(truth).isEmpty, """
      missing \(Set(truth).subtracting(seen).sorted().prefix(5)), too many \
      \(Set(seen).subtracting(truth).sorted().prefix(5)) of \(truth.count)
      """)
    #expect(truth.count > 100)
  }

  private func gaps(_ broker: EmbeddedBroker) async throws -> [String: [FeedGap]] {
    Dictionary(grouping: try await read(broker, Topics.marketGaps).map { try FeedGap(decoding: $0) }, by: \.id)
  }

  @Test(arguments: Feed.streams) func whatHappensIsPublishedOnce(_ feed: Feed) async throws {
    let broker = try makeBroker()
    try await FeedSimulator.serving(symbols: feed.hasOptions ? Self.options : Self.symbols, rate: 500) { simulator in
      let process = try await start(feed, simulator, broker)
      try await eventually("events") { await published(process) > 1_000 }
      try await settle(process, simulator)
      try await expectTruth(broker, simulator, feed)
      #expect(try await gaps(broker).isEmpty)
    }
  }

  /// Cut in the middle of a frame: what was missed is asked for, pages that are short, empty or refused included.
  @Test(arguments: Feed.streams, FeedSimulator.Cut.allCases)
  func gapsAreRefilled(_ feed: Feed, _ cut: FeedSimulator.Cut) async throws {
    let broker = try makeBroker()
    var script = FeedScript()
    script.hasEmptyPages = true
    script.refusedQuestions = 2
    let symbols = feed.hasOptions ? Self.options : Self.symbols
    try await FeedSimulator.serving(script, symbols: symbols, rate: 500, hasCorrections: false) { simulator in
      let process = try await start(feed, simulator, broker)
      try await eventually("events") { await published(process) > 500 }
      simulator.cut(cut)
      try await eventually("the refill") {
        await process.metrics().sum("souk_feed_gaps_total", where: ["outcome": "filled"]) ?? 0 >= Double(symbols.count)
      }
      try await settle(process, simulator)
      try await expectTruth(broker, simulator, feed)
      let gaps = try await gaps(broker)
      #expect(Set(gaps.values.map { $0[0].symbol }) == Set(symbols))
      for records in gaps.values {
        #expect(records.map(\.state) == [.open, .filled])
        #expect(records[0].why == .disconnected && records[1].closedNs != nil)
      }
      #expect(gaps.values.contains { $0[1].added > 0 })
    }
  }

  /// Killed: the next process goes on where this one was, and repeats nothing.
  @Test(arguments: [Feed.alpacaStocks, .polygonStocks]) func aKilledStreamerGoesOn(_ feed: Feed) async throws {
    let broker = try makeBroker()
    try await withTemporaryDirectory { folder in
      try await FeedSimulator.serving(symbols: Self.symbols, rate: 300, hasCorrections: false) { simulator in
        let state = ["--state", "file://\(folder)/state"]
        let first = try await start(feed, simulator, broker, state)
        try await eventually("a state") {
          FileManager.default.fileExists(atPath: "\(folder)/state/\(feed.rawValue)-0-of-1.json")
        }
        try await eventually("events") { await published(first) > 1_500 }
        first.signal(SIGKILL)
        try await eventually("the end") { first.status != nil }
        let second = try await start(feed, simulator, broker, state)
        try await eventually("the refill") {
          await second.metrics().sum("souk_feed_gaps_total", where: ["outcome": "filled"]) ?? 0 >= 3
        }
        try await settle(second, simulator)
        try await expectTruth(broker, simulator, feed)
        #expect(try await gaps(broker).values.allSatisfy { $0.last?.state == .filled && $0[0].why == .restarted })
      }
    }
  }

  /// Frozen for longer than the provider's patience or not: nothing is lost.
  @Test func aFrozenStreamerLosesNothing() async throws {
    let broker = try makeBroker()
    try await FeedSimulator.serving(symbols: Self.symbols, rate: 500, hasCorrections: false) { simulator in
      let process = try await start(.alpacaStocks, simulator, broker)
      try await eventually("events") { await published(process) > 500 }
      process.signal(SIGSTOP)
      let count = simulator.events.count
      try await eventually("the market goes on") { simulator.events.count > count + 1_000 }
      process.signal(SIGCONT)
      try await eventually("it goes on") { await published(process) > 2_000 }
      try await settle(process, simulator)
      try await expectTruth(broker, simulator, .alpacaStocks)
    }
  }

  /// The last state of each bar in Kafka is that of the market, revisions included, over a cut.
  @Test(arguments: [Feed.alpacaStocks, .polygonStocks]) func barsAreRevised(_ feed: Feed) async throws {
    let broker = try makeBroker()
    // A minute in two seconds.
    try await FeedSimulator.serving(symbols: Self.symbols, rate: 300, speed: 30, hasCorrections: false) { simulator in
      let process = try await start(feed, simulator, broker)
      try await eventually("bars") { simulator.finalBars.count >= 6 }
      simulator.cut(.reset)
      try await eventually("the refill") {
        await process.metrics().sum("souk_feed_gaps_total", where: ["outcome": "filled"]) ?? 0 >= 3
      }
      try await eventually("more bars") { simulator.finalBars.count >= 18 }
      try await settle(process, simulator)
      let bars = try await read(broker, Topics.marketBars).map { try FeedBar(decoding: $0) }
      let last = Dictionary(grouping: bars) { "\($0.symbol)/\($0.values.startNs)" }
        .compactMapValues { states in
          // Several states may come in one frame.
          states.max { ($0.values.knownNs, $0.values.revision) < ($1.values.knownNs, $1.values.revision) }
        }
      let first = try #require(bars.map(\.values.startNs).min())
      for (name, truth) in simulator.finalBars where truth.eventNs > first {
        let bar = last[name]
        #expect(bar?.values.close == ExactDecimal(SimulatedEvent.money(truth.close)), "\(name)")
        #expect(bar?.values.volume == ExactDecimal(Int32(truth.size)), "\(name)")
      }
      #expect(bars.contains { $0.values.revision > 0 }, "late trades have changed bars")
      let names = bars.map { "\($0.symbol)/\($0.values.startNs)/\($0.values.digest)" }
      #expect(Set(names).count == names.count, "a state of a bar was published twice")
    }
  }

  @Test func aPlanWithoutHistoryLeavesAnUnfillableGap() async throws {
    let broker = try makeBroker()
    var script = FeedScript()
    script.hasHistory = false
    try await FeedSimulator.serving(script, symbols: Self.symbols, rate: 300) { simulator in
      let process = try await start(.alpacaStocks, simulator, broker)
      try await eventually("events") { await published(process) > 200 }
      simulator.cut(.reset)
      try await eventually("the gap is given up") {
        await process.metrics().sum("souk_feed_gaps_total", where: ["outcome": "unfillable"]) ?? 0 >= 3
      }
      try await settle(process, simulator)
      for records in try await gaps(broker).values {
        #expect(records.last?.state == .unfillable && records.last?.reason?.contains("403") == true)
      }
    }
  }

  @Test func aWrongKeyStopsWithTheReason() async throws {
    let broker = try makeBroker()
    var script = FeedScript()
    script.refusedLogins = 1_000
    try await FeedSimulator.serving(script, symbols: Self.symbols) { simulator in
      for feed in [Feed.alpacaStocks, .polygonStocks] {
        let process = try await start(feed, simulator, broker)
        try await eventually("the end") { process.status != nil }
        #expect(process.status == .exited(78))
        #expect(process.log.contains { $0.contains("feed_login_refused") })
      }
    }
  }

  /// A silent connection is given up while the market is open.
  @Test func silenceIsNoticed() async throws {
    let broker = try makeBroker()
    try await FeedSimulator.serving(symbols: Self.symbols, rate: 300, hasCorrections: false) { simulator in
      let process = try await start(.alpacaStocks, simulator, broker, ["--silence", "2s"])
      try await eventually("events") { await published(process) > 200 }
      simulator.change { $0.isSilent = true }
      try await eventually("a new connection") { simulator.logins > 1 }
      simulator.change { $0.isSilent = false }
      try await eventually("the refill") {
        await process.metrics().sum("souk_feed_gaps_total", where: ["outcome": "filled"]) ?? 0 >= 3
      }
      try await settle(process, simulator)
      try await expectTruth(broker, simulator, .alpacaStocks)
      #expect(try await gaps(broker).values.contains { $0[0].why == .silent })
    }
  }

  /// Symbols come and go while it streams.
  @Test func subscriptionsChangeAtRunTime() async throws {
    let broker = try makeBroker()
    try await FeedSimulator.serving(symbols: Self.symbols + ["NVDA"], rate: 300) { simulator in
      let process = try await start(.alpacaStocks, simulator, broker)
      try await eventually("events") { await published(process) > 200 }
      let settings = [
        "--feed", "alpaca-stocks", "--kafka-bootstrap-servers", broker.bootstrapServers, "--http-port", "0",
      ]
      let added = try await ServiceProcess.run("market-streamer", ["subscribe"] + settings + ["NVDA"])
      #expect(added.status == .exited(0), "\(added)")
      try await eventually("it is asked for") { simulator.interests.contains("trades/NVDA") }
      simulator.cut(.reset)
      try await eventually("it is asked for again") { simulator.interests.contains("trades/NVDA") }
      let removed = try await ServiceProcess.run("market-streamer", ["unsubscribe"] + settings + ["NVDA"])
      #expect(removed.status == .exited(0), "\(removed)")
      try await eventually("it is given up") { !simulator.interests.contains("trades/NVDA") }
      #expect(simulator.interests.contains("trades/AAPL"), "what the settings name stays")
      await process.terminate()
    }
  }

  /// Two processes, one connection: the other takes over when the first is killed.
  @Test func oneProcessOwnsAConnection() async throws {
    let broker = try makeBroker()
    let redis = try await PrivateRedis.start()
    let outcome: Result<Void, any Error>
    do {
      try await FeedSimulator.serving(symbols: Self.symbols, rate: 300, hasCorrections: false) { simulator in
        let more = ["--redis-url", redis.url, "--lease-timeout", "3s"]
        let first = try await start(.polygonStocks, simulator, broker, more)
        try await eventually("events") { await published(first) > 1_000 }
        let second = try await start(.polygonStocks, simulator, broker, more)
        try await second.awaitReady()
        #expect(simulator.logins == 1)
        first.signal(SIGKILL)
        try await eventually("the other takes over") {
          await second.metrics().sum("souk_feed_gaps_total", where: ["outcome": "filled"]) ?? 0 >= 3
        }
        #expect(simulator.logins == 2)
        try await settle(second, simulator)
        try await expectTruth(broker, simulator, .polygonStocks)
      }
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    await redis.stop()
    try outcome.get()
  }

  @Test func checkSaysWhatThePlanAllows() async throws {
    let broker = try makeBroker()
    try await FeedSimulator.serving(symbols: Self.symbols) { simulator in
      let outcome = try await ServiceProcess.run("market-streamer", [
        "--check", "--feed", "alpaca-stocks", "--feed-url", "ws://\(simulator.url)/v2/iex", "--feed-key", "key",
        "--feed-secret", "secret", "--symbols", "AAPL", "--kafka-bootstrap-servers", broker.bootstrapServers,
      ])
      #expect(outcome.status == .exited(0) && "\(outcome)".contains("trades allowed"), "\(outcome)")
    }
  }
}
