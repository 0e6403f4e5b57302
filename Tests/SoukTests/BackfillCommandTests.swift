import ArgumentParser
import Catalogue
import Core
import FeedSimulator
import Feeds
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Messages
import Synchronization
import Testing
import TestSupport
import Values

@testable import Operations
@testable import SoukService

/// `souk backfill` against the simulated providers: what is published is what the market was, wherever a run ends.
@Suite struct BackfillCommandTests {
  private static let symbols = ["AAPL", "BRK.B"]
  private static let topics = [Topics.marketBars, Topics.backfillJobs, Topics.backfillStatus, Topics.marketSplits]

  private struct Bench {
    let broker: EmbeddedBroker
    let simulator: FeedSimulator
    private let files: PrivateFolder
    let calendar: NYSECalendar
    /// In New York, when the test began: days since 1970.
    private let today: Int64
    var folder: String { files.path }

    /// - Parameter rate: of each account, such as `600/m`.
    init(_ simulator: FeedSimulator, rate: String? = nil) throws {
      self.simulator = simulator
      broker = try EmbeddedBroker(topics: BackfillCommandTests.topics.map { ($0.name, Int($0.partitions)) })
      files = try PrivateFolder("backfill")
      calendar = try NYSECalendar()
      today = calendar.day(of: WallClock.seconds())
      let more = "key: env:THE_KEY, url: 'http://\(simulator.url)'" + (rate.map { ", rate: \($0)" } ?? "")
      let sources = """
        sources:
          - {name: polygon, kind: polygon, \(more)}
          - {name: alpaca, kind: alpaca, secret: env:THE_SECRET, \(more)}
          - {name: alpha-vantage, kind: alpha-vantage, \(more)}
        """
      try Data(sources.utf8).write(to: URL(filePath: folder + "/sources.yaml"))
      try Data((BackfillCommandTests.symbols.joined(separator: "\n") + "  # two\n").utf8)
        .write(to: URL(filePath: folder + "/tickers.txt"))
    }

    /// Days before today, in New York.
    func day(ago: Int64) -> Int64 { today - ago }
    func date(ago: Int64) -> String { CivilDate(daysSinceEpoch: day(ago: ago)).description }

    func arguments(_ provider: String, ago: Int64 = 20, _ more: [String] = []) -> [String] {
      [
        "backfill", "--provider", provider, "--data-sources", folder + "/sources.yaml", "--tickers-file",
        folder + "/tickers.txt", "--from", date(ago: ago), "--to", date(ago: 0), "--allow-private-addresses",
        "--kafka-bootstrap-servers", broker.bootstrapServers,
      ] + more
    }

    func environment(key: String = "key") -> [String: String?] { ["THE_KEY": key, "THE_SECRET": "secret"] }

    func souk(_ arguments: [String], key: String = "key") async throws -> ChildProcess.Outcome {
      try await ServiceProcess.run(
        "souk", arguments, environment: environment(key: key), atMost: .seconds(600))
    }

    /// Every record of a topic: its key and what it says.
    func records<Record: Message>(_ type: Record.Type) async throws -> [Record] {
      let options = try KafkaOptions.parse(["--kafka-bootstrap-servers", broker.bootstrapServers])
      let records = Mutex<[Record]>([])
      try await Cluster.read(Record.topic, options, stop: Interruption()) { (record: Record?, _) in
        records.withLock { all in if let record { all.append(record) } }
      }
      return records.withLock { $0 }
    }

    /// The market's bars of the days before today, by symbol and start.
    func truth(_ interval: BarInterval, ago: Int64) -> [String: [ExactDecimal]] {
      let times = MarketTimes(calendar)
      let range = times.midnight(day(ago: ago))...times.midnight(day(ago: 0)) - 1
      var truth: [String: [ExactDecimal]] = [:]
      for symbol in BackfillCommandTests.symbols {
        for bar in simulator.bars(symbol, interval, in: range) {
          truth["\(symbol)/\(bar.eventNs)"] = [bar.price, bar.high, bar.low, bar.close].compactMap {
            ExactDecimal(mantissa: $0, scale: 2)
          } + [ExactDecimal(unchecked: bar.size, scale: 0)]
        }
      }
      return truth
    }

    /// What is published of each bar, and how often; different states of one are told.
    func published(_ interval: BarInterval) async throws -> (bars: [String: [ExactDecimal]], records: Int) {
      var bars: [String: [ExactDecimal]] = [:]
      let records = try await records(FeedBar.self)
      for bar in records {
        let values = bar.values
        let said = [values.open, values.high, values.low, values.close, values.volume]
        #expect(bar.interval == interval.rawValue && values.isRefill && !values.isRunning)
        let before = bars.updateValue(said, forKey: "\(bar.symbol)/\(values.startNs)")
        #expect(before == nil || before == said)
      }
      return (bars, records.count)
    }

    func end() async {
      broker.close()
      files.remove()
    }
  }

  private func run(
    _ script: FeedScript, rate: String? = nil, _ body: @escaping @Sendable (Bench) async throws -> Void
  ) async throws {
    try await FeedSimulator.serving(script, seed: 7, symbols: Self.symbols, rate: 20) { simulator in
      let bench = try Bench(simulator, rate: rate)
      do { try await body(bench) } catch {
        await bench.end()
        throw error
      }
      await bench.end()
    }
  }

  private func script(pageSize: Int = 50_000) -> FeedScript {
    var script = FeedScript()
    script.pastDays = 40
    script.pageSize = pageSize
    return script
  }

  // MARK: - the bars

  /// Short and empty pages, several of them for each month.
  @Test(.timeLimit(.minutes(10)), arguments: ["polygon", "alpaca", "alpha-vantage"], ["1m", "1d"])
  func whatIsPublishedIsTheMarket(_ provider: String, _ interval: String) async throws {
    var script = script(pageSize: 1_777)
    script.hasEmptyPages = true
    try await run(script) { bench in
      let result = try await bench.souk(bench.arguments(provider, ["--interval", interval, "-o", "json"]))
      #expect(result.status == .exited(0), "\(result.errorOutput)")
      let kind = try #require(BarInterval(rawValue: interval))
      let truth = bench.truth(kind, ago: 20)
      let found = try await bench.published(kind)
      #expect(found.bars == truth && found.records == truth.count && !truth.isEmpty)
      let last = try #require(result.output.split(separator: "\n").last)
      #expect(last.contains(#""state":"finished""#) && last.contains("\"fetched_bars\":\(truth.count)"))
      // Again there is nothing to do, and nothing is asked.
      let questions = bench.simulator.questions.count
      let again = try await bench.souk(bench.arguments(provider, ["--interval", interval]))
      #expect(again.status == .exited(0) && bench.simulator.questions.count == questions)
    }
  }

  /// Killed at any point, or frozen there until another run has done its work, with a provider that says 429 and pages
  /// that come slowly: every bar is there, none with another value, and no period that was done is asked for again.
  @Test(.timeLimit(.minutes(20)), arguments: [SIGKILL, SIGSTOP]) func killsAndFreezesChangeNothing(
    _ signal: Int32
  ) async throws {
    try await run(script(pageSize: 700), rate: "1200/m") { bench in
      let arguments = bench.arguments("polygon", ["--parallel", "2"])
      var random = TestRandom("kills of a back-fill")
      var done = 0
      var frozen: [ServiceProcess] = []
      for _ in 0..<(signal == SIGKILL ? 6 : 3) {
        let before = bench.simulator.questions.count
        let process = try await ServiceProcess.start("souk", arguments, environment: bench.environment())
        let target = before + Int.random(in: (signal == SIGKILL ? 0 : 1)...6, using: &random)
        bench.simulator.change { $0.refusedQuestions = 1 }
        try await eventually("\(target) questions, or the end") {
          bench.simulator.questions.count >= target || process.status != nil
        }
        if signal == SIGKILL {
          await process.kill()
        } else {
          process.signal(SIGSTOP)
          frozen.append(process)
        }
        let statuses = try await bench.records(BackfillStatus.self)
        #expect(statuses.count >= done)
        done = statuses.count
      }
      let result = try await bench.souk(arguments)
      #expect(result.status == .exited(0), "\(result.errorOutput)")
      for process in frozen {
        process.signal(SIGCONT)
        #expect(await process.wait(atMost: .seconds(600)) == .exited(0), "\(process.log.suffix(5))")
      }
      #expect(try await bench.published(.minute).bars == bench.truth(.minute, ago: 20))
      let statuses = try await bench.records(BackfillStatus.self)
      // A status that was sent in the moment of the kill may come twice, of the same bars; each frozen run may send it.
      let bars = try Dictionary(grouping: statuses, by: \.name).values.map { same in
        #expect(Set(same.map(\.bars)).count == 1 && same.count <= 2 + frozen.count)
        return Int(try #require(same.first).bars)
      }
      #expect(bars.reduce(0, +) == bench.truth(.minute, ago: 20).count)
      let jobs = try await bench.records(BackfillJob.self)
      #expect(Set(jobs.map(\.jobID)).count == 1 && jobs.last?.finishedNs != nil)
    }
  }

  /// Kafka is away for longer than a record may wait for it: the run says so and waits, and asks for no page twice.
  @Test(.timeLimit(.minutes(10))) func aKafkaThatIsAwayIsWaitedFor() async throws {
    var script = script(pageSize: 700)
    script.answerDelay = .milliseconds(200)
    try await run(script) { bench in
      let more = ["--parallel", "2", "-o", "json", "--kafka-property", "message.timeout.ms=1500"]
      let process = try await ServiceProcess.start(
        "souk", bench.arguments("polygon", more), environment: bench.environment())
      try await eventually("some pages, or the end") {
        bench.simulator.questions.count >= 4 || process.status != nil
      }
      bench.broker.takeDown()
      try await eventually("it says what it waits for, or the end") {
        process.log.contains { $0.contains(#""waits":"Kafka"#) } || process.status != nil
      }
      #expect(process.status == nil, "\(process.log.suffix(5))")
      bench.broker.bringUp()
      try await eventually("the end") { process.status != nil }
      #expect(process.status == .exited(0), "\(process.log.suffix(5))")
      #expect(try await bench.published(.minute).bars == bench.truth(.minute, ago: 20))
      let questions = bench.simulator.questions
      #expect(Set(questions).count == questions.count, "a page was asked for twice")
    }
  }

  // MARK: - refusals

  @Test(.timeLimit(.minutes(10)), arguments: ["alpaca", "alpha-vantage"])
  func whatAProviderDoesNotHaveIsSaid(_ provider: String) async throws {
    var script = script()
    script.badSymbols = ["BRK.B", "BRK-B"]
    try await run(script) { bench in
      let result = try await bench.souk(bench.arguments(provider, ["-o", "json"]))
      #expect(result.status == .exited(2))
      let truth = bench.truth(.minute, ago: 20)
      let found = try await bench.published(.minute).bars
      #expect(found == truth.filter { $0.key.hasPrefix("AAPL/") } && !found.isEmpty)
      let status = try await bench.souk(
        ["backfill", "--status", "-o", "json", "--kafka-bootstrap-servers", bench.broker.bootstrapServers])
      let line = try #require(status.output.split(separator: "\n").first)
      #expect(line.contains(#""remaining":0"#) && line.contains("BRK.B 20") && !line.contains(#""refused":0"#))
      // It is not asked for again but when that is said.
      let questions = bench.simulator.questions.count
      #expect(try await bench.souk(bench.arguments(provider)).status == .exited(2))
      #expect(bench.simulator.questions.count == questions)
      bench.simulator.change { $0.badSymbols = [] }
      #expect(try await bench.souk(bench.arguments(provider, ["--retry-refused"])).status == .exited(0))
      #expect(try await bench.published(.minute).bars == truth)
    }
  }

  @Test(.timeLimit(.minutes(10)), arguments: ["polygon", "alpaca", "alpha-vantage"])
  func quotasAreWaitedForAndAWrongKeyStops(_ provider: String) async throws {
    var script = script()
    script.refusedQuestions = 2
    try await run(script) { bench in
      let wrong = try await bench.souk(bench.arguments(provider, ago: 3), key: "wrong")
      #expect(wrong.status == .exited(78), "\(wrong.errorOutput)")
      #expect(!wrong.errorOutput.contains("wrong\""))
      #expect(try await bench.records(FeedBar.self).isEmpty)
      let result = try await bench.souk(bench.arguments(provider, ago: 3))
      #expect(result.status == .exited(0), "\(result.errorOutput)")
      #expect(try await bench.published(.minute).bars == bench.truth(.minute, ago: 3))
    }
  }

  @Test(.timeLimit(.minutes(10))) func settingsThatAreWrongStopBeforeAnythingIsAsked() async throws {
    try await run(script()) { bench in
      for (more, status) in [
        (["--interval", "7m"], 64), (["--parallel", "0"], 64), (["--to", "yesterday"], 78),
        (["--to", "2020-01-01"], 78),
        (["--provider", "nobody"], 78), (["--tickers", "A B$"], 78),
      ] as [([String], Int32)] {
        let result = try await bench.souk(bench.arguments("polygon", more))
        #expect(result.status == .exited(status), "\(more): \(result.errorOutput)")
      }
      #expect(bench.simulator.questions.isEmpty)
    }
  }

  @Test(.timeLimit(.minutes(10))) func aDryRunSaysWhatItCostsAndAsksNothing() async throws {
    try await run(script(), rate: "5/m") { bench in
      let arguments = bench.arguments("polygon", ["--dry-run"])
      let text = try await bench.souk(arguments)
      #expect(text.status == .exited(0) && text.output.contains("2 symbols") && text.output.contains("5/m"))
      let json = try await bench.souk(arguments + ["-o", "json"])
      let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
      let periods = try #require(object?["periods"] as? Int)
      #expect(object?["requests_at_most"] as? Int == periods && object?["to_fetch"] as? Int == periods)
      #expect(object?["seconds_at_least"] as? Int == (periods - 1) * 12)
      #expect(bench.simulator.questions.isEmpty)
      #expect(try await bench.records(BackfillJob.self).isEmpty)
    }
  }

  // MARK: - to Redis, and splits

  /// From the provider through Kafka and hot-writer into Redis, and out again raw and adjusted.
  @Test(.timeLimit(.minutes(15))) func barsAreStoredRawAndReadAdjusted() async throws {
    var script = script()
    let calendar = try NYSECalendar()
    let splitDay = calendar.day(of: WallClock.seconds()) - 6
    // The day of a split may be one without trading.
    let date = CivilDate(daysSinceEpoch: splitDay).description
    script.splits = [
      SimulatedSplit("AAPL", date, from: 1, to: 4), SimulatedSplit("AAPL", "2020-08-31", from: 1, to: 2),
      SimulatedSplit("AAPL", "2014-06-09", from: 1, to: 7), SimulatedSplit("BRK.B", "2010-01-21", from: 1, to: 50),
    ]
    try await run(script) { bench in
      let redis = try await PrivateRedis.start(modules: true)
      let kafka = ["--kafka-bootstrap-servers", bench.broker.bootstrapServers]
      #expect(try await bench.souk(bench.arguments("polygon")).status == .exited(0))
      let writer = try await ServiceProcess.start("hot-writer", ["--bar-retention", "1m=800d"], environment: [
        "KAFKA_BOOTSTRAP_SERVERS": bench.broker.bootstrapServers, "REDIS_URL": redis.url,
        "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500",
      ])
      let truth = bench.truth(.minute, ago: 20)
      func shown(_ more: String...) async throws -> [String: [ExactDecimal]] {
        let result = try await bench.souk(
          ["bars", "AAPL", "--from", bench.date(ago: 20), "--to", bench.date(ago: 0), "--redis-url", redis.url,
           "-o", "json"] + kafka + more)
        guard result.status == .exited(0) else { return [:] }
        var bars: [String: [ExactDecimal]] = [:]
        for line in result.output.split(separator: "\n") {
          let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
          let values = ["open", "high", "low", "close", "volume"].compactMap { (object[$0] as? NSNumber)?.doubleValue }
          bars["AAPL/\(object["start_ns"] ?? "")"] = values.compactMap { ExactDecimal(shortest: $0) }
        }
        return bars
      }
      let raw = truth.filter { $0.key.hasPrefix("AAPL/") }
      try await eventually("all bars are in Redis", timeout: .seconds(300)) { try await shown() == raw }
      for provider in ["polygon", "alpaca", "alpha-vantage"] {
        let fetched = try await bench.souk(
          ["splits", "fetch", "--tickers", "AAPL,BRK.B", "--provider", provider, "--data-sources",
           bench.folder + "/sources.yaml", "--allow-private-addresses"] + kafka)
        #expect(fetched.output.hasPrefix("4 splits of 2 symbols"), "\(provider): \(fetched.errorOutput)")
      }
      let boundary = MarketTimes(calendar).midnight(splitDay)
      let adjusted = raw.map { key, values -> (String, [ExactDecimal]) in
        guard let start = Int64(key.dropFirst(5)), start < boundary else { return (key, values) }
        // A quarter of hundredths has four digits.
        return (key, values.dropLast().map { ExactDecimal(unchecked: $0.mantissa * 25, scale: $0.scale + 2) }
          + [ExactDecimal(unchecked: values[4].mantissa * 4, scale: 0)])
      }
      #expect(try await shown("--adjusted") == Dictionary(uniqueKeysWithValues: adjusted))
      let before = CivilDate(daysSinceEpoch: splitDay - 1).description
      #expect(try await shown("--adjusted", "--as-of", before) == raw)
      // One that a provider tells no more is taken back.
      bench.simulator.change { $0.splits.removeFirst() }
      let again = try await bench.souk(
        ["splits", "fetch", "--tickers", "AAPL", "--provider", "alpha-vantage", "--data-sources",
         bench.folder + "/sources.yaml", "--allow-private-addresses"] + kafka)
      #expect(again.output.hasPrefix("2 splits of 1 symbols, 1 taken back"))
      #expect(try await shown("--adjusted") == raw)
      // Those of a file instead.
      let file = bench.folder + "/splits.csv"
      try Data("symbol,execution_date,split_from,split_to\nAAPL,\(date),1,4\n".utf8).write(to: URL(filePath: file))
      #expect(
        try await shown("--adjusted", "--splits-file", file) == Dictionary(uniqueKeysWithValues: adjusted))
      #expect(try await bench.souk(["splits", "load", file] + kafka).status == .exited(0))
      #expect(try await bench.souk(["splits", "list", "AAPL"] + kafka).output.contains("file"))
      await writer.terminate()
      await redis.stop()
    }
  }
}
