@testable import Forecasting
import Foundation
import LocalServers
import ModelRegistry
import ObjectStore
import Testing
import TestSupport
import Values

/// The training programs, run on a small CSV: what they publish is loaded, its probes come out, and it predicts.
@Suite struct TrainingTests {
  private static var folder: URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Services/InferenceWorker/Training")
  }

  /// Two months of two prices with an oil price beside them, and of two demands.
  private func csv() -> String {
    var random = TestRandom("training")
    var lines = ["series,kind,observed_at,value,brent"]
    for (index, size) in [90.0, 1_200].enumerated() {
      var value = size, oil = 70.0
      for day in 0..<150 {
        value *= 1 + Double.random(in: -0.02...0.02, using: &random)
        oil *= 1 + Double.random(in: -0.02...0.02, using: &random)
        let time = Timestamp(microseconds: Int64(1_736_000_000 + day * 86_400) * 1_000_000)
        let text = time.map { "\($0)" } ?? ""
        lines.append("mena.egypt.polymer.p\(index),price,\(text),\(value),\(oil)")
        let demand = Int.random(in: 0...3, using: &random) == 0 ? Int.random(in: 1...20, using: &random) : 0
        lines.append("mena.egypt.screening.s\(index),demand,\(text),\(demand),")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  @Test(.timeLimit(.minutes(15))) func trainedModelsLoadAndPredict() async throws {
    try await withTemporaryDirectory { folder in
      try csv().write(toFile: "\(folder)/data.csv", atomically: false, encoding: .utf8)
      let brent = ["--driver", "brent=global.world.energy.brent"]
      let runs: [(String, [String], ModelKind)] = [
        ("train_xgboost.py", brent + ["--rounds", "20", "--name", "trees"], .xgboost),
        ("train_xgboost.py", ["--rounds", "10", "--format", "json", "--target", "difference", "--name", "json"],
         .xgboost),
        ("train_lstm.py", brent + ["--epochs", "1", "--name", "lstm"], .lstm),
        ("train_deepar.py", ["--epochs", "1", "--name", "student"], .deepar),
        ("train_deepar.py", ["--epochs", "1", "--kind", "demand", "--head", "negative_binomial", "--name", "counts"],
         .deepar),
        ("train_croston.py", ["--method", "croston", "--name", "croston"], .croston),
        ("train_croston.py", ["--method", "sba", "--name", "sba"], .sba),
        ("train_croston.py", ["--method", "tsb", "--name", "tsb"], .tsb),
      ]
      for (program, arguments, _) in runs {
        var launch = Launch(
          "/usr/bin/python3",
          [Self.folder.appendingPathComponent(program).path, "\(folder)/data.csv", "\(folder)/registry"] + arguments)
        launch.environment["PYTHONDONTWRITEBYTECODE"] = "1"
        try await ChildProcess.runOrThrow(launch, atMost: .seconds(600))
      }
      let registry = ModelRegistry(try FileStore(path: "\(folder)/registry"))
      let rows = try await registry.listing(isVerifying: true)
      #expect(rows.count == runs.count)
      for row in rows { #expect(row.problem == nil, "\(row.name)") }
      for (_, arguments, kind) in runs {
        let model = try await registry.load(try #require(arguments.last), requirement: ModelRequirement(kinds: [kind]))
        let manifest = model.manifest
        #expect(manifest.probes.count == 2 && manifest.quantiles == [0.1, 0.5, 0.9])
        #expect(manifest.residuals?.count == 3 && manifest.calibration.map { $0.windows > 0 } == true)
        let values = (0..<manifest.history).map { 80 + Double($0 % 7) }
        let times = values.indices.compactMap {
          Timestamp(microseconds: 1_760_000_000_000_000 + Int64($0) * 86_400_000_000)
        }
        let input = ModelInput(values: values, times: times, drivers: manifest.drivers.map { _ in values }, seed: 5)
        let forecast = try #require(try model.predict([input])[0].forecast, "\(manifest.name)")
        #expect(forecast.steps.count == 3 && forecast.steps.allSatisfy { $0.quantiles.count == 3 })
      }
    }
  }
}
