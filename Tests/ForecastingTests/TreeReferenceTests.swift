import Core
@testable import Forecasting
import Foundation
import Testing
import TestSupport

/// Boosted trees trained by the xgboost package in the test, against that package's own answers.
@Suite struct TreeReferenceTests {
  private struct Case: Decodable {
    var model: String
    var inputs: [Reference.Input]
    var means: [[Double]]
    var quantiles: [[[Double]]]
  }

  @Test(.timeLimit(.minutes(15))) func agreesWithXGBoost() async throws {
    try await withTemporaryDirectory { folder in
      try await Reference.run("trees.py", [folder] + (Reference.bars.map { [$0] } ?? []))
      let cases = try Reference.expected([Case].self, in: folder)
      #expect(cases.count == 4)
      for one in cases {
        let model = try Reference.model(one.model, in: folder)
        let inputs = one.inputs.map(\.model)
        let outputs = try model.predict(inputs)
        #expect(outputs.count >= 300)
        for (index, output) in outputs.enumerated() {
          let steps = try #require(output.forecast, "\(one.model) \(index): \(output)").steps
          let means = Reference.difference(steps.map(\.mean), one.means[index])
          #expect(means < 1e-5, "\(one.model), input \(index)")
          let quantiles = Reference.difference(steps.flatMap(\.quantiles), one.quantiles[index].flatMap { $0 })
          #expect(quantiles < 1e-5, "\(one.model), input \(index)")
        }
        #expect(try inputs.flatMap { try model.predict([$0]) } == outputs)
        try await severalThreadsAgree(model, inputs, outputs)
      }
      // Weighted trees and counts are walked by the library alone.
      for (file, isFlat) in [
        ("trees-oil/1/model.ubj", true), ("trees-json/1/model.json", true), ("trees-standard/1/model.ubj", false),
        ("trees-counts/1/model.json", false),
      ] {
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/models/\(file)")))
        #expect((try Booster(bytes, threads: 1).flat != nil) == isFlat, "\(file)")
      }
      try refusals(folder)
    }
  }

  private func severalThreadsAgree(
    _ model: any ForecastModel, _ inputs: [ModelInput], _ outputs: [ModelOutput]
  ) async throws {
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for size in [1, 7, 64, 256] {
        group.addTask {
          for start in stride(from: 0, to: inputs.count, by: size) {
            let range = start..<min(inputs.count, start + size)
            guard try model.predict(Array(inputs[range])) == Array(outputs[range]) else { return false }
          }
          return true
        }
      }
      for try await agree in group { #expect(agree, "\(model.manifest.name)") }
    }
  }

  /// Damaged trees and trees of other features are refused with a reason, and nothing crashes.
  private func refusals(_ folder: String) throws {
    for (name, file) in [("trees-oil", "model.ubj"), ("trees-json", "model.json")] {
      let good = try Reference.model(name, in: folder).manifest
      let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/models/\(name)/1/\(file)")))
      var damaged: [[UInt8]] = [
        [], [0x7b], Array("{}".utf8), Array("{\"learner\":{}}".utf8), Array("binf".utf8) + bytes,
      ]
      damaged += stride(from: 1, to: bytes.count, by: bytes.count / 23).map { Array(bytes[..<$0]) }
      damaged.append([UInt8](repeating: 0x7b, count: 10_000))
      for bytes in damaged {
        let error = #expect(throws: ForecastError.self) { try ModelLoader.load(good, weights: bytes) }
        #expect(error?.kind == .badWeights && error?.errorClass == .configuration)
      }
      var other = good
      other.features.removeLast()
      let error = #expect(throws: ForecastError.self) { try ModelLoader.load(other, weights: bytes) }
      #expect(error?.message.contains("features") == true)
    }
  }
}
