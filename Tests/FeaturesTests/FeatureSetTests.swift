import Core
@testable import Features
import Testing

@Suite struct FeatureSetTests {
  private static func line(_ name: String, version: Int = 1, window: Int = 5) -> String {
    "  - {name: \(name), version: \(version), source: bars, interval: 1m, value: return, window: \(window), "
      + "freshness: 5m}\n"
  }

  private func refusal(_ yaml: String) -> String? {
    do {
      _ = try FeatureSet(yaml: yaml, origin: "file")
      return nil
    } catch {
      #expect(error.errorClass == .configuration)
      return error.message
    }
  }

  @Test func theEmbeddedSetIsRead() throws {
    let set = try FeatureSet(file: nil)
    #expect(set.features.count == 10)
    #expect(Set(set.features.map(\.group)) == ["bars:1m", "signals:1m", "flow", "sentiment"])
    #expect(set.features[0].id == "return_5m@1" && set.features[0].text == "bars:1m return of 5 fresh 5m")
  }

  @Test(arguments: [
    ("features:\n  - {name: A, version: 1}", "name"), ("features:\n  - {name: a}", "version"),
    ("features:\n  - {name: a, version: 1, source: ticks}", "source"),
    ("features:\n  - {name: a, version: 1, source: bars, freshness: 5m, value: return, window: 5}", "interval"),
    ("features:\n  - {name: a, version: 1, source: bars, interval: 1m, freshness: 5m, value: x, window: 5}", "value"),
    ("features:\n  - {name: a, version: 1, source: bars, interval: 1m, freshness: 5m, value: volatility, window: 1}",
     "window"),
    ("features:\n  - {name: a, version: 1, source: flow, interval: 1m, freshness: 5m, value: events, window: 1h}",
     "interval"),
    ("features:\n  - {name: a, version: 1, source: flow, freshness: 5m, value: events, window: 1000d}", "window"),
    ("features:\n  - {name: a, version: 1, source: signals, interval: 1m, freshness: 5m, value: rsi14, window: 3}",
     "window"),
    ("features:\n  - {name: a, version: 1, source: flow, value: events, window: 1h}", "freshness"),
    ("features:\n  - {name: a, version: 1, other: 2}", "other"), ("other: 1", "other"),
  ])
  func whatIsWrongIsNamed(_ yaml: String, _ word: String) {
    let message = refusal(yaml)
    #expect(message?.contains(word) == true && message?.contains("file, line") == true, "\(message ?? "taken")")
  }

  @Test func aDefinitionThatChangesNeedsANewVersion() throws {
    #expect(refusal("features:\n" + Self.line("a") + Self.line("a", version: 2, window: 6)) == nil)
    #expect(refusal("features:\n" + Self.line("a") + Self.line("a"))?.contains("a second feature") == true)
    #expect(refusal("features:\n" + Self.line("a") + Self.line("a", window: 6))?.contains("new version") == true)
    let set = try FeatureSet(yaml: "features:\n" + Self.line("a"), origin: "file")
    try set.check(against: ["b@1": "x", "a@2": "x", "a@1": "bars:1m return of 5 fresh 5m"])
    let error = #expect(throws: Failure.self) { try set.check(against: ["a@1": "bars:1m return of 6 fresh 5m"]) }
    #expect(error?.code == "feature_redefined" && error?.message.contains("version 2") == true)
  }
}
