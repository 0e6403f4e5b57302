import ArgumentParser
import Catalogue
import Core
import FeedSimulator
import Feeds
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import NIOCore
import Redis
import TestSupport

/// `souk-bench feed`: from a frame of a feed to Kafka's acknowledgement and to Redis, and how many events that can be.
struct FeedBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "feed", abstract: "Stream trades into Kafka and Redis, beside prepared records, and Python.",
    discussion: """
      A server in this process sends frames of trades of 1,000 symbols, as Alpaca does, to one market-streamer; one \
      hot-writer follows. First at given rates, open loop: a trade's latency counts from when it was due. It ends when \
      a reader of the embedded broker has the record, which is behind the acknowledgement, and when Redis has the \
      sample. Then a minute of 100 symbols is missed and refilled, with answers that take 100 ms. Then as fast as the \
      streamer reads: events a second until all are acknowledged, beside records that were \
      prepared before, and one Python process with websockets, orjson or json, and confluent-kafka.
      """)

  @Option(parsing: .upToNextOption, help: "Events a second of the open loop.") var rates = [10_000, 100_000]
  @Option(help: "Seconds of each rate.") var seconds = 10
  @Option(help: "Events of the closed loop; the embedded broker holds 5 MB of each of 64 partitions.")
  var events = 2_000_000

  private static let symbols = 1_000
  private static let milliseconds: Int64 = 1_000_000

  func validate() throws {
    guard rates.allSatisfy({ (1_000...400_000).contains($0) && $0 % 1_000 == 0 }), seconds > 0,
      rates.allSatisfy({ $0 * seconds <= 4_000_000 }), (10_000...4_000_000).contains(events)
    else { throw ValidationError("--rates are thousands up to 400,000, and no run has more than 4,000,000 events") }
  }

  func run() async throws {
    for rate in rates { try await openLoop(rate) }
    for feed in [Feed.alpacaStocks, .polygonStocks] { try await RefillRun(feed: feed).run() }
    let ours = try await streamerDrains()
    let bound = try await prepared()
    let theirs = try await pythonDrains()
    print("market-streamer: \(Int(bound / ours * 100)) % of what Kafka takes of prepared records, "
      + "\((theirs / ours * 10).rounded() / 10)x Python")
  }

  /// With the partitions of the catalogue; more only where the embedded broker does not hold so many events in them.
  private func makeBroker(holding events: Int) throws -> EmbeddedBroker {
    try EmbeddedBroker(topics: ServiceCatalogue.marketStreamer.outputs.flatMap { topic in
      let partitions = max(Int(topic.partitions), min(64, events / 16_000))
      return [(topic.name, partitions), (topic.deadLetterName, partitions)]
    })
  }

  private func serving(_ body: @Sendable (FeedSimulator) async throws -> Void) async throws {
    // Its own market stands still: the frames are ours.
    try await FeedSimulator.serving(symbols: ["NONE"], rate: 0.001) { simulator in
      simulator.pause()
      try await body(simulator)
    }
  }

  private func startStreamer(_ simulator: FeedSimulator, _ broker: EmbeddedBroker) async throws -> ServiceProcess {
    let symbols = (0..<Self.symbols).map(FeedFrames.symbol).joined(separator: ",")
    let process = try await ServiceProcess.start("market-streamer", [
      "--feed", "alpaca-stocks", "--feed-url", "ws://\(simulator.url)/v2/iex", "--feed-key", "key",
      "--feed-secret", "secret", "--symbols", symbols, "--channels", "trades", "--hours", "always", "--refill", "none",
      "--silence", "3600s", "--backlog", "1GiB", "--log-level", "warning",
      "--kafka-bootstrap-servers", broker.bootstrapServers,
    ])
    try await eventually("the streamer listens", timeout: .seconds(60)) {
      simulator.interests.count >= Self.symbols
    }
    return process
  }

  // MARK: - open loop

  private func openLoop(_ rate: Int) async throws {
    let broker = try makeBroker(holding: rate * (seconds + 2))
    defer { broker.close() }
    let redis = try await PrivateRedis.start(modules: true)
    try await serving { simulator in
      let streamer = try await startStreamer(simulator, broker)
      let writer = try await ServiceProcess.start("hot-writer", environment: [
        "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "REDIS_URL": redis.url, "LOG_LEVEL": "warning",
        // The embedded broker answers a fetch that waits for data only when its time is over.
        "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500,fetch.wait.max.ms=5",
      ])
      try await writer.awaitReady()
      let total = rate * seconds
      let probe = try HotProbe(redis.url, rate: rate, symbols: Self.symbols, seconds: seconds)
      let reader = TopicReader(broker, count: total)
      async let readable = reader.latencies()
      // Series are made, partitions assigned and symbols known before the clock starts.
      try await send(simulator, rate: rate, seconds: 2, at: nil)
      try await eventually("the writer writes and the reader reads", timeout: .seconds(120)) {
        try await probe.hasSamples() && reader.isReading
      }
      let start = WallClock.microseconds() * 1_000 + 500 * Self.milliseconds
      reader.begin(at: start)
      async let visible = probe.latencies(from: start)
      let late = try await send(simulator, rate: rate, seconds: seconds, at: start, first: 2 * rate)
      let (kafka, hot) = (try await readable, try await visible)
      let metrics = await streamer.metrics()
      print("\(rate) events/s of \(Self.symbols) symbols, \(seconds) s (frames were sent \(late) ms late at most)")
      print("  frame -> readable in Kafka     \(kafka)")
      print("  frame -> visible in TimeSeries \(hot)")
      let taken = metrics.sum("souk_feed_publish_seconds_count") ?? 0
      let within = metrics.sum("souk_feed_publish_seconds_bucket", where: ["le": "0.02"]) ?? 0
      print("  receipt -> acknowledged        \((within / max(1, taken) * 1_000).rounded() / 10) % of \(Int(taken)) "
        + "batches within 20 ms")
      for process in [streamer, writer] {
        if let reading = ProcessReading(pid: process.pid) {
          print("  \(process.name.padding(toLength: 16, withPad: " ", startingAt: 0)) "
            + "\(ProcessReading.mebibytes(reading.peak)) resident at most (goal: below 150 MiB)")
        }
        await process.terminate()
      }
    }
    await redis.stop()
  }

  /// Sends a frame each millisecond, whatever becomes of those before.
  /// - Parameter start: nanoseconds since 1970; nil for now.
  /// - Returns: milliseconds by which the latest frame was late.
  @discardableResult
  private func send(
    _ simulator: FeedSimulator, rate: Int, seconds: Int, at start: Int64?, first: Int = 0
  ) async throws -> Int64 {
    var frames = FeedFrames(of: rate / 1_000, symbols: Self.symbols, first: first)
    let start = start ?? WallClock.microseconds() * 1_000
    var late: Int64 = 0
    for number in 0..<Int64(seconds * 1_000) {
      let due = start + number * Self.milliseconds
      var now = WallClock.microseconds() * 1_000
      if now < due {
        try await Task.sleep(for: .nanoseconds(due - now))
        now = WallClock.microseconds() * 1_000
      }
      late = max(late, (now - due) / Self.milliseconds)
      simulator.broadcast(frames.make(at: due))
    }
    return late
  }

  // MARK: - closed loop

  private func streamerDrains() async throws -> Double {
    let broker = try makeBroker(holding: events)
    defer { broker.close() }
    let result = Result()
    try await serving { simulator in
      let streamer = try await startStreamer(simulator, broker)
      let begun = ContinuousClock.now
      try await blast(simulator)
      try await eventually("all are acknowledged", timeout: .seconds(300), interval: .milliseconds(20)) {
        await streamer.metrics().sum("souk_kafka_produced_records_total") ?? 0 >= Double(events)
      }
      result.seconds = (ContinuousClock.now - begun) / .seconds(1)
      let reading = ProcessReading(pid: streamer.pid)
      print("market-streamer  \(Int(Double(events) / result.seconds)) events/s, "
        + "\(reading.map { ProcessReading.mebibytes($0.peak) } ?? "?") resident at most, "
        + "\(reading.map { Int($0.cpuSeconds / Double(events) * 1e9) } ?? 0) ns of CPU an event")
      await streamer.terminate()
    }
    return result.seconds
  }

  private func pythonDrains() async throws -> Double {
    let broker = try makeBroker(holding: events)
    defer { broker.close() }
    let python = try Program.require(
      "python3", in: Program.environmentFolders, package: "python3-venv, and confluent-kafka and websockets from PyPI")
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "feed_streamer.py").path
    let result = Result()
    try await serving { simulator in
      let launch = Launch(python, [
        script, "ws://\(simulator.url)/v2/iex", broker.bootstrapServers, Topics.marketTicks.name, "\(events)",
      ])
      async let output = ChildProcess.runOrThrow(launch, atMost: .seconds(1_800))
      try await eventually("Python listens", timeout: .seconds(60)) { !simulator.interests.isEmpty }
      try await blast(simulator)
      let text = try await output
      guard let seconds = Double(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
        throw Failure(.fatal, code: "unreadable", "feed_streamer.py printed \(text)")
      }
      result.seconds = seconds
      print("python           \(Int(Double(events) / seconds)) events/s")
    }
    return result.seconds
  }

  /// Sends as fast as the connection takes it.
  private func blast(_ simulator: FeedSimulator) async throws {
    let size = 200
    var frames = FeedFrames(of: size, symbols: Self.symbols)
    let now = WallClock.microseconds() * 1_000
    for number in 0..<events / size {
      let frame = frames.make(at: now + Int64(number))
      // A few on their way keep the connection busy.
      if number % 8 == 7 { try await simulator.broadcastAndWait(frame) } else { simulator.broadcast(frame) }
    }
  }

  /// Records as the streamer writes them, made before the clock starts.
  private func prepared() async throws -> Double {
    let broker = try makeBroker(holding: events)
    defer { broker.close() }
    let producer = try MarketFeed.producer(for: broker)
    let now = WallClock.microseconds() * 1_000
    var batches: [OutgoingBatch] = []
    for start in stride(from: 0, to: events, by: 2_000) {
      var batch = OutgoingBatch()
      for index in start..<min(start + 2_000, events) {
        var tick = FeedTick(
          .trade, symbol: FeedFrames.symbol(index % Self.symbols), feed: "alpaca-stocks", eventNs: now, knownNs: now)
        tick[\.id] = "\(index)"
        tick[\.exchange] = "V"
        batch.append(topic: Topics.marketTicks.name, key: tick.key, value: tick.encoded())
      }
      batches.append(batch)
    }
    let begun = ContinuousClock.now
    try await withThrowingTaskGroup(of: Void.self) { group in
      for batch in batches {
        let acks = try await producer.enqueue(batch)
        group.addTask { try await acks.value }
      }
      try await group.waitForAll()
    }
    let seconds = (ContinuousClock.now - begun) / .seconds(1)
    await producer.close()
    print("prepared records \(Int(Double(events) / seconds)) events/s")
    return seconds
  }
}

private final class Result: @unchecked Sendable {
  /// Written by one task, read when it has ended.
  var seconds = 0.0
}
