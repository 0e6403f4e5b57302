import Catalogue
import Core
import FeedSimulator
import Foundation
import Kafka
import LocalServers
import Messages
import Redis
import Testing
import TestSupport
import Values

/// `scheduler` and `fetcher` as processes, in front of the simulated market, with a real Redis.
@Suite struct BarsProcessTests {
  private static let symbols = ["AAPL", "BRK.B", "MSFT", "NVDA"]

  /// The files of a schedule of minute bars.
  /// - Parameter rate: of the source.
  private func write(_ folder: String, _ simulator: FeedSimulator, kind: String, rate: String) throws -> [String] {
    let secret = kind == "alpaca" ? ", secret: \"file:\(folder)/secret\"" : ""
    let files = [
      "key": "key\n", "secret": "secret\n", "tickers.txt": Self.symbols.joined(separator: "\n") + "\n",
      "data_sources.yaml": """
        sources:
          - {name: feed, kind: \(kind), url: "http://\(simulator.url)", key: "file:\(folder)/key"\(secret),
             rate: \(rate)}

        """,
      "schedules.yaml": """
        schedules:
          - {name: bars-1m, kind: bars, every: 1m, delay: 3s, deadline: 2m, lookback: 5m}

        """,
    ]
    for (name, text) in files { try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8) }
    return ["--kind", "markets", "--tickers-file", "\(folder)/tickers.txt", "--schedules", "\(folder)/schedules.yaml",
            "--data-sources", "\(folder)/data_sources.yaml"]
  }

  private func time(_ seconds: Int64) -> String { (Timestamp(microseconds: seconds * 1_000_000) ?? .epoch).description }

  /// Half an hour of a session, minute by minute, by two fetchers of which one is killed, or frozen until the other has
  /// done its work: every bar of the market is published, a repeated one is the same, and the account is charged for
  /// every request.
  @Test(.timeLimit(.minutes(15)), arguments: [SIGKILL, SIGSTOP]) func scheduledBarsEqualTheMarket(
    _ signal: Int32
  ) async throws {
    let redis = try await PrivateRedis.start()
    var script = FeedScript()
    (script.pastDays, script.pageSize) = (12, 9)
    try await FeedSimulator.serving(script, symbols: Self.symbols, rate: 1) { simulator in
      try await withTemporaryDirectory { folder in
        let plan = try write(folder, simulator, kind: "polygon", rate: "[50/s, 100000/d]")
        let fleet = try Fleet(folder: folder, redis: redis, sources: "")
        let arguments = [
          "--kind", "bars", "--data-sources", "\(folder)/data_sources.yaml", "--redis-url", redis.url,
          "--allow-private-addresses", "--kafka-bootstrap-servers", fleet.broker.bootstrapServers, "--kafka-property",
          "session.timeout.ms=6000", "--retry-base", "50ms", "--retry-cap", "1s", "--commit-interval", "200ms",
        ]
        let lost = try await ServiceProcess.start("fetcher", arguments)
        try await lost.awaitReady()
        let open = try MarketStage.session().open
        let replay = try await ServiceProcess.run("scheduler", ["replay"] + plan + [
          "--from", time(open), "--to", time(open + 1_860), "--speed", "0", "--http-port", "0",
          "--kafka-bootstrap-servers", fleet.broker.bootstrapServers,
        ])
        #expect(replay.status == .exited(0), "\(replay)")
        try await eventually("some tasks ended") { await lost.ended() >= 10 }
        let rebalances = await lost.metrics().sum("souk_kafka_rebalance_events_total") ?? 0
        lost.signal(signal)
        let process = try await ServiceProcess.start("fetcher", arguments)
        try await process.awaitReady()
        let truth = MarketStage.truth(simulator, Self.symbols, open + 60 - 300..<open + 1_800)
        try await eventually("all bars") {
          try await Set(fleet.read([Topics.marketBars]).map { MarketStage.text(try FeedBar(decoding: $0.value)) })
            .isSuperset(of: truth)
        }
        var running = [process]
        if signal == SIGSTOP {
          lost.signal(SIGCONT)
          try await eventually("it is in the group again") {
            await lost.metrics().sum("souk_kafka_rebalance_events_total") ?? 0 > rebalances
          }
          running.append(lost)
        }
        for one in running {
          try await eventually("all tasks ended") { await one.metrics().sum("souk_kafka_lag_records") == 0 }
        }
        let records = try await fleet.read([Topics.marketBars])
        let bars = try records.map { try FeedBar(decoding: $0.value) }
        #expect(Set(bars.map(MarketStage.text)) == truth)
        #expect(bars.allSatisfy { $0.values.revision == 0 && $0.feed == "polygon-stocks" })
        #expect(records.allSatisfy { $0.headers[HeaderName.schema] == "market-bars" })
        #expect(zip(records, bars).allSatisfy { $0.key == $1.symbol })
        #expect(try await fleet.read([Topics.fetchTasks(of: .bars).deadLetters]).isEmpty)
        // Tokens that the lost process had taken and not used are spent too.
        let client = RedisClient(RedisConfiguration(url: try RedisURL(redis.url)))
        let used = try await client.send(RedisCommand("HGET", "souk:budget:feed", "used")).text.flatMap { Int($0) } ?? 0
        #expect(used >= simulator.questions.count && used <= simulator.questions.count + 100)
        await client.close()
        for one in running { #expect(await one.terminate() == .exited(0), "\(one.log.suffix(5))") }
      }
    }
    await redis.stop()
  }

  /// `scheduler plan` and `scheduler` refuse what 25 requests a day cannot pay for, with the arithmetic.
  @Test(.timeLimit(.minutes(10))) func aPlanThatCannotBePaidForIsRefused() async throws {
    try await FeedSimulator.serving(symbols: Self.symbols, rate: 1) { simulator in
      try await withTemporaryDirectory { folder in
        let plan = try write(folder, simulator, kind: "alpha-vantage", rate: "[75/m, 25/d]")
        let span = ["--from", "2026-03-02T05:00:00Z", "--to", "2026-03-03T05:00:00Z"]
        let refused = try await ServiceProcess.run("scheduler", ["plan"] + plan + span)
        #expect(refused.status == .exited(78))
        let text = refused.output + refused.errorOutput
        #expect(text.contains("1,560 calls a day against 25") && text.contains("4 calls x 390 runs"), "\(text)")
        #expect(text.contains("what would fit: all 4 tickers every"), "\(text)")
        let service = try await ServiceProcess.run("scheduler", plan + ["--check", "--kafka-bootstrap-servers", "x:1"])
        #expect(service.status == .exited(78) && (service.output + service.errorOutput).contains("against 25"))
        let affordable = try write(folder, simulator, kind: "alpaca", rate: "200/m")
        let printed = try await ServiceProcess.run("scheduler", ["plan"] + affordable + span)
        #expect(printed.status == .exited(0), "\(printed)")
        #expect(printed.output.contains("390 jobs of 1 schedules") && printed.output.contains("AAPL and 3 more"))
        #expect(printed.output.contains("feed: 390 calls on 2026-03-02"), "\(printed.output.suffix(300))")
      }
    }
  }

  /// `fetcher --test` prints what would be published and stops; `--check` names the sources.
  @Test(.timeLimit(.minutes(10))) func aTestPrintsWhatWouldBePublished() async throws {
    var script = FeedScript()
    script.pastDays = 12
    try await FeedSimulator.serving(script, symbols: Self.symbols, rate: 1) { simulator in
      try await withTemporaryDirectory { folder in
        _ = try write(folder, simulator, kind: "alpaca", rate: "200/m")
        let arguments = ["--kind", "bars", "--data-sources", "\(folder)/data_sources.yaml", "--allow-private-addresses"]
        let test = try await ServiceProcess.run("fetcher", arguments + ["--test", "--ticker", "AAPL"])
        #expect(test.status == .exited(0), "\(test)")
        let lines = test.output.split(separator: "\n").filter { $0.hasPrefix("market-bars ") }
        let bars = try lines.map { try FeedBar(decoding: Array($0.dropFirst("market-bars ".count).utf8)) }
        #expect((1...15).contains(bars.count) && bars.allSatisfy { $0.symbol == "AAPL" && $0.feed == "alpaca-stocks" })
        #expect(test.output.contains("\(bars.count) records would be published"))
        let wrong = try await ServiceProcess.run("fetcher", arguments + ["--test", "--source", "none"])
        #expect(wrong.status == .exited(78))
        try "other\n".write(toFile: "\(folder)/key", atomically: true, encoding: .utf8)
        let refused = try await ServiceProcess.run("fetcher", arguments + ["--test"])
        #expect(refused.status != .exited(0) && !refused.output.contains("market-bars {"))
        let commodities = try await ServiceProcess.run("fetcher", ["--test"])
        #expect(commodities.status == .exited(64))
      }
    }
  }
}
