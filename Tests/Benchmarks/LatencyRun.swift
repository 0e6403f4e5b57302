import Catalogue
import Core
import Foundation
import Kafka
import LocalServers
import Logging
import Messages
import Synchronization
import TestSupport
import Values

/// Sends bars at a steady rate through influx-consumer, and polls InfluxDB for them.
///
/// Each partition has a symbol with increasing volumes, one bar about every 120 ms: when the database returns number n,
/// everything up to n has arrived.
final class LatencyRun: Sendable {
  private static let partitions = 12
  private let broker: EmbeddedBroker
  private let influx: PrivateInfluxDB
  private let database: String
  private let rate: Int
  private let producer: Producer
  private let probes: [String]
  private let fillers: [String]
  private let replicas = Mutex<[ServiceProcess]>([])

  private struct Sent {
    /// When each bar of a probe was handed to Kafka.
    var at: [String: [ContinuousClock.Instant]] = [:]
    /// Number of bars found.
    var found: [String: Int] = [:]
    var latencies: [Duration] = []
    var isBodyDone = false
    var isOver = false
  }
  private let sent = Mutex(Sent())

  init(influx: PrivateInfluxDB, database: String, rate: Int) async throws {
    (self.influx, self.database, self.rate) = (influx, database, rate)
    broker = try EmbeddedBroker(topics: [Topics.marketData, Topics.marketData.deadLetters].map {
      ($0.name, Self.partitions)
    })
    let producer = try MarketFeed.producer(for: broker)
    self.producer = producer
    func symbols(_ count: Int, _ name: String) async throws -> [String] {
      try await MarketFeed.symbols(count, in: Self.partitions, by: producer, named: name).values.flatMap { $0 }
    }
    probes = try await symbols(1, "PROBE")
    fillers = try await symbols(20, "SYM")
    _ = await influx.query("CREATE DATABASE \(database)")
  }

  /// Returns when each replica has partitions and works: forming the group is not part of the latency.
  func start(replicas count: Int) async throws {
    for _ in 0..<count {
      let replica = try await makeReplica()
      replicas.withLock { $0.append(replica) }
    }
    for replica in replicas.withLock({ $0 }) { try await warmUp(replica) }
  }

  /// Sends a bar to each partition until the replica has seen one.
  private func warmUp(_ replica: ServiceProcess) async throws {
    var number = 0
    try await eventually("\(replica.name) has partitions", timeout: .seconds(60), interval: .milliseconds(100)) {
      var batch = OutgoingBatch()
      for probe in probes { Self.add(probe, "warm", number, to: &batch) }
      number += 1
      try await producer.send(batch)
      return await replica.metrics().sum("souk_records_consumed_total") ?? 0 > 0
    }
  }

  private func makeReplica() async throws -> ServiceProcess {
    let replica = try await ServiceProcess.start("influx-consumer", environment: [
      "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "INFLUX_URL": influx.url, "INFLUX_DATABASE": database,
      "KAFKA_PROPERTIES": "session.timeout.ms=4000,heartbeat.interval.ms=300", "LOG_LEVEL": "warning",
    ])
    try await replica.awaitReady()
    return replica
  }

  /// Restarts each replica as an orchestrator does.
  func restartEach() async throws {
    for index in replicas.withLock({ $0.indices }) {
      await replicas.withLock { $0[index] }.terminate()
      let replica = try await makeReplica()
      replicas.withLock { $0[index] = replica }
      try await warmUp(replica)
    }
  }

  func stop() async {
    for replica in replicas.withLock({ $0 }) where replica.status == nil { await replica.terminate() }
    await producer.close()
    broker.close()
  }

  /// Produces while `body` runs, and at least for `limit`, then waits until everything is found.
  func measure(atLeast limit: Duration, _ body: @Sendable @escaping () async throws -> Void) async throws -> Latencies {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await self.watch() }
      group.addTask { try await self.produce(atLeast: limit, body) }
      try await group.waitForAll()
    }
    return Latencies(sent.withLock { $0.latencies })
  }

  private func produce(atLeast limit: Duration, _ body: @Sendable @escaping () async throws -> Void) async throws {
    var tick = 0
    try await withThrowingTaskGroup(of: Void.self) { group in
      let start = ContinuousClock.now
      group.addTask {
        try await body()
        self.sent.withLock { $0.isBodyDone = true }
      }
      while !sent.withLock({ $0.isBodyDone }) || ContinuousClock.now - start < limit {
        let (batch, probe) = batch(tick)
        sent.withLock { $0.at[probe, default: []].append(.now) }
        group.addTask { try await self.producer.send(batch) }
        tick += 1
        try await Task.sleep(until: start + .milliseconds(10 * tick))
      }
      try await group.waitForAll()
    }
    sent.withLock { $0.isOver = true }
  }

  /// The bars of ten milliseconds.
  private func batch(_ tick: Int) -> (OutgoingBatch, probe: String) {
    var batch = OutgoingBatch()
    let count = rate / 100
    for index in 1..<count {
      let number = tick * count + index
      Self.add(fillers[number % fillers.count], "1 Minute", number, second: number / fillers.count, to: &batch)
    }
    let probe = probes[tick % probes.count]
    Self.add(probe, "probe", tick / probes.count, to: &batch)
    return (batch, probe)
  }

  /// - Parameter second: the bar's second, which distinguishes the bars of a symbol; nil: the number itself.
  private static func add(
    _ symbol: String, _ interval: String, _ number: Int, second: Int? = nil, to batch: inout OutgoingBatch
  ) {
    let price = ExactDecimal(mantissa: Int64(4_500 + number % 100), scale: 2) ?? .zero
    let bar = MarketBar(
      symbol: symbol, exchange: "EGX", interval: interval,
      datetime: LocalDateTime(microseconds: 1_737_367_200_000_000 + Int64(second ?? number) * 1_000_000) ?? .epoch,
      values: .candle(.init(
        open: price, high: price, low: price, close: price,
        volume: ExactDecimal(Int32(truncatingIfNeeded: number)))))
    batch.append(topic: Topics.marketData.name, key: bar.key, value: bar.encoded())
  }

  private struct Answer: Decodable {
    struct Result: Decodable { var series: [Series]? }
    struct Series: Decodable { var tags: [String: String]; var values: [[Double]] }
    var results: [Result]
  }

  private static let late = Failure(
    .fatal, code: "too_slow", "not every bar was found 120 s after the last: this rate is too high for this machine")

  private func watch() async throws {
    let question = "SELECT last(volume) FROM stock_price WHERE \"interval\" = 'probe' GROUP BY symbol"
    var patience: ContinuousClock.Instant?
    while true {
      let text = await influx.query(question, database: database) ?? "{\"results\":[]}"
      let now = ContinuousClock.now
      let answer = try JSONDecoder().decode(Answer.self, from: Data(text.utf8))
      let isComplete = sent.withLock { sent in
        for series in answer.results.flatMap({ $0.series ?? [] }) {
          guard let symbol = series.tags["symbol"], let last = series.values.first?.last else { continue }
          let times = sent.at[symbol] ?? []
          for number in (sent.found[symbol] ?? 0)..<max(sent.found[symbol] ?? 0, min(Int(last) + 1, times.count)) {
            sent.latencies.append(now - times[number])
          }
          sent.found[symbol] = max(sent.found[symbol] ?? 0, Int(last) + 1)
        }
        return sent.isOver && sent.at.allSatisfy { sent.found[$0.key] == $0.value.count }
      }
      if isComplete { return }
      if sent.withLock({ $0.isOver }) {
        let limit = patience ?? now + .seconds(120)
        patience = limit
        guard now < limit else { throw Self.late }
      }
      try await Task.sleep(for: .milliseconds(10))
    }
  }
}

/// Sorted latencies.
struct Latencies: CustomStringConvertible {
  private let sorted: [Duration]

  init(_ latencies: [Duration]) { sorted = latencies.sorted() }

  private func at(_ share: Double) -> String {
    guard !sorted.isEmpty else { return "-" }
    let index = min(sorted.count - 1, Int(Double(sorted.count) * share))
    return "\(Int(sorted[index] / .milliseconds(1))) ms"
  }

  var description: String {
    "median \(at(0.5)), 99 % within \(at(0.99)), at most \(at(1)) (\(sorted.count) bars looked for)"
  }
}
