import Catalogue
import Core
import Features
@testable import HotWriterService
import Kafka
import LocalServers
import Messages
import Pipeline
import Redis
import Testing
import TestSupport
import Values

/// Declared features in a real Redis, beside the engine over the same records.
@Suite(.timeLimit(.minutes(15))) struct HotFeatureTests {
  private static let yaml = """
    features:
      - {name: r2, version: 1, source: bars, interval: 1m, value: return, window: 2, freshness: 1h}
      - {name: v3, version: 2, source: bars, interval: 1m, value: volatility, window: 3, freshness: 1h}
      - {name: r50, version: 1, source: bars, interval: 1m, value: return, window: 50, freshness: 1h}
      - {name: rsi, version: 1, source: signals, interval: 1m, value: rsi14, freshness: 1h}
      - {name: score, version: 1, source: sentiment, value: mean_score, window: 1h, freshness: 2h}
      - {name: stories, version: 1, source: sentiment, value: stories, window: 1h, freshness: 2h}
    """

  private func sink(_ fixture: HotFixture, _ set: FeatureSet) -> HotSink {
    HotSink(
      fixture.client, policy: fixture.policy, limits: fixture.limits,
      budget: MemoryBudget(policy: fixture.policy, symbols: 10, ticksPerSecond: 1, tail: 10), features: set)
  }

  private func write(_ sink: HotSink, _ values: [[UInt8]], _ topic: Topic) async throws {
    let partition = HotFixture.partition(0, topic)
    for value in values { #expect(sink.append(value, 0, partition) == .keep) }
    let report = try await sink.flush(to: [partition: 1])
    #expect(report.durable == [partition: 1] && report.poison.isEmpty)
  }

  private func truth(
    _ set: FeatureSet, _ source: FeatureDefinition.Source, _ records: [[UInt8]]
  ) throws -> [String: String] {
    var lines = FeatureLines(set, source)
    var row: FeatureRow?
    for record in records { row = try lines.take(record.span.bytes) ?? row }
    let last = try #require(row)
    var fields = ["ts:\(last.group)": "\(last.eventNs)"]
    for value in last.values { fields[value.feature.id] = value.number.map { "\($0)" } }
    return fields
  }

  @Test func whatIsLiveIsWhatABatchSays() async throws {
    let fixture = try await HotFixture(isOwn: false)
    let symbol = "F" + TestServers.uniqueName()
    let set = try FeatureSet(yaml: Self.yaml, origin: "test")
    let bars = [(9, "100"), (8, "101.5"), (7, "99"), (6, "98.25"), (5, "103")].map {
      Feeding.bar(symbol, minute: $0.0, close: $0.1)
    }
    // In two flushes of two processes: nothing of the first is in the memory of the second.
    try await write(sink(fixture, set), Array(bars.prefix(3)), Topics.marketBars)
    try await write(sink(fixture, set), Array(bars.suffix(2)), Topics.marketBars)
    var expected = try truth(set, .bars, bars)
    #expect(expected["r2@1"] != nil && expected["v3@2"] != nil && expected["r50@1"] == nil)
    #expect(try await fixture.hash("feat:{\(symbol)}") == expected)
    // A revision of a bar in the window, known later.
    let revised = Feeding.bar(symbol, minute: 7, close: "97", revision: 1, known: 5)
    try await write(sink(fixture, set), [revised], Topics.marketBars)
    expected = try truth(set, .bars, bars + [revised])
    #expect(try await fixture.hash("feat:{\(symbol)}") == expected)
    // Bars of long ago, as a back-fill brings them.
    try await write(sink(fixture, set), [Feeding.bar(symbol, minute: 200, close: "5")], Topics.marketBars)
    #expect(try await fixture.hash("feat:{\(symbol)}") == expected)
    // A value goes when it is not fresh any more.
    let life = try await fixture.ask("HPTTL", "feat:{\(symbol)}", "FIELDS", "1", "r2@1").array?.first?.integer ?? 0
    #expect((1...3_600_000).contains(life))
  }

  @Test func storiesAreFeaturesUntilTheyAreWithdrawn() async throws {
    let fixture = try await HotFixture(isOwn: false)
    let symbol = "G" + TestServers.uniqueName()
    let set = try FeatureSet(yaml: Self.yaml, origin: "test")
    func event(
      _ cluster: String, _ score: String, ago: Int64, revision: Int64 = 1, withdrawn: Bool = false
    ) -> [UInt8] {
      let time = Timestamp(microseconds: (Feeding.now - ago) * 1_000)!
      return SentimentEvent(
        eventID: cluster, symbol: symbol, cluster: cluster, revision: revision, score: ExactDecimal(score)!,
        confidence: ExactDecimal("0.5")!, source: "newsapi", outlet: "Reuters", title: "", url: "", evidence: "",
        rule: "name", sources: 1, publishedAt: time, knownAt: time, scorer: "finance-1", withdrawn: withdrawn
      ).encoded()
    }
    let events = [
      event("old", "0.9", ago: 5_400_000), event("a", "0.5", ago: 60_000), event("b", "-0.1", ago: 30_000),
      event("b", "0", ago: 30_000, revision: 2, withdrawn: true), event("c", "0.2", ago: 20_000),
    ]
    for count in 1...events.count {
      try await write(sink(fixture, set), [events[count - 1]], Topics.sentimentEvents)
      #expect(try await fixture.hash("feat:{\(symbol)}") == truth(set, .sentiment, Array(events.prefix(count))))
    }
  }

  @Test func aDefinitionThatChangedStopsTheService() async throws {
    let fixture = try await HotFixture()
    let set = try FeatureSet(yaml: Self.yaml, origin: "test")
    try await FeatureRegistry.register(set, fixture.client)
    try await FeatureRegistry.register(set, fixture.client)
    let other = try FeatureSet(
      yaml: Self.yaml.replacing("value: return, window: 2,", with: "value: return, window: 3,"), origin: "test")
    for body in [FeatureRegistry.check, FeatureRegistry.register] {
      let error = await #expect(throws: Failure.self) { try await body(other, fixture.client) }
      #expect(error?.code == "feature_redefined" && error?.errorClass == .configuration)
    }
    let newer = try FeatureSet(
      yaml: Self.yaml.replacing(
        "name: r2, version: 1, source: bars, interval: 1m, value: return, window: 2,",
        with: "name: r2, version: 2, source: bars, interval: 1m, value: return, window: 3,"), origin: "test")
    try await FeatureRegistry.register(newer, fixture.client)
    #expect(try await fixture.hash("features:definitions")["r2@2"] == "bars:1m return of 3 fresh 1h")
    await fixture.server.stop()
  }
}
