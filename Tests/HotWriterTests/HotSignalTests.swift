import Catalogue
@testable import HotWriterService
import Messages
import Pipeline
import Redis
import Testing
import TestSupport

/// Signals in a real Redis with time series.
@Suite(.timeLimit(.minutes(10))) struct HotSignalTests {
  private let signals = HotFixture.partition(0, Topics.technicalSignals)

  private func signal(
    _ symbol: String, minute: Int64, _ interval: String = "1m", rsi: Double, events: [String] = []
  ) -> [UInt8] {
    TechnicalSignal(
      symbol: symbol, feed: "polygon-stocks", interval: interval, startNs: start(minute) * 1_000_000,
      knownNs: Feeding.now * 1_000_000, bars: 20,
      values: SignalValues(names: ["rsi14", "obv", "sma20"], numbers: [rsi, 1_234, .nan]),
      events: events.map { TechnicalSignal.Event(rule: $0, condition: "rsi14>70", left: rsi, right: 70) }
    ).encoded()
  }

  private func start(_ minute: Int64) -> Int64 { (Feeding.now / 60_000 - minute) * 60_000 }

  @Test func signalsAreSeriesAndTheFeaturesOfTheLastBar() async throws {
    var fixture = try await HotFixture(isOwn: false)
    fixture.policy.signalFields = ["rsi14"]
    let symbol = "I" + TestServers.uniqueName()
    let sink = fixture.sink()
    #expect(sink.append(signal(symbol, minute: 3, rsi: 61.12345678), 0, signals) == .keep)
    #expect(sink.append(signal(symbol, minute: 2, rsi: 71.5, events: ["rsi_overbought"]), 1, signals) == .keep)
    #expect(sink.append(signal(symbol, minute: 10, "5m", rsi: 44), 2, signals) == .keep)
    #expect(sink.code(Array("{}".utf8), signals) == "missing_field")
    _ = try await sink.flush(to: [signals: 4])
    let samples = try await fixture.samples("ts:\(symbol):1m:rsi14")
    #expect(samples == [start(3): 61.12345678, start(2): 71.5])
    #expect(try await fixture.samples("ts:\(symbol):1m:obv").isEmpty)
    var features = [
      "1m:start_ns": "\(start(2) * 1_000_000)", "1m:rsi14": "71.5", "1m:obv": "1234.0", "1m:events": "rsi_overbought",
      "5m:start_ns": "\(start(10) * 1_000_000)", "5m:rsi14": "44.0", "5m:obv": "1234.0", "5m:events": "",
    ]
    #expect(try await fixture.hash("feat:{\(symbol)}") == features)
    // An earlier bar revised changes its sample only, the last one revised also the features.
    sink.append(signal(symbol, minute: 3, rsi: 60), 4, signals)
    _ = try await sink.flush(to: [signals: 5])
    #expect(try await fixture.hash("feat:{\(symbol)}") == features)
    sink.append(signal(symbol, minute: 2, rsi: 69), 5, signals)
    _ = try await sink.flush(to: [signals: 6])
    features["1m:rsi14"] = "69.0"
    features["1m:events"] = ""
    #expect(try await fixture.hash("feat:{\(symbol)}") == features)
    #expect(try await fixture.samples("ts:\(symbol):1m:rsi14") == [start(3): 60, start(2): 69])
  }

  /// When the only event of an hour is withdrawn, its signal has no values any more: neither has the store.
  @Test func whatASignalLacksIsDeleted() async throws {
    var fixture = try await HotFixture(isOwn: false)
    fixture.policy.signalFields = ["rsi14", "flow_premium", "flow_dev"]
    let symbol = "I" + TestServers.uniqueName()
    let hours = [0, 1].map { (Feeding.now / 3_600_000 - 2 + $0) * 3_600_000 }
    func hour(_ index: Int, _ premium: Double?) -> [UInt8] {
      TechnicalSignal(
        symbol: symbol, feed: "polygon-options", interval: "flow-1h", startNs: hours[index] * 1_000_000,
        knownNs: Feeding.now * 1_000_000, bars: 0,
        values: SignalValues(names: premium == nil ? [] : ["flow_premium"], numbers: premium.map { [$0] } ?? [])
      ).encoded()
    }
    let key = "ts:\(symbol):flow-1h:flow_premium"
    var sink = fixture.sink()
    sink.append(hour(0, 10), 0, signals)
    sink.append(hour(1, 20), 1, signals)
    sink.append(signal(symbol, minute: 200, "flow-1m", rsi: 1), 2, signals)
    _ = try await sink.flush(to: [signals: 3])
    #expect(try await fixture.samples(key) == [hours[0]: 10, hours[1]: 20])
    // Another process, which has not written to the series.
    sink = fixture.sink()
    #expect(sink.append(hour(1, nil), 3, signals) == .keep)
    _ = try await sink.flush(to: [signals: 4])
    #expect(try await fixture.samples(key) == [hours[0]: 10])
    let fields = try await fixture.hash("feat:{\(symbol)}").filter { $0.key.hasPrefix("flow-1h:") }
    #expect(fields == ["flow-1h:start_ns": "\(hours[1] * 1_000_000)", "flow-1h:events": ""])
    // A repeat changes nothing, and no series is made of what there never was.
    sink.append(hour(1, nil), 3, signals)
    _ = try await sink.flush(to: [signals: 4])
    #expect(try await fixture.samples(key) == [hours[0]: 10])
    #expect(try await fixture.ask("EXISTS", "ts:\(symbol):flow-1h:flow_dev").integer == 0)
    // Within one flush the last record of each hour counts, whatever lies between.
    for (offset, record) in [hour(1, 30), hour(0, nil), hour(1, nil), hour(0, 10), hour(1, 30)].enumerated() {
      sink.append(record, Int64(4 + offset), signals)
    }
    _ = try await sink.flush(to: [signals: 9])
    #expect(try await fixture.samples(key) == [hours[0]: 10, hours[1]: 30])
    for (offset, record) in [hour(1, 40), hour(0, 50), hour(1, nil), hour(0, nil)].enumerated() {
      sink.append(record, Int64(9 + offset), signals)
    }
    _ = try await sink.flush(to: [signals: 13])
    #expect(try await fixture.samples(key).isEmpty)
  }
}
