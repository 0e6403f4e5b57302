import ArgumentParser
import Catalogue
import Core
import Foundation
import Kafka
import LocalServers
import Messages
import Redis
import TestSupport
import Values

/// `souk-bench hot`: samples per second from the broker into the time series of Redis.
struct HotBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hot", abstract: "Write ticks to Redis, beside what the server takes, and Python.",
    discussion: """
      Trades of 100 symbols wait in 32 partitions of an embedded broker. One hot-writer with its default settings \
      writes them into a private Redis with time series, two samples a trade, the last trade of each symbol and the \
      tail; then the same samples are sent as prepared bytes over one connection, which is what the server takes; then \
      one Python process does the same with confluent-kafka and redis-py's pipeline, samples only.
      """)

  @Option(help: "Trades of about 200 bytes; the embedded broker holds 100,000 of each partition.")
  var messages = 500_000

  @Option(help: "How often each way is measured.")
  var rounds = 2

  private static let partitions = 32

  func validate() throws {
    guard (10_000...2_000_000).contains(messages), rounds > 0 else {
      throw ValidationError("--messages must be 10,000 to 2,000,000")
    }
  }

  func run() async throws {
    let broker = try EmbeddedBroker(topics: ServiceCatalogue.hotWriter.inputs.flatMap { topic in
      [(topic.name, Self.partitions), (topic.deadLetterName, Self.partitions)]
    })
    defer { broker.close() }
    // The stamps of all trades: milliseconds, each of its symbol's own.
    let first = WallClock.milliseconds() - Int64(messages / 100) - 10_000
    try await fill(broker, from: first)
    var best: [String: Double] = [:]
    for round in 0..<rounds {
      for way in ["hot-writer", "prepared bytes", "python"] {
        let redis = try await PrivateRedis.start(modules: true)
        let client = RedisClient(RedisConfiguration(url: try RedisURL(redis.url), timeout: .seconds(60)))
        let seconds = switch way {
        case "hot-writer": try await writeByService(broker, redis, group: "hot-\(round)")
        case "python": try await writeByPython(broker, redis, group: "python-\(round)")
        default: try await writePrepared(client, from: first)
        }
        var held = 0
        for symbol in 0..<100 {
          let about = try await client.send(RedisCommand("TS.INFO", "ts:S\(symbol):price")).array ?? []
          held += Int(about.firstIndex { $0.text == "totalSamples" }.flatMap { about[$0 + 1].integer } ?? 0)
        }
        await client.close()
        await redis.stop()
        guard held == messages else {
          throw Failure(.fatal, code: "lost", "\(way) left \(held) prices of \(messages) in Redis")
        }
        best[way] = min(seconds, best[way] ?? .infinity)
        let name = way.padding(toLength: 16, withPad: " ", startingAt: 0)
        print("\(name) \(Int(Double(2 * messages) / seconds)) samples/s")
      }
    }
    if let ours = best["hot-writer"], let bound = best["prepared bytes"], let theirs = best["python"] {
      print("hot-writer: \(Int(bound / ours * 100)) % of what the server takes, "
        + "\((theirs / ours * 10).rounded() / 10)x Python")
    }
  }

  private func price(_ index: Int) -> ExactDecimal {
    ExactDecimal(mantissa: Int64(10_000 + index % 977), scale: 2) ?? .zero
  }

  private func fill(_ broker: EmbeddedBroker, from first: Int64) async throws {
    let producer = try MarketFeed.producer(for: broker)
    var (batch, bytes) = (OutgoingBatch(), 0)
    for index in 0..<messages {
      let stamp = (first + Int64(index / 100)) * 1_000_000
      var tick = FeedTick(
        .trade, symbol: "S\(index % 100)", feed: "polygon-stocks", eventNs: stamp, knownNs: stamp)
      tick[\.id] = "\(index)"
      tick[\.exchange] = "4"
      tick[\.price] = price(index)
      tick[\.size] = ExactDecimal(100)
      let value = tick.encoded()
      bytes += value.count
      batch.append(topic: Topics.marketTicks.name, key: tick.key, value: value)
      if batch.count == 20_000 || index == messages - 1 {
        try await producer.send(batch)
        batch = OutgoingBatch()
      }
    }
    await producer.close()
    print("\(messages) trades of \(bytes / messages) bytes in \(Self.partitions) partitions")
  }

  private func writeByService(_ broker: EmbeddedBroker, _ redis: PrivateRedis, group: String) async throws -> Double {
    let service = try await ServiceProcess.start("hot-writer", ["--group-id", group], environment: [
      "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "LOG_LEVEL": "warning", "REDIS_URL": redis.url,
      "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500",
    ])
    var begun: ContinuousClock.Instant?
    var kept = 0
    while kept < messages {
      if let status = service.status { throw Failure(.fatal, code: "ended", "hot-writer ended with \(status)") }
      try await Task.sleep(for: .milliseconds(20))
      let metrics = await service.metrics()
      if begun == nil, metrics.sum("souk_records_consumed_total") ?? 0 > 0 { begun = .now }
      kept = Int(metrics.sum("souk_records_kept_total") ?? 0)
    }
    let seconds = (ContinuousClock.now - (begun ?? .now)) / .seconds(1)
    await service.terminate()
    return seconds
  }

  /// The series are made, and the bytes built, before the clock starts.
  private func writePrepared(_ client: RedisClient, from first: Int64) async throws -> Double {
    let frames = (0..<100).map { symbol in
      ["price", "size"].map { RedisPipeline.frame("ts:S\(symbol):\($0)") }
    }
    let commands = (0..<100).flatMap { symbol in
      ["price", "size"].map { RedisCommand("TS.CREATE", "ts:S\(symbol):\($0)", "DUPLICATE_POLICY", "LAST") }
    }
    try await client.sendAll(commands)
    var pipelines: [RedisPipeline] = []
    for start in stride(from: 0, to: messages, by: 10_000) {
      var pipeline = RedisPipeline()
      for chunk in stride(from: start, to: min(start + 10_000, messages), by: 100) {
        let range = chunk..<min(chunk + 100, messages)
        pipeline.begin(words: 1 + 6 * range.count)
        pipeline.word("TS.MADD")
        for index in range {
          let values = [price(index), ExactDecimal(100)]
          for (frame, value) in zip(frames[index % 100], values) {
            pipeline.framed(frame)
            pipeline.number(first + Int64(index / 100))
            pipeline.number(value.mantissa, scale: Int(value.scale))
          }
        }
      }
      pipelines.append(pipeline)
    }
    let start = ContinuousClock.now
    for pipeline in pipelines {
      if let failure = try await client.run(pipeline).failures.first { throw failure.error }
    }
    return (ContinuousClock.now - start) / .seconds(1)
  }

  private func writeByPython(_ broker: EmbeddedBroker, _ redis: PrivateRedis, group: String) async throws -> Double {
    let python = try Program.require(
      "python3", in: Program.environmentFolders, package: "python3-venv, and confluent-kafka and redis from PyPI")
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "hot_writer.py").path
    let launch = Launch(python, [
      script, broker.bootstrapServers, Topics.marketTicks.name, "\(redis.port)", group, "\(messages)",
    ])
    let output = try await ChildProcess.runOrThrow(launch, atMost: .seconds(1_800))
    guard let seconds = Double(output.trimmingCharacters(in: .whitespacesAndNewlines)) else {
      throw Failure(.fatal, code: "unreadable", "hot_writer.py printed \(output)")
    }
    return seconds
  }
}
