import ArgumentParser
import Catalogue
import FeedSimulator
import Feeds
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import Testing
import TestSupport
import Values

/// What the suites share that hold the executable against the simulated feeds.
protocol StreamSuite {}

extension StreamSuite {
  static var symbols: [String] { ["AAPL", "MSFT", "BRK.B"] }
  static var options: [String] { ["SPY251219C00650000", "SPY251219P00650000"] }
  static var topics: [Topic] {
    [Topics.marketTicks, Topics.marketBars, Topics.marketGaps, Topics.subscriptions, Topics.optionTrades]
  }

  func makeBroker() throws -> EmbeddedBroker {
    try EmbeddedBroker(topics: Self.topics.map { ($0.name, Int($0.partitions)) })
  }

  func start(
    _ feed: Feed, _ simulator: FeedSimulator, _ broker: EmbeddedBroker, _ more: [String] = [],
    symbols: [String]? = nil, channels: String = "trades,quotes,bars,statuses"
  ) async throws -> ServiceProcess {
    let path = switch feed {
    case .alphaVantage: ""
    case .polygonStocks: "stocks"
    case .polygonOptions: "options"
    case .alpacaStocks: "v2/iex"
    case .alpacaOptions: "v1beta1/indicative"
    }
    let symbols = symbols ?? (feed.hasOptions ? Self.options : Self.symbols)
    return try await ServiceProcess.start("market-streamer", [
      "--feed", feed.rawValue, "--feed-url", "ws://\(simulator.url)/\(path)",
      "--history-url", "http://\(simulator.url)",
      "--feed-key", "key", "--feed-secret", "secret", "--symbols", symbols.joined(separator: ","), "--hours", "always",
      "--channels", channels, "--allow-private-addresses",
      "--kafka-bootstrap-servers", broker.bootstrapServers,
    ] + more)
  }

  /// Every value of a topic now.
  func read(_ broker: EmbeddedBroker, _ topic: Topic) async throws -> [[UInt8]] {
    var options = try KafkaOptions.parse([])
    options.kafkaBootstrapServers = broker.bootstrapServers
    options.kafkaProperty = ["session.timeout.ms=6000", "heartbeat.interval.ms=300"]
    options.groupId = "reader-\(TestServers.uniqueName())"
    var quiet = Logger(label: "reader")
    quiet.logLevel = .critical
    let admin = try options.makeAdmin(clientID: "reader", logger: quiet)
    let ends = try await admin.watermarks(Set((0..<topic.partitions).map { TopicPartition(topic.name, $0) }))
    var left = ends.values.reduce(0) { $0 + $1.high - $1.low }
    let consumer = try Consumer(options.consumerConfiguration(clientID: "reader", topics: [topic.name], logger: quiet))
    var values: [[UInt8]] = []
    while left > 0, let element = try await consumer.next(before: nil) {
      guard case .batch(let batch) = element else { continue }
      batch.forEach { values.append($0.valueBytes) }
      left -= Int64(batch.count)
    }
    consumer.close()
    while let element = try await consumer.next(before: nil) {
      if case .revoking(_, let answer) = element { answer.done(committing: [:]) }
    }
    return values
  }

  func published(_ process: ServiceProcess) async -> Double {
    await process.metrics().sum("souk_feed_events_total") ?? 0
  }

  /// Waits until every hole is closed and all of the market's past is published, with the market stopped.
  func settle(_ process: ServiceProcess, _ simulator: FeedSimulator) async throws {
    simulator.pause()
    // A reader that is behind may meet the end of another connection only now: one answer has to say both. A gap may
    // have been open at the look before, since a stopped market is a silent one.
    var last = -1.0
    try await eventually("no gap is open, and nothing more comes") {
      let metrics = await process.metrics()
      // A process that does not answer says nothing.
      guard let now = metrics.sum("souk_feed_events_total") else { return false }
      defer { last = now }
      if now == last, metrics.sum("souk_feed_gaps_open") ?? 0 == 0 { return true }
      try? await Task.sleep(for: .seconds(1))
      return false
    }
    #expect(await process.terminate() == .exited(0))
  }

  /// All that happened from the first event in Kafka on is there, once.
  /// - Parameter repeats: some may be there twice.
  func expectTruth(
    _ broker: EmbeddedBroker, _ simulator: FeedSimulator, _ feed: Feed, repeats: Bool = false
  ) async throws {
    let ticks = try await read(broker, Topics.marketTicks).map { try FeedTick(decoding: $0) }
    func name(_ kind: String, _ symbol: String, _ id: String, _ eventNs: Int64) -> String {
      // Options of Alpaca have no ids, and quotes of it none either; Polygon's stream has milliseconds.
      feed.isPolygon ? "\(kind)/\(symbol)/\(id)" : "\(kind)/\(symbol)/\(eventNs)"
    }
    let seen = ticks.map { tick in
      name(
        tick[\.kind].rawValue, tick[\.symbol] ?? "", tick[\.sequence].map { "\($0)" } ?? "", tick[\.eventNs])
    }
    #expect(repeats || Set(seen).count == seen.count, "an event was published twice")
    let first = try #require(ticks.map { $0[\.eventNs] }.min())
    let kinds: Set<SimulatedEvent.Kind> = feed.isPolygon || feed.hasOptions
      ? [.trade, .quote] : [.trade, .quote, .correction, .cancel, .status]
    // Polygon's stream has milliseconds and its past nanoseconds; its sequence tells what came first.
    let firstID = ticks.compactMap { $0[\.sequence] }.min().map { Int($0) } ?? 0
    let truth = simulator.events.filter { kinds.contains($0.kind) }
      .filter { feed.isPolygon ? $0.id >= firstID : $0.eventNs >= first }
      .map { name($0.kind.rawValue, $0.symbol, "\($0.id)", $0.eventNs) }
    #expect(Set(truth).subtracting(seen).isEmpty && Set(seen).subtracting(truth).isEmpty, """
      missing \(Set(truth).subtracting(seen).sorted().prefix(5)), too many \
      \(Set(seen).subtracting(truth).sorted().prefix(5)) of \(truth.count)
      """)
    #expect(truth.count > 100)
  }

  func gaps(_ broker: EmbeddedBroker) async throws -> [String: [FeedGap]] {
    Dictionary(grouping: try await read(broker, Topics.marketGaps).map { try FeedGap(decoding: $0) }, by: \.id)
  }
}
