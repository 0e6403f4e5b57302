import Catalogue
import Core
import Indicators
import Messages
import Pipeline
@testable import SignalWorkerService
import Testing
import TestSupport

@Suite(.timeLimit(.minutes(15))) struct SignalSinkTests {
  @Test func aSignalHasTheValuesOfTALibAndSaysWhichRulesFire() async throws {
    let truth = try await TALib("walk", seed: 3, count: 500)
    let fixture = try SignalFixture(["1m", "5m"])
    for (index, bar) in truth.bars.enumerated() {
      #expect(fixture.append(Minutes.bar("AAPL", index, bar)) == .keep)
      if index % 50 == 49 { try await fixture.flush(to: index + 1) }
    }
    let signals = try fixture.output.signals
    let minutes = signals.filter { $0.interval == "1m" }
    #expect(minutes.count == 500)
    #expect(signals.count { $0.interval == "5m" } == 100)
    for (index, signal) in minutes.enumerated() {
      let wrong = truth.differences(signal, at: index)
      #expect(wrong.isEmpty, "bar \(index)")
    }
    let first = try #require(minutes.first)
    #expect(first.id == "AAPL/alpaca-stocks/1m/1764599400000000000" && first.bars == 1)
    #expect(first.values["obv"] == truth.bars[0].volume && first.values["rsi14"] == nil)
    // By hand from the truth: where the shorter average crosses, and nowhere else.
    let short = try #require(truth.names.firstIndex(of: "sma50"))
    let long = try #require(truth.names.firstIndex(of: "sma200"))
    let crosses = truth.bars.indices.dropFirst(200).filter { index in
      truth.bars[index].values[short] > truth.bars[index].values[long]
        && truth.bars[index - 1].values[short] <= truth.bars[index - 1].values[long]
    }
    let told = minutes.indices.filter { minutes[$0].events.contains { $0.rule == "golden_cross" } }
    #expect(told == crosses)
    // What is written is read back, also by the names.
    for signal in minutes.suffix(3) {
      let again = try TechnicalSignal(decoding: signal.encoded())
      #expect(again.encoded() == signal.encoded() && again.values["rsi14"] == signal.values["rsi14"])
    }
  }

  /// Outages before, between and after the acknowledgements, and kills: what holds in the end is what one undisturbed
  /// worker says, revisions included.
  @Test(arguments: 0..<5) func killsAndOutagesChangeNothing(_ seed: Int) async throws {
    var random = TestRandom("signals \(seed)")
    var records: [[UInt8]] = []
    var price = 100.0
    for minute in 0..<400 {
      if Int.random(in: 0..<15, using: &random) == 0 { continue }
      price += Double(Int.random(in: -30...30, using: &random)) / 100
      for symbol in ["AAPL", "MSFT"] {
        records.append(Minutes.bar(
          symbol, minute, high: price + 0.1, low: price - 0.2, close: price,
          volume: Double(Int.random(in: 0...999, using: &random))))
      }
      // A later version of a minute before, or one that was missing.
      if minute > 25, Int.random(in: 0..<5, using: &random) == 0 {
        let revised = minute - Int.random(in: 0..<20, using: &random)
        records.append(Minutes.bar(
          "AAPL", revised, high: price + 1, low: price - 1, close: price + 0.5, volume: 7,
          knownAfter: Int64(minute - revised + 2) * 60_000_000_000))
      }
    }
    let undisturbed = try SignalFixture()
    for record in records { undisturbed.append(record) }
    try await undisturbed.flush(to: records.count)

    let fixture = try SignalFixture()
    try await fixture.takeDisturbed(records.count, round: 12, &random) { fixture.append(records[$0]) }
    #expect(try fixture.output.last == undisturbed.output.last)
    #expect(fixture.output.states == undisturbed.output.states)
    #expect(fixture.output.states.count == 2)
    // Everything once more changes nothing and says nothing.
    let before = fixture.output.published.count
    for record in records { #expect(["unchanged", "too_old"].contains(fixture.reason(record))) }
    try await fixture.flush(to: records.count)
    #expect(fixture.output.published.count == before)
  }

  @Test func whatIsOfNoUseIsSkippedAndWhatIsWrongRefused() async throws {
    var settings = SignalSink.Settings(group: "group")
    settings.feeds = ["alpaca-stocks"]
    settings.maxSymbols = 1
    let fixture = try SignalFixture(hours: .regular, revisable: 5, settings: settings)
    func minute(_ minute: Int, _ symbol: String = "AAPL", close: Double = 2, feed: String = "alpaca-stocks",
                interval: String = "1m", knownAfter: Int64 = 60_000_000_000) -> [UInt8] {
      Minutes.bar(symbol, minute, high: 3, low: 1, close: close, volume: 1, feed: feed, interval: interval,
                  knownAfter: knownAfter)
    }
    for index in 10..<20 { #expect(fixture.reason(minute(index)) == nil) }
    #expect(fixture.reason(minute(19)) == "unchanged")
    #expect(fixture.reason(minute(12, close: 1)) == "too_old")
    #expect(fixture.reason(minute(17, close: 1)) == nil)
    #expect(fixture.reason(minute(-5)) == "outside_hours")
    #expect(fixture.reason(minute(20, feed: "polygon-stocks")) == "other_feed")
    #expect(fixture.reason(minute(20, interval: "1d")) == "other_interval")
    #expect(fixture.reason(minute(20, "MSFT")) == "too_many_symbols")
    #expect(fixture.reason(minute(20, close: 3.5)) == "bad_value")
    #expect(fixture.reason(minute(20, knownAfter: -61_000_000_000)) == "future_stamp")
    #expect(fixture.reason(Array("{".utf8)) == "malformed_json")
    #expect(fixture.reason(Array("{}".utf8)) == "missing_field")
    // Another group's state, and one that cannot be read: its symbol begins anew.
    try await fixture.flush(to: 20)
    let (key, state) = try #require(fixture.output.states.first)
    #expect(StateChangelog.state(state, of: "other") == nil)
    var message = try #require(StateChangelog.state(state, of: "group"))
    #expect(message.bytes.flatMap { try? SymbolSeries(fixture.plan, decoding: $0) } != nil)
    message.state = "AQID"
    fixture.output.replace(key, by: message.encoded())
    try await fixture.crash()
    #expect(fixture.reason(minute(12, close: 1)) == nil)
  }

  /// A bar revised several times between two flushes, and all behind it, goes out once.
  @Test func ofEachSignalOnlyTheLastOfAFlushGoesOut() async throws {
    let fixture = try SignalFixture(["1m"], revisable: 50)
    func minute(_ minute: Int, close: Double, knownAfter: Int64 = 60_000_000_000) -> [UInt8] {
      Minutes.bar("AAPL", minute, high: 9, low: 1, close: close, volume: 1, knownAfter: knownAfter)
    }
    for index in 0..<40 { fixture.append(minute(index, close: 2)) }
    try await fixture.flush(to: 40)
    #expect(fixture.output.published.count == 40)
    for (round, revised) in [30, 20, 25].enumerated() {
      fixture.append(minute(revised, close: 3 + Double(round), knownAfter: Int64(60 + round) * 60_000_000_000))
    }
    try await fixture.flush(to: 43)
    let fresh = try fixture.output.signals.dropFirst(40)
    #expect(fresh.count == 20 && Set(fresh.map(\.id)).count == 20)
    let once = try SignalFixture(["1m"], revisable: 50)
    for index in 0..<40 {
      let close: Double = [30: 3, 20: 4, 25: 5][index] ?? 2
      once.append(minute(index, close: close))
    }
    try await once.flush(to: 40)
    let values = Dictionary(try fixture.output.signals.map { ($0.id, $0.values) }) { $1 }
    #expect(values == Dictionary(try once.output.signals.map { ($0.id, $0.values) }) { $1 })
  }
}
