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
      Then one Python process asks for the same months and writes the same six samples of each bar with redis-py's \
      pipeline, without Kafka. Both sides' bars are counted in Redis.
      """)

  @Option(help: "Symbols.") var symbols = 4
  @Option(help: "Months before this one.") var months = 24

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
      print("souk backfill    \(bars) bars, \(Int(Double(bars * Self.fields) / ours)) samples/s")
      let (theirs, held) = try await fetchByPython(simulator, names, starts)
      print("python           \(held) bars, \(Int(Double(held * Self.fields) / theirs)) samples/s")
      guard held == bars else { throw Failure(.fatal, code: "lost", "\(bars) bars, and \(held) of Python") }
      print("souk backfill: \((theirs / ours * 10).rounded() / 10)x Python")
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
    let begun = ContinuousClock.now
    var written = 0
    for (from, to) in zip(starts, starts.dropFirst()) {
      let result = try await ServiceProcess.run("souk", [
        "backfill", "--provider", "polygon", "--data-sources", files.path + "/sources.yaml", "--tickers",
        names.joined(separator: ","), "--from", from, "--to", to, "--allow-private-addresses",
        "--kafka-bootstrap-servers", broker.bootstrapServers, "-o", "json",
      ], environment: ["THE_KEY": "key"], atMost: .seconds(1_800))
      guard result.status == .exited(0), let last = result.output.split(separator: "\n").last,
        let object = try JSONSerialization.jsonObject(with: Data(last.utf8)) as? [String: Any],
        let fetched = object["fetched_bars"] as? Int
      else { throw Failure(.fatal, code: "failed", "\(result.output)\(result.errorOutput)") }
      written += fetched
      while Int(await writer.metrics().sum("souk_records_kept_total") ?? 0) < written {
        if let status = writer.status { throw Failure(.fatal, code: "ended", "hot-writer ended with \(status)") }
        try await Task.sleep(for: .milliseconds(20))
      }
    }
    let seconds = (ContinuousClock.now - begun) / .seconds(1)
    await writer.terminate()
    let held = try await held(redis, names)
    await redis.stop()
    guard held == written else { throw Failure(.fatal, code: "lost", "\(written) bars, \(held) of them in Redis") }
    return (seconds, held)
  }

  private func held(_ redis: PrivateRedis, _ names: [String]) async throws -> Int {
    let client = RedisClient(RedisConfiguration(url: try RedisURL(redis.url), timeout: .seconds(60)))
    var held = 0
    for name in names {
      let about = try await client.send(RedisCommand("TS.INFO", "ts:\(name):1m:close")).array ?? []
      held += Int(about.firstIndex { $0.text == "totalSamples" }.flatMap { about[$0 + 1].integer } ?? 0)
    }
    await client.close()
    return held
  }

  private func fetchByPython(
    _ simulator: FeedSimulator, _ names: [String], _ starts: [String]
  ) async throws -> (seconds: Double, bars: Int) {
    let redis = try await PrivateRedis.start(modules: true)
    let python = try Program.require(
      "python3", in: Program.environmentFolders, package: "python3-venv, and redis from PyPI")
    let calendar = try NYSECalendar()
    let bounds = starts.map { text in
      let date = CivilDate(text) ?? CivilDate(daysSinceEpoch: 0)
      return calendar.zone.instant(year: date.year, month: date.month, day: date.day).epochSeconds * 1_000
    }
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "backfill.py").path
    let output = try await ChildProcess.runOrThrow(Launch(python, [
      script, "http://\(simulator.url)", "\(redis.port)", names.joined(separator: ","),
      bounds.map { "\($0)" }.joined(separator: ","),
    ]), atMost: .seconds(3_600))
    guard let seconds = Double(output.trimmingCharacters(in: .whitespacesAndNewlines)) else {
      throw Failure(.fatal, code: "unreadable", "backfill.py printed \(output)")
    }
    let held = try await held(redis, names)
    await redis.stop()
    return (seconds, held)
  }
}
