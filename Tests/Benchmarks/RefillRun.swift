import Catalogue
import Core
import FeedSimulator
import Feeds
import Kafka
import LocalServers
import TestSupport

/// A minute that a feed's connection missed, of 100 symbols: the requests and the time until all gaps are closed.
struct RefillRun {
  let feed: Feed
  private static let symbols = (0..<100).map { "S\($0)" }

  func run() async throws {
    let topics = ServiceCatalogue.marketStreamer.outputs.map { ($0.name, Int($0.partitions)) }
    let broker = try EmbeddedBroker(topics: topics)
    defer { broker.close() }
    var script = FeedScript()
    script.pageSize = feed.isPolygon ? 50_000 : 10_000
    // Two seconds of a clock that is thirty times as fast.
    script.away = .seconds(2)
    script.answerDelay = .milliseconds(100)
    try await FeedSimulator.serving(
      script, symbols: Self.symbols, rate: 3_000, speed: 30, hasCorrections: false
    ) { simulator in
      let path = feed.isPolygon ? "stocks" : "v2/iex"
      let process = try await ServiceProcess.start("market-streamer", [
        "--feed", feed.rawValue, "--feed-url", "ws://\(simulator.url)/\(path)",
        "--history-url", "http://\(simulator.url)", "--feed-key", "key", "--feed-secret", "secret",
        "--symbols", Self.symbols.joined(separator: ","), "--hours", "always", "--allow-private-addresses",
        "--log-level", "warning", "--kafka-bootstrap-servers", broker.bootstrapServers,
      ])
      try await eventually("events", timeout: .seconds(60)) {
        await process.metrics().sum("souk_feed_events_total") ?? 0 > 10_000
      }
      let logins = simulator.logins
      simulator.cut(.reset)
      try await eventually("a new connection", timeout: .seconds(120), interval: .milliseconds(2)) {
        simulator.logins > logins
      }
      let begun = ContinuousClock.now
      try await eventually("the refill", timeout: .seconds(120), interval: .milliseconds(5)) {
        await process.metrics().sum("souk_feed_gaps_total", where: ["outcome": "filled"]) ?? 0 >= 100
      }
      let time = ContinuousClock.now - begun
      let asked = simulator.questions.count { $0.contains("?") }
      let refilled = await process.metrics().sum("souk_feed_events_total", where: ["source": "refill"]) ?? 0
      print("\(feed.rawValue): a minute of 100 symbols, \(Int(refilled)) events, is refilled "
        + "\(Int(time / .milliseconds(1))) ms after the connection, with \(asked) requests of 100 ms")
      await process.terminate()
    }
  }
}
