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

/// What providers, clocks and operators do to a streamer: nothing is missing in silence, nothing comes twice.
@Suite(.timeLimit(.minutes(15))) struct FaultTests: StreamSuite {
  private func filled(_ process: ServiceProcess, _ count: Int) async throws {
    try await eventually("the refill") {
      await process.metrics().sum("souk_feed_gaps_total", where: ["outcome": "filled"]) ?? 0 >= Double(count)
    }
  }

  private func failures(_ process: ServiceProcess, _ code: String) async -> Double {
    await process.metrics().sum("souk_feed_failures_total", where: ["code": code]) ?? 0
  }

  /// A minute of a hundred symbols: one question a channel where the provider is asked for many symbols at once, one
  /// for each symbol where it is not.
  @Test(arguments: [Feed.alpacaStocks, .polygonStocks]) func aMinuteOfAHundredSymbols(_ feed: Feed) async throws {
    let broker = try makeBroker()
    let symbols = (0..<100).map { "S\($0)" }
    var script = FeedScript()
    script.pageSize = 10_000
    // Two seconds of a clock that is thirty times as fast.
    script.away = .seconds(2)
    try await FeedSimulator.serving(
      script, symbols: symbols, rate: 1_000, speed: 30, hasCorrections: false
    ) { simulator in
      let process = try await start(feed, simulator, broker, symbols: symbols, channels: "trades,bars")
      try await eventually("events") { await published(process) > 2_000 }
      simulator.cut(.reset)
      try await filled(process, 100)
      // Beside them only handshakes that came too early.
      let asked = simulator.questions.filter { $0.contains("?") }
      #expect(asked.count == (feed == .alpacaStocks ? 2 : 200), "\(asked.count)")
      try await settle(process, simulator)
      let gaps = try await gaps(broker)
      #expect(Set(gaps.values.map { $0[0].symbol }) == Set(symbols))
      for records in gaps.values {
        let closed = try #require(records.last)
        #expect(closed.state == .filled)
        #expect((closed.toNs ?? 0) - closed.fromNs >= 55_000_000_000, "a minute of the market's clock")
      }
    }
  }

  /// All symbols at once: those that the feed had given are refilled, and what may have come of others is said.
  @Test(arguments: [Feed.alpacaStocks, .polygonStocks]) func allSymbolsAreRefilledAsFarAsTheyAreKnown(
    _ feed: Feed
  ) async throws {
    let broker = try makeBroker()
    try await FeedSimulator.serving(symbols: Self.symbols, rate: 500, hasCorrections: false) { simulator in
      let process = try await start(feed, simulator, broker, symbols: ["*"])
      try await eventually("events") { await published(process) > 500 }
      simulator.cut(.reset)
      try await filled(process, 3)
      try await settle(process, simulator)
      try await expectTruth(broker, simulator, feed)
      let gaps = try await gaps(broker).values.compactMap(\.last)
      #expect(Set(gaps.map(\.symbol)) == Set(Self.symbols + ["*"]))
      for gap in gaps where gap.symbol != "*" { #expect(gap.state == .filled) }
      let all = try #require(gaps.first { $0.symbol == "*" })
      #expect(all.state == .unfillable && all.reason?.hasPrefix("all_symbols") == true)
      #expect(all.reason?.contains("the 3 that") == true)
    }
  }

  /// More connections than before go on where the fewer ones were.
  @Test func anotherNumberOfConnectionsGoesOn() async throws {
    let broker = try makeBroker()
    // Some of each of two connections.
    let symbols = Self.symbols + ["NVDA", "TSLA"]
    var script = FeedScript()
    script.connections = 2
    try await withTemporaryDirectory { folder in
      try await FeedSimulator.serving(script, symbols: symbols, rate: 300, hasCorrections: false) { simulator in
        let state = ["--state", "file://\(folder)/state"]
        let first = try await start(.alpacaStocks, simulator, broker, state, symbols: symbols)
        try await eventually("events") { await published(first) > 1_500 }
        try await eventually("a checkpoint") {
          let text = (try? String(contentsOfFile: "\(folder)/state/alpaca-stocks-0-of-1.json", encoding: .utf8)) ?? ""
          return text.contains("\"watermark\":1")
        }
        first.signal(SIGKILL)
        try await eventually("the end") { first.status != nil }
        let second = try await start(.alpacaStocks, simulator, broker, state + ["--connections", "2"], symbols: symbols)
        try await filled(second, 5)
        #expect(simulator.connections == 2)
        try await settle(second, simulator)
        try await expectTruth(broker, simulator, .alpacaStocks)
      }
    }
  }

  /// A restart does not shorten the wait that a provider's refusal asks for.
  @Test func theBackOffSurvivesARestart() async throws {
    let broker = try makeBroker()
    var script = FeedScript()
    script.connections = 0
    try await withTemporaryDirectory { folder in
      try await FeedSimulator.serving(script, symbols: Self.symbols) { simulator in
        let state = ["--state", "file://\(folder)/state"]
        let first = try await start(.alpacaStocks, simulator, broker, state)
        try await eventually("the refusal is written down") {
          let text = (try? String(contentsOfFile: "\(folder)/state/alpaca-stocks-0-of-1.json", encoding: .utf8)) ?? ""
          return text.contains("\"failures\":1")
        }
        first.signal(SIGKILL)
        try await eventually("the end") { first.status != nil }
        let made = simulator.made
        let second = try await start(.alpacaStocks, simulator, broker, state)
        try await eventually("it waits") { second.log.contains { $0.contains("waits before it connects") } }
        #expect(simulator.made == made)
        #expect(await second.terminate() == .exited(0))
      }
    }
  }

  /// Two streamers of one key that do not know each other: one provider closes the oldest, the other refuses the
  /// newest; either way one of them stays away, and they do not throw each other out in turns.
  @Test(arguments: [Feed.alpacaStocks, .polygonStocks]) func twoStreamersOfOneKeyDoNotFight(_ feed: Feed) async throws {
    let broker = try makeBroker()
    try await FeedSimulator.serving(symbols: Self.symbols, rate: 300) { simulator in
      let first = try await start(feed, simulator, broker)
      try await eventually("events") { await published(first) > 200 }
      let second = try await start(feed, simulator, broker)
      let (loser, winner) = feed == .alpacaStocks ? (second, first) : (first, second)
      try await eventually("one is told") { await failures(loser, "feed_connection_limit") > 0 }
      let before = await published(winner)
      try await eventually("the other goes on") { await published(winner) > before + 1_000 }
      #expect(simulator.logins == (feed == .alpacaStocks ? 1 : 2))
      #expect(await failures(winner, "feed_connection_limit") == 0)
      #expect(loser.status == nil, "it waits for its turn")
      await first.terminate()
      await second.terminate()
    }
  }

  /// A reader that is too slow is thrown out by the provider, and gets what it missed.
  @Test func aSlowReaderIsRefilled() async throws {
    let broker = try makeBroker()
    var script = FeedScript()
    script.slowLimit = 64 << 10
    script.pageSize = 10_000
    try await FeedSimulator.serving(script, symbols: Self.symbols, rate: 3_000, hasCorrections: false) { simulator in
      let process = try await start(.alpacaStocks, simulator, broker)
      try await eventually("events") { await published(process) > 500 }
      process.signal(SIGSTOP)
      try await eventually("the provider closes the connection") { simulator.connections == 0 }
      process.signal(SIGCONT)
      try await filled(process, 3)
      try await settle(process, simulator)
      try await expectTruth(broker, simulator, .alpacaStocks)
    }
  }

  /// Kafka is away for longer than --backlog holds: the connection is given up, and gets what it missed.
  @Test(arguments: [Feed.alpacaStocks, .polygonStocks]) func whatTheBacklogDoesNotHoldIsRefilled(
    _ feed: Feed
  ) async throws {
    let broker = try makeBroker()
    var script = FeedScript()
    script.pageSize = 10_000
    try await FeedSimulator.serving(script, symbols: Self.symbols, rate: 1_000, hasCorrections: false) { simulator in
      let process = try await start(feed, simulator, broker, ["--backlog", "128KiB"])
      try await eventually("events") { await published(process) > 500 }
      broker.takeDown()
      try await eventually("the connection is given up") { await failures(process, "feed_slow_reader") > 0 }
      let count = simulator.events.count
      try await eventually("the market goes on") { simulator.events.count > count + 1_000 }
      #expect(process.status == nil && process.log.contains { $0.contains("bytes wait for Kafka") })
      broker.bringUp()
      try await filled(process, 3)
      try await settle(process, simulator)
      // The embedded broker takes a request again whose answer it did not get rid of.
      try await expectTruth(broker, simulator, feed, repeats: true)
    }
  }

  /// A clock that is an hour behind refuses every event: that is a hole, and it is filled once the clock is right.
  @Test(arguments: [Feed.alpacaStocks, .polygonStocks]) func aClockThatIsBehindIsAGap(_ feed: Feed) async throws {
    let broker = try makeBroker()
    try await FeedSimulator.serving(symbols: Self.symbols, rate: 500, hasCorrections: false) { simulator in
      let process = try await start(feed, simulator, broker)
      try await eventually("events") { await published(process) > 500 }
      simulator.change { $0.shiftNs = 3_600_000_000_000 }
      try await eventually("it is noticed") { await failures(process, "feed_clock_behind") > 0 }
      simulator.change { $0.shiftNs = 0 }
      try await filled(process, 3)
      try await settle(process, simulator)
      try await expectTruth(broker, simulator, feed)
    }
  }

  /// A plan without history (403), a key that is wrong for the past (401).
  @Test(arguments: [(Feed.alpacaStocks, "403"), (.polygonStocks, "401")])
  func aRefusedPastLeavesAnUnfillableGap(_ feed: Feed, _ answer: String) async throws {
    let broker = try makeBroker()
    var script = FeedScript()
    script.hasHistory = answer != "403"
    script.refusesQuestions = answer == "401"
    try await FeedSimulator.serving(script, symbols: Self.symbols, rate: 300) { simulator in
      let process = try await start(feed, simulator, broker)
      try await eventually("events") { await published(process) > 200 }
      simulator.cut(.reset)
      try await eventually("the gap is given up") {
        await process.metrics().sum("souk_feed_gaps_total", where: ["outcome": "unfillable"]) ?? 0 >= 3
      }
      try await settle(process, simulator)
      for records in try await gaps(broker).values {
        #expect(records.last?.state == .unfillable && records.last?.reason?.contains(answer) == true)
      }
    }
  }

  /// What a plan does not have stops the service, with the reason, before it looks as if it worked.
  @Test(arguments: [Feed.alpacaStocks, .polygonStocks]) func aPlanWithoutTheFeedOrWithoutTheStarStops(
    _ feed: Feed
  ) async throws {
    let broker = try makeBroker()
    for hasFeed in [false, true] {
      var script = FeedScript()
      script.allowsStar = false
      script.refusedFeeds = hasFeed ? [] : [feed.rawValue]
      try await FeedSimulator.serving(script, symbols: Self.symbols) { simulator in
        let process = try await start(feed, simulator, broker, symbols: ["*"])
        try await eventually("the end") { process.status != nil }
        #expect(process.status == .exited(78))
        #expect(process.log.contains { $0.contains("feed_plan_refused") })
      }
    }
  }

  /// A plan of 30 symbols gives 30, and the bars of all, which it does not count.
  @Test(arguments: [30, 1]) func aPlanOfFewerSymbolsGivesThose(_ limit: Int) async throws {
    let broker = try makeBroker()
    let symbols = (0..<100).map { "S\($0)" }
    var script = FeedScript()
    script.symbolLimit = limit
    try await FeedSimulator.serving(script, symbols: symbols, rate: 300) { simulator in
      let process = try await start(.alpacaStocks, simulator, broker, symbols: symbols)
      func subscribed(_ channel: String) -> Int { simulator.interests.count { $0.hasPrefix("\(channel)/") } }
      try await eventually("as many as the plan allows") { subscribed("trades") == limit }
      try await eventually("the bars of all") { subscribed("bars") == 100 }
      try await eventually("it is said") { process.log.contains { $0.contains("not all symbols are subscribed to") } }
      #expect(await failures(process, "feed_symbol_limit") > 0)
      try await eventually("events") { await published(process) > 20 }
      #expect(await process.terminate() == .exited(0))
    }
  }
}
