import Catalogue
import FeedSimulator
import Feeds
import Foundation
import Kafka
import LocalServers
import Messages
import Testing
import TestSupport
import Values

/// The executable against the simulated feeds, the embedded broker behind it: what is in Kafka is what happened.
@Suite(.timeLimit(.minutes(10))) struct StreamTests: StreamSuite {
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
      // Longer than `settle` looks at a market that was stopped.
      let process = try await start(.alpacaStocks, simulator, broker, ["--silence", "10s"])
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

  /// What flags and a file name is subscribed to from the start; other symbols come and go while it streams.
  @Test func subscriptionsChangeAtRunTime() async throws {
    let broker = try makeBroker()
    let files = try PrivateFolder("symbols")
    defer { files.remove() }
    let text = "# what is traded\n\nAAPL\n  MSFT\tMicrosoft\r\nbrk-b  # class B\n#TSLA\nBAC-PL#preferred"
    try text.write(toFile: "\(files.path)/symbols.txt", atomically: true, encoding: .utf8)
    try await FeedSimulator.serving(symbols: Self.symbols + ["NVDA"], rate: 300) { simulator in
      func trades() -> Set<String> { simulator.interests.filter { $0.hasPrefix("trades/") } }
      let named: Set = ["trades/AAPL", "trades/MSFT", "trades/BRK.B", "trades/BAC.PRL"]
      let process = try await start(
        .alpacaStocks, simulator, broker, ["--symbols-file", "\(files.path)/symbols.txt"], symbols: ["AAPL"])
      try await eventually("what flags and file name is subscribed to") { trades() == named }
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
      try await eventually("it is given up, and what the settings name stays") { trades() == named }
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
