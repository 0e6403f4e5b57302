import ArgumentParser
import Catalogue
import Core
import Foundation
import Kafka
import LocalServers
import TestSupport

/// `souk-bench influx`: points per second from the broker into InfluxDB, and the time until a bar can be queried.
struct InfluxBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "influx", abstract: "Write bars to InfluxDB, beside curl with prepared bodies, and Python.",
    discussion: """
      Throughput: bars of 256 symbols wait in 64 partitions of an embedded broker. One influx-consumer with its \
      default settings writes them into a private InfluxDB 1.x; then curl sends the same points as prepared bodies, \
      gzip, four at a time, which is what the server takes at most; then one Python process does the same with \
      confluent-kafka and InfluxDB's client. Latency: bars are produced at a steady rate, and InfluxDB is asked from \
      outside, again and again, which of them it has. Restart: the same while two replicas are restarted one after \
      the other.
      """)

  @Option(help: "Messages of about 200 bytes; the embedded broker holds 100,000 of each partition.")
  var messages = 1_000_000

  @Option(help: "How often each way is measured.")
  var rounds = 2

  @Option(help: "Messages a second while latency is measured.")
  var rate = 10_000

  @Option(help: "Seconds that latency is measured for.")
  var seconds = 20

  @Flag(help: "Only latency.")
  var latencyOnly = false

  func validate() throws {
    guard (10_000...6_000_000).contains(messages), rounds > 0, rate >= 1_000, seconds >= 5 else {
      throw ValidationError("--messages must be 10,000 to 6,000,000, --rate at least 1,000, --seconds at least 5")
    }
  }

  func run() async throws {
    let influx = try await PrivateInfluxDB.start()
    do {
      if !latencyOnly { try await measureThroughput(influx) }
      try await measureLatency(influx)
    } catch {
      await influx.stop()
      throw error
    }
    await influx.stop()
  }

  // MARK: Throughput

  private func measureThroughput(_ influx: PrivateInfluxDB) async throws {
    let feed = try await MarketFeed(messages: messages)
    print(feed.description)
    let bodies = try PreparedBodies(feed)
    defer { bodies.remove() }
    var best: [String: Double] = [:]
    for round in 0..<rounds {
      for way in ["influx-consumer", "curl", "python"] {
        let database = "\(way.prefix(4))_\(round)"
        _ = await influx.query("CREATE DATABASE \(database)")
        var memory: Double?
        let seconds: Double
        switch way {
        case "influx-consumer": (seconds, memory) = try await writeByService(feed, influx, database)
        case "curl": seconds = try await bodies.send(to: influx, database)
        default: (seconds, memory) = try await writeByPython(feed, influx, database)
        }
        let points = try await Self.points(influx, database)
        guard points == messages else {
          throw Failure(.fatal, code: "lost", "\(way) left \(points) points of \(messages) in InfluxDB")
        }
        _ = await influx.query("DROP DATABASE \(database)")
        best[way] = min(seconds, best[way] ?? .infinity)
        print("\(way.padding(toLength: 16, withPad: " ", startingAt: 0)) \(Int(Double(messages) / seconds)) points/s"
          + (memory.map { ", \(Int($0)) MB resident at most" } ?? ""))
      }
    }
    if let ours = best["influx-consumer"], let bound = best["curl"], let theirs = best["python"] {
      print("influx-consumer: \(Int(bound / ours * 100)) % of what the server takes from curl, "
        + "\((theirs / ours * 10).rounded() / 10)x Python")
    }
  }

  private func writeByService(
    _ feed: MarketFeed, _ influx: PrivateInfluxDB, _ database: String
  ) async throws -> (Double, Double?) {
    let service = try await ServiceProcess.start("influx-consumer", ["--group-id", database], environment: [
      "KAFKA_BOOTSTRAP_SERVERS": feed.broker.bootstrapServers, "LOG_LEVEL": "warning",
      "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500", "INFLUX_URL": influx.url,
      "INFLUX_DATABASE": database,
    ])
    var begun: ContinuousClock.Instant?
    var kept = 0
    while kept < messages {
      if let status = service.status { throw Failure(.fatal, code: "ended", "influx-consumer ended with \(status)") }
      try await Task.sleep(for: .milliseconds(20))
      let metrics = await service.metrics()
      if begun == nil, metrics.sum("souk_records_consumed_total") ?? 0 > 0 { begun = .now }
      kept = Int(metrics.sum("souk_records_kept_total") ?? 0)
    }
    let seconds = (ContinuousClock.now - (begun ?? .now)) / .seconds(1)
    let memory = ProcessReading(pid: service.pid).map { Double($0.peak >> 20) }
    await service.terminate()
    return (seconds, memory)
  }

  private func writeByPython(
    _ feed: MarketFeed, _ influx: PrivateInfluxDB, _ database: String
  ) async throws -> (Double, Double?) {
    let python = try Program.require(
      "python3", in: Program.environmentFolders, package: "python3-venv, and confluent-kafka and influxdb from PyPI")
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "influx_consumer.py").path
    let launch = Launch(python, [
      script, feed.broker.bootstrapServers, Topics.marketData.name, "\(influx.port)", database, "\(messages)",
    ])
    struct Answer: Decodable { var seconds, megabytes: Double }
    let output = try await ChildProcess.runOrThrow(launch, atMost: .seconds(1_800))
    let answer = try JSONDecoder().decode(Answer.self, from: Data(output.utf8))
    return (answer.seconds, answer.megabytes)
  }

  private static func points(_ influx: PrivateInfluxDB, _ database: String) async throws -> Int {
    let text = await influx.query("SELECT count(close) FROM stock_price", database: database) ?? ""
    return Int(text.split(separator: ",").last?.prefix { $0.isNumber } ?? "") ?? 0
  }

  // MARK: Latency

  private func measureLatency(_ influx: PrivateInfluxDB) async throws {
    for replicas in [1, 2] {
      let run = try await LatencyRun(influx: influx, database: "latency_\(replicas)", rate: rate)
      do {
        try await run.start(replicas: replicas)
        let latencies = try await run.measure(atLeast: .seconds(seconds)) {
          // One replica runs undisturbed; two are restarted one after the other.
          if replicas > 1 { try await run.restartEach() }
        }
        print(replicas == 1 ? "produced to queryable:" : "produced to queryable, through a rolling restart of 2:",
              latencies.description)
      } catch {
        await run.stop()
        throw error
      }
      await run.stop()
    }
    print("""
      (asked from outside, so the time of the question is part of it. The embedded broker does not see a member leave: \
      the partitions of a stopped replica wait for the session time-out, here 4 s, and its group up to 3 s more to \
      form again; a real cluster gives them away at once.)
      """)
  }
}
