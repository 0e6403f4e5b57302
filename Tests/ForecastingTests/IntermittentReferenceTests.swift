@testable import Forecasting
import Foundation
import LocalServers
import Testing
import TestSupport

/// Croston, SBA and TSB against statsforecast, run by the test, on made-up intermittent demand.
@Suite struct IntermittentReferenceTests {
  private struct Case: Codable {
    var values: [Double]
    var size: Double
    var interval: Double
  }

  private struct Answer: Codable {
    var croston_at_a_tenth: Double
    var sba_at_a_tenth: Double
    var croston: Double
    var tsb: Double
  }

  @Test(.timeLimit(.minutes(15))) func agreesWithStatsforecast() async throws {
    var random = TestRandom("intermittent")
    var cases: [Case] = []
    for index in 0..<200 {
      let probability = Double.random(in: 0.05...1, using: &random)
      var values = (0..<Int.random(in: 5...150, using: &random)).map { _ in
        Double.random(in: 0..<1, using: &random) < probability ? Double(Int.random(in: 1...500, using: &random)) : 0
      }
      // Demand is not always counted in whole pieces, and once is enough.
      if index % 3 == 0 { values = values.map { $0 * 0.37 } }
      if !values.contains(where: { $0 > 0 }) { values[values.count / 2] = 4 }
      cases.append(Case(
        values: values, size: Double.random(in: 0.01...1, using: &random),
        interval: Double.random(in: 0.01...1, using: &random)))
    }
    let answers = try await withTemporaryDirectory { folder -> [Answer] in
      try JSONEncoder().encode(cases).write(to: URL(fileURLWithPath: "\(folder)/cases"))
      try await Reference.run(
        "intermittent.py", ["\(folder)/cases", "\(folder)/answers"], python: Reference.environmentPython())
      return try JSONDecoder().decode([Answer].self, from: Data(contentsOf: URL(fileURLWithPath: "\(folder)/answers")))
    }
    #expect(answers.count == cases.count)
    for (one, answer) in zip(cases, answers) {
      let tenth = Smoothing(size: 0.1, interval: 0.1)
      let given = Smoothing(size: one.size, interval: one.interval)
      try expectEqual(forecast(.croston, one.values, tenth), answer.croston_at_a_tenth)
      try expectEqual(forecast(.sba, one.values, tenth), answer.sba_at_a_tenth)
      try expectEqual(forecast(.croston, one.values, given), answer.croston)
      try expectEqual(forecast(.sba, one.values, given), answer.croston * (1 - one.interval / 2))
      try expectEqual(forecast(.tsb, one.values, given), answer.tsb)
    }
  }

  private func expectEqual(_ ours: Double, _ theirs: Double) throws {
    #expect(Reference.relativeDifference([ours], [theirs]) < 1e-9)
  }

  private func forecast(_ kind: ModelKind, _ values: [Double], _ smoothing: Smoothing) throws -> Double {
    let model = try ModelLoader.load(
      Samples.manifest(kind, history: values.count, smoothing: smoothing), weights: nil)
    let output = try model.predict([Samples.input(values)])
    let forecast = try #require(output.first?.forecast)
    #expect(Set(forecast.steps.map(\.mean)).count == 1, "all periods are expected to be alike")
    return forecast.steps[0].mean
  }

  @Test func noDemandGivesNoForecast() throws {
    for kind in [ModelKind.croston, .sba, .tsb] {
      let model = try ModelLoader.load(
        Samples.manifest(kind, history: 4, smoothing: Smoothing(size: 0.1, interval: 0.1)), weights: nil)
      let outputs = try model.predict([
        Samples.input([5, 0, 0, 0, 0]), Samples.input([1, 0, 2]), Samples.input([1, 0, .nan, 2]),
        Samples.input([1, 0, -1, 2]), Samples.input([.nan, 1, 0, 1, 2]),
      ])
      #expect(outputs[0] == .withheld(.noDemand))
      #expect(outputs[1] == .withheld(.tooFewObservations))
      #expect(outputs[2] == .withheld(.missingValue))
      #expect(outputs[3] == .withheld(.negativeDemand))
      #expect(outputs[4].forecast != nil, "what is older than the history is not looked at")
    }
  }

  /// Residuals are in means of the input's demand, and demand is never below zero.
  @Test func residualsMakeQuantiles() throws {
    var manifest = Samples.manifest(.croston, history: 4, smoothing: Smoothing(size: 0.5, interval: 0.5))
    manifest.quantiles = [0.1, 0.9]
    manifest.scaling = .windowMean
    manifest.residuals = [[-3, 0.5], [-0.25, 1]]
    let output = try ModelLoader.load(manifest, weights: nil).predict([Samples.input([4, 0, 8, 0])])
    // Sizes 4, 8: 6. Intervals 1, 2: 1.5. The mean of the history is 3.
    let steps = try #require(output[0].forecast).steps
    #expect(Reference.difference(steps.flatMap { [$0.mean] + $0.quantiles }, [4, 0, 5.5, 4, 3.25, 7]) < 1e-12)
    // A material with residuals of its own; any other has the common ones.
    manifest.groupResiduals = ["wire": [[-1, 1], [-1, 2]]]
    let model = try ModelLoader.load(manifest, weights: nil)
    for (group, expected) in [("wire", [4.0, 1, 7, 4, 1, 10]), ("rod", [4, 0, 5.5, 4, 3.25, 7])] {
      var input = Samples.input([4, 0, 8, 0])
      input.group = group
      let steps = try #require(try model.predict([input])[0].forecast).steps
      #expect(Reference.difference(steps.flatMap { [$0.mean] + $0.quantiles }, expected) < 1e-12, "\(group)")
    }
  }
}
