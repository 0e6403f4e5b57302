import Catalogue
@testable import HotWriterService
import Messages
import Pipeline
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
}
