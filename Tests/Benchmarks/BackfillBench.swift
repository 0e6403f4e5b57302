import ArgumentParser
import Catalogue
import Core
import FeedSimulator
import Feeds
import Foundation
import Kafka
import LocalServers
import Redis
import TestSupport

/// `souk-bench backfill`: years of minute bars from a provider through Kafka into the time series of Redis.
struct BackfillBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backfill", abstract: "Fetch years of minute bars into Redis, beside Python.",
    discussion: """
      The simulated Polygon answers in months. `souk backfill` publishes them to an embedded broker, one hot-writer \
      writes them into a private Redis with time series: open, high, low, close, volume and vwap of each bar, and when \
      its state was known. A month of all symbols at a time, because the embedded broker keeps 5 MB of a partition. \
      Then the same samples of one month are sent as prepared bytes over one connection, which is what the server \
      takes; then one Python process asks for the same months and writes the same six samples of each bar with \
      redis-py's pipeline, without Kafka. All bars are counted in Redis. With --kill the back-fill of the month in the \
      middle is killed, and the same command goes on; that time counts.
      """)

  @Option(help: "Symbols.") var symbols = 4
  @Option(help: "Months before this one.") var months = 24
  @Flag(help: "Kill the back-fill in the middle, and go on.") var kill = false

  private static let fields = 6

  func validate() throws {
    guard (1...100).contains(symbols), (1...120).contains(months) else {
      throw ValidationError("--symbols must be 1 to 100, --months 1 to 120")
    }
  }

  func run() async throws {
    let names = (0..<symbols).map { "S\($0)" }
    var script = FeedScript()
    script.pastDays = (months + 2) * 31
    script.pageSize = 50_000
    try await FeedSimulator.serving(script, seed: 5, symbols: names, rate: 1) { simulator in
      let starts = Self.starts(months)
      let (ours, bars) = try await fetch(simulator, names, starts)
      let rate = Double(bars * Self.fields) / ours
      print("souk backfill    \(bars) bars, \(Int(rate)) samples/s, in \(Int(ours)) s")
      let bound = try await writePrepared(simulator, names, starts)
      print("prepared bytes   \(Int(bound)) samples/s, of one month")
      let (theirs, held) = try await fetchByPython(simulator, names, starts)
      print("python           \(held) bars, \(Int(Double(held * Self.fields) / theirs)) samples/s")
      guard held == bars else { throw Failure(.fatal, code: "lost", "\(bars) bars, and \(held) of Python") }
      print("souk backfill: \(Int(rate / bound * 100)) % of what the server takes, "
        + "\((theirs / ours * 10).rounded() / 10)x Python")
    }
  }

  /// The first days of months, the earliest first; that of this month is the last.
  private static func starts(_ months: Int) -> [String] {
    let today = CivilDate(daysSinceEpoch: WallClock.seconds() / 86_400)
    let this = today.year * 12 + today.month - 1
    return (this - months...this).map { month in
      CivilDate(daysSinceEpoch: CivilDate.daysSinceEpoch(year: month / 12, month: month % 12 + 1, day: 1)).description
    }
  }

  private func fetch(
    _ simulator: FeedSimulator, _ names: [String], _ starts: [String]
  ) async throws -> (seconds: Double, bars: Int) {
    let inputs = ServiceCatalogue.hotWriter.inputs
    let broker = try EmbeddedBroker(topics: inputs.flatMap { topic in
      [(topic.name, 32), (topic.deadLetterName, 1)]
    } + [(Topics.backfillJobs.name, 1), (Topics.backfillStatus.name, 1)])
    defer { broker.close() }
    let redis = try await PrivateRedis.start(modules: true)
    let files = try PrivateFolder("backfill-bench")
    defer { files.remove() }
    let sources = "sources: [{name: polygon, kind: polygon, key: env:THE_KEY, url: 'http://\(simulator.url)'}]\n"
    try Data(sources.utf8).write(to: URL(filePath: files.path + "/sources.yaml"))
    let writer = try await ServiceProcess.start("hot-writer", ["--bar-retention", "1m=4000d"], environment: [
      "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "LOG_LEVEL": "warning", "REDIS_URL": redis.url,
      "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500",
    ])
    try await writer.awaitReady()
    let client = RedisClient(RedisConfiguration(url: try RedisURL(redis.url), timeout: .seconds(60)))
    let begun = ContinuousClock.now
    var written = 0
    for (index, (from, to)) in zip(starts, starts.dropFirst()).enumerated() {
      let arguments = [
        "backfill", "--provider", "polygon", "--data-sources", files.path + "/sources.yaml", "--tickers",
        names.joined(separator: ","), "--from", from, "--to", to, "--allow-private-addresses",
        "--kafka-bootstrap-servers", broker.bootstrapServers, "-o", "json",
      ]
      if kill, index == months / 2 { try await interrupt(arguments, writer) }
      let result = try await ServiceProcess.run(
        "souk", arguments, environment: ["THE_KEY": "key"], atMost: .seconds(1_800))
      guard result.status == .exited(0), let last = result.output.split(separator: "\n").last,
        let object = try JSONSerialization.jsonObject(with: Data(last.utf8)) as? [String: Any],
        let bars = object["bars"] as? Int
      else { throw Failure(.fatal, code: "failed", "\(result.output)\(result.errorOutput)") }
      written += bars
      while case let count = try await held(client, names), count != written {
        if let status = writer.status { throw Failure(.fatal, code: "ended", "hot-writer ended with \(status)") }
        guard count < written else { throw Failure(.fatal, code: "repeated", "\(count) bars of \(written) in Redis") }
        try await Task.sleep(for: .milliseconds(50))
      }
    }
    let seconds = (ContinuousClock.now - begun) / .seconds(1)
    if let reading = ProcessReading(pid: writer.pid) {
      print("hot-writer       \(ProcessReading.mebibytes(reading.peak)) resident at most, "
        + "\(Int(reading.cpuSeconds / Double(written * Self.fields) * 1e9)) ns of CPU a sample")
    }
    await writer.terminate()
    await client.close()
    await redis.stop()
    return (seconds, written)
  }

  /// Kills a back-fill when some of its bars are written.
  private func interrupt(_ arguments: [String], _ writer: ServiceProcess) async throws {
    let before = await writer.metrics().sum("souk_records_kept_total") ?? 0
    let process = try await ServiceProcess.start("souk", arguments, environment: ["THE_KEY": "key"])
    try await eventually("some of its bars are written, or its end", timeout: .seconds(300)) {
      let kept = await writer.metrics().sum("souk_records_kept_total") ?? 0
      return kept > before + 1_000 || process.status != nil
    }
    let hasEnded = process.status != nil
    await process.kill()
    print("souk backfill    \(hasEnded ? "had ended before it was to be killed" : "is killed, and goes on")")
  }

  private func held(_ client: RedisClient, _ names: [String]) async throws -> Int {
    let replies = try await client.replies(to: names.map { RedisCommand("TS.INFO", "ts:\($0):1m:close") })
    return replies.reduce(0) { sum, reply in
      // There is no series before its first bar.
      let about = reply.array ?? []
      return sum + Int(about.firstIndex { $0.text == "totalSamples" }.flatMap { about[$0 + 1].integer } ?? 0)
    }
  }

  /// The instants at which the months begin in New York, in seconds since 1970.
  private func bounds(_ starts: [String]) throws -> [Int64] {
    let calendar = try NYSECalendar()
    return starts.map { text in
      let date = CivilDate(text) ?? CivilDate(daysSinceEpoch: 0)
      return calendar.zone.instant(year: date.year, month: date.month, day: date.day).epochSeconds
    }
  }

  /// The samples of the last month, made into bytes before the clock starts.
  /// - Returns: samples a second.
  private func writePrepared(_ simulator: FeedSimulator, _ names: [String], _ starts: [String]) async throws -> Double {
    let redis = try await PrivateRedis.start(modules: true)
    let client = RedisClient(RedisConfiguration(url: try RedisURL(redis.url), timeout: .seconds(60)))
    let month = try bounds(starts).suffix(2).map { $0 * 1_000_000_000 }
    var (pipelines, samples) = ([RedisPipeline](), 0)
    for name in names.prefix(20) {
      let keys = ["open", "high", "low", "close", "volume", "vwap"].map { "ts:\(name):1m:\($0)" }
      try await client.sendAll(keys.map { RedisCommand("TS.CREATE", $0, "DUPLICATE_POLICY", "LAST") })
      let frames = keys.map(RedisPipeline.frame)
      let bars = simulator.bars(name, .minute, in: month[0]...month[1] - 1)
      for start in stride(from: 0, to: bars.count, by: 100) {
        var pipeline = RedisPipeline()
        let some = bars[start..<min(bars.count, start + 100)]
        pipeline.begin(words: 1 + 3 * keys.count * some.count)
        pipeline.word("TS.MADD")
        for bar in some {
          let values = [(bar.price, 2), (bar.high, 2), (bar.low, 2), (bar.close, 2), (bar.size, 0), (bar.close, 2)]
          for (frame, value) in zip(frames, values) {
            pipeline.framed(frame)
            pipeline.number(bar.eventNs / 1_000_000)
            pipeline.number(value.0, scale: value.1)
          }
        }
        pipelines.append(pipeline)
        samples += some.count * keys.count
      }
    }
    let begun = ContinuousClock.now
    for pipeline in pipelines {
      if let failure = try await client.run(pipeline).failures.first { throw failure.error }
    }
    let seconds = (ContinuousClock.now - begun) / .seconds(1)
    await client.close()
    await redis.stop()
    return Double(samples) / seconds
  }

  private func fetchByPython(
    _ simulator: FeedSimulator, _ names: [String], _ starts: [String]
  ) async throws -> (seconds: Double, bars: Int) {
    let redis = try await PrivateRedis.start(modules: true)
    let python = try Program.require(
      "python3", in: Program.environmentFolders, package: "python3-venv, and redis from PyPI")
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "backfill.py").path
    let output = try await ChildProcess.runOrThrow(Launch(python, [
      script, "http://\(simulator.url)", "\(redis.port)", names.joined(separator: ","),
      try bounds(starts).map { "\($0 * 1_000)" }.joined(separator: ","),
    ]), atMost: .seconds(3_600))
    guard let seconds = Double(output.trimmingCharacters(in: .whitespacesAndNewlines)) else {
      throw Failure(.fatal, code: "unreadable", "backfill.py printed \(output)")
    }
    let client = RedisClient(RedisConfiguration(url: try RedisURL(redis.url), timeout: .seconds(60)))
    let held = try await held(client, names)
    await client.close()
    await redis.stop()
    return (seconds, held)
  }
}
