import Core
@testable import Features
import Testing
import TestSupport

/// Values against numbers worked out by hand, and the engine against itself over other orders and windows.
@Suite struct FeatureEngineTests {
  private static let minute: Int64 = 60_000_000_000

  private func set(_ lines: String...) throws -> FeatureSet {
    let rows = lines.map { "  - {version: 1, freshness: 5m, \($0)}\n" }
    return try FeatureSet(yaml: "features:\n" + rows.joined(), origin: "test")
  }

  private func bar(_ minute: Int64, _ close: Double, volume: Double = 10, known: Int64 = 0) -> FeatureBar {
    FeatureBar(
      startNs: minute * Self.minute, knownNs: known, high: close + 1, low: close - 2, close: close, volume: volume)
  }

  private func values(_ engine: inout FeatureEngine, _ bars: [FeatureBar]) -> [Double?] {
    var row: FeatureRow?
    for bar in bars {
      row = engine.take(bar, symbol: "AAPL", interval: "1m", length: .seconds(60)) ?? row
    }
    return row?.values.map(\.number) ?? []
  }

  @Test func barsGiveTheirNumbers() throws {
    let set = try set(
      "name: r, source: bars, interval: 1m, value: return, window: 2",
      "name: v, source: bars, interval: 1m, value: volatility, window: 2",
      "name: m, source: bars, interval: 1m, value: mean, window: 3",
      "name: h, source: bars, interval: 1m, value: highest, window: 2",
      "name: l, source: bars, interval: 1m, value: lowest, window: 2",
      "name: q, source: bars, interval: 1m, value: volume_ratio, window: 2",
      "name: g, source: bars, interval: 1m, value: range, window: 2",
      "name: other, source: bars, interval: 5m, value: mean, window: 1")
    var engine = FeatureEngine(set)
    let none = values(&engine, [bar(1, 100)])
    #expect(none == [nil, nil, nil, nil, nil, nil, nil])
    let all = values(&engine, [bar(2, 110, volume: 30), bar(3, 99, volume: 60)])
    // log(110/100) = 0.0953101798, log(99/110) = -0.1053605157.
    let expected = [-0.01, 0.14189560955, 103, 111, 97, 3, 14.0 / 99]
    for (value, truth) in zip(all, expected) { #expect(abs((value ?? .nan) - truth) < 1e-9) }
    let row = engine.take(bar(4, 1), symbol: "AAPL", interval: "1m", length: .seconds(60))
    #expect(row?.eventNs == 5 * Self.minute && row?.group == "bars:1m")
    #expect(engine.take(bar(4, 1), symbol: "AAPL", interval: "15m", length: .seconds(900)) == nil)
  }

  @Test func aRevisedBarReplacesItsEarlierState() throws {
    let set = try set("name: r, source: bars, interval: 1m, value: return, window: 1")
    var engine = FeatureEngine(set)
    #expect(values(&engine, [bar(1, 100), bar(2, 110)]) == [0.10000000000000009])
    #expect(values(&engine, [bar(1, 55, known: 5)]) == [1])
    // An earlier state, and a bar before all that count.
    #expect(values(&engine, [bar(1, 100, known: 4)]) == [])
    #expect(values(&engine, [bar(0, 1)]) == [])
  }

  /// What the live system relies on: the window alone, in any order, gives what the whole history gives.
  @Test func theWindowAloneGivesTheSame() throws {
    let set = try FeatureSet(file: nil)
    var random = TestRandom("features")
    var history = FeatureEngine(set)
    var bars: [FeatureBar] = []
    for minute in 1...300 {
      let next = bar(
        Int64(minute), Double.random(in: 90...110, using: &random), volume: Double.random(in: 0...100, using: &random),
        known: Int64(minute))
      bars.append(next)
      let row = history.take(next, symbol: "AAPL", interval: "1m", length: .seconds(60))
      guard minute % 20 == 0 else { continue }
      var window = FeatureEngine(set)
      var alone: FeatureRow?
      for bar in bars.suffix(window.bars(of: "bars:1m") + 1) {
        alone = window.take(bar, symbol: "AAPL", interval: "1m", length: .seconds(60)) ?? alone
      }
      #expect(alone?.values == row?.values)
    }
    var events: [FeatureEvent] = []
    for index in 0..<200 {
      events.append(FeatureEvent(
        id: "e\(index % 150)", revision: Int64(index / 150 + 1), timeNs: Int64(index % 150) * 600_000_000_000,
        knownNs: 0, isGone: index % 7 == 0, first: Double.random(in: -1...1, using: &random),
        second: Double.random(in: 0...1, using: &random), sources: 2))
    }
    var whole = FeatureEngine(set)
    let truth = events.compactMap { whole.take($0, symbol: "A", source: .sentiment) }.last
    // The last revision of each, of the newest day.
    var last: [String: FeatureEvent] = [:]
    for event in events { last[event.id] = event }
    for _ in 0..<5 {
      var window = FeatureEngine(set)
      let kept = last.values.filter { $0.timeNs > 149 * 600_000_000_000 - 86_400_000_000_000 }.shuffled(using: &random)
      let row = kept.compactMap { window.take($0, symbol: "A", source: .sentiment) }.last
      #expect(row?.values == truth?.values && row?.eventNs == truth?.eventNs)
    }
  }

  @Test func eventsCountWhileTheyStandAndAreNear() throws {
    let set = try set(
      "name: m, source: sentiment, value: mean_score, window: 1h",
      "name: s, source: sentiment, value: stories, window: 1h",
      "name: o, source: sentiment, value: sources, window: 2h", "name: p, source: flow, value: premium, window: 1h",
      "name: g, source: flow, value: signed_premium, window: 1h", "name: e, source: flow, value: events, window: 1h")
    var engine = FeatureEngine(set)
    func take(
      _ id: String, minute: Int64, _ first: Double, _ second: Double, revision: Int64 = 1, isGone: Bool = false,
      _ source: FeatureDefinition.Source = .sentiment
    ) -> [Double?]? {
      let event = FeatureEvent(
        id: id, revision: revision, timeNs: minute * Self.minute, knownNs: 0, isGone: isGone, first: first,
        second: second, sources: 3)
      return engine.take(event, symbol: "AAPL", source: source)?.values.map(\.number)
    }
    #expect(take("a", minute: 10, 0.5, 1) == [0.5, 1, 3])
    #expect(take("b", minute: 20, -0.5, 0.5) == [0.25 / 1.5, 2, 6])
    #expect(take("b", minute: 20, -0.5, 0.5) == nil)
    #expect(take("b", minute: 20, 0, 0, revision: 2, isGone: true) == [0.5, 1, 3])
    #expect(take("b", minute: 20, 9, 9, revision: 1) == nil)
    // An hour later the first is not near any more, and with none there is no mean.
    #expect(take("c", minute: 70, 0, 0, isGone: true) == [nil, 0, 3])
    #expect(take("old", minute: -100, 1, 1) == nil)
    #expect(take("f", minute: 10, 500, -500, .flow) == [500, -500, 1])
    #expect(take("g", minute: 11, 100, 0, .flow) == [600, -500, 2])
  }
}
