import Core
@testable import Features
import Foundation
import LocalServers
import Messages
import Redis
import Testing
import TestSupport
import Values

@Suite struct FeatureRecordsTests {
  private static func at(_ second: Int64) -> Timestamp { Timestamp(microseconds: second * 1_000_000)! }

  @Test func linesOfTopicsGiveLinesOfFeatures() throws {
    let set = try FeatureSet(file: nil)
    var bars = FeatureLines(set, .bars)
    var text = ""
    for minute in 0..<7 {
      let price = ExactDecimal("\(100 + minute)")!
      let values = FeedBarValues(
        startNs: Int64(minute) * 60_000_000_000, knownNs: 1, open: price, high: price, low: price, close: price,
        volume: ExactDecimal("10")!)
      let bar = FeedBar(symbol: "AAPL", feed: "f", interval: "1m", values: values)
      guard let row = try bars.take(bar.encoded().span.bytes) else { continue }
      var writer = JSONWriter()
      row.write(to: &writer)
      text = writer.bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
    #expect(text.hasPrefix(#"{"symbol":"AAPL","group":"bars:1m","event_ns":420000000000,"known_ns":1,"values":{"#))
    #expect(text.contains("\"return_5m@1\":0.0495049504950495") && text.contains("\"return_60m@1\":null"))
    var flow = FeatureLines(set, .flow)
    func premium(_ id: String, _ contract: String, _ side: OptionsFlow.Side) throws -> Double? {
      let event = OptionsFlow(
        eventID: id, underlying: "AAPL", feed: "f", rule: .block, condition: "",
        numbers: SignalValues(names: [], numbers: []), contracts: [contract], side: side, premium: 1_000, size: 1,
        prints: 1, exchanges: 1, price: 1, firstNs: 5_000_000_000, lastNs: 5_000_000_000, knownNs: 1, day: "2025-12-19")
      return try flow.take(event.encoded().span.bytes)?.values.first?.number
    }
    // Bought calls and sold puts gain from a rise.
    #expect(try premium("a", "AAPL251219C00200000", .buy) == 1_000)
    #expect(try premium("b", "AAPL251219P00200000", .sell) == 2_000)
    #expect(try premium("c", "AAPL251219P00200000", .buy) == 1_000)
    #expect(try premium("d", "AAPL251219C00200000", .unknown) == 1_000)
    #expect(throws: DecodingFailure.self) { try flow.take(Array("{}".utf8).span.bytes) }
  }

  /// What Feast reads, as text: a view of each group with its fields. The package itself is tried outside the tests.
  @Test func theExportHasAViewOfEachGroup() throws {
    let text = FeastExport.python(try FeatureSet(file: nil), data: "data")
    for view in ["bars_1m", "signals_1m", "flow", "sentiment"] {
      #expect(text.contains("\(view) = FeatureView(") && text.contains("path=\"data/\(view).parquet\""))
    }
    #expect(text.contains("Field(name=\"return_5m_v1\", dtype=Float64,"))
    #expect(text.contains("\"definition\": \"bars:1m return of 5 fresh 5m\""))
    #expect(text.contains("ttl=timedelta(seconds=300)") && text.contains("ttl=timedelta(seconds=86400)"))
  }

  /// What Featureform registers, run by Python with a stand-in for the package: the values are those of the hot store.
  /// The package itself (1.15.8) is tried outside the tests.
  @Test func featuresOfFeatureformReadTheHotStore() async throws {
    let python = try Program.require(
      "python3", in: Program.environmentFolders, package: "python3-venv, and redis from PyPI")
    let redis = try await TestServers.redis()
    let symbol = "T\(TestServers.uniqueName())"
    let client = RedisClient(RedisConfiguration(url: try RedisURL(redis.url)))
    _ = try await client.send(RedisCommand("HSET", "feat:{\(symbol)}", "return_5m@1", "0.25"))
    await client.close()
    let set = try FeatureSet(file: nil)
    try await withTemporaryDirectory { folder in
      for (name, text) in [
        ("souk_featureform.py", FeatureformExport.python(set)),
        ("featureform.py", """
          import types
          made = {}
          register_user = lambda name: types.SimpleNamespace(make_default_owner=lambda: None)
          def ondemand_feature(name, variant, description, properties):
              def take(function):
                  # As the server keeps it: the code alone.
                  made[properties["id"]] = types.FunctionType(function.__code__, {"__builtins__": __builtins__})
                  return function
              return take
          """),
        ("ask.py", """
          import sys, featureform, souk_featureform
          for name, function in featureform.made.items():
              print(name, function(None, [], {"symbol": sys.argv[1]}))
          """),
      ] { try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(name)")) }
      var launch = Launch(python, [folder + "/ask.py", symbol])
      launch.environment["REDIS_URL"] = redis.url
      let lines = try await ChildProcess.runOrThrow(launch, atMost: .seconds(600)).split(separator: "\n")
      #expect(lines.map(String.init)
        == set.features.map { "\($0.id) \($0.id == "return_5m@1" ? "0.25" : "None")" })
    }
  }
}
