import Foundation
@testable import Forecasting
import TestSupport
import Testing

/// LSTM and DeepAR with random weights, against PyTorch run by the test, on windows of real bars and made-up series.
@Suite struct NetworkReferenceTests {
  private struct Expected: Decodable {
    var lstm: [LSTMCase]
    var deepar: [DeepARCase]
  }

  private struct LSTMCase: Decodable {
    var model: String
    var inputs: [Reference.Input]
    var means: [[Double]]
    var quantiles: [[[Double]]]
  }

  private struct DeepARCase: Decodable {
    var model: String
    var head: String
    var inputs: [Reference.Input]
    var path: [[Double]]
    /// By input, step, parameter.
    var parameters: [[[Double]]]
    var samples: Int
    /// By input, quantile: bounds of the first step's quantiles.
    var lower: [[Double]]
    var upper: [[Double]]
    var sampled: Int
    var sampled_means: [[Double]]
    var deviations: [[Double]]
  }

  @Test(.timeLimit(.minutes(15))) func agreesWithPyTorch() async throws {
    try await withTemporaryDirectory { folder in
      try await Reference.run("networks.py", [folder] + (Reference.bars.map { [$0] } ?? []))
      let expected = try Reference.expected(Expected.self, in: folder)
      #expect(expected.lstm.count == 5 && expected.deepar.count == 4)
      for one in expected.lstm { try compare(one, in: folder) }
      for one in expected.deepar {
        let model = try #require(try Reference.model(one.model, in: folder) as? DeepARModel)
        try compareDistributions(one, model)
        try compareSamples(one, model)
        try residualsMoveQuantiles(one, model, in: folder)
        // Few paths: what is seen here does not depend on how many, and a debug build is slow.
        let small = try Reference.model(one.model, in: folder) { $0.network?.samples = 16 }
        try batchesDoNotMatter(one.inputs.map(\.model), small)
      }
      for one in expected.lstm {
        try batchesDoNotMatter(one.inputs.map(\.model), Reference.model(one.model, in: folder))
      }
    }
  }

  private func compare(_ one: LSTMCase, in folder: String) throws {
    let outputs = try Reference.model(one.model, in: folder).predict(one.inputs.map(\.model))
    #expect(outputs.count == one.inputs.count && one.inputs.count == 40)
    for (index, output) in outputs.enumerated() {
      let steps = try #require(output.forecast, "\(one.model) \(index): \(output)").steps
      let means = Reference.relativeDifference(steps.map(\.mean), one.means[index])
      #expect(means < 1e-5, "\(one.model), input \(index)")
      for (step, expected) in zip(steps, one.quantiles[index]) {
        let quantiles = Reference.relativeDifference(step.quantiles, expected)
        #expect(quantiles < 1e-5, "\(one.model), input \(index)")
      }
    }
  }

  /// Along the path that came, the parameters of every step are PyTorch's.
  private func compareDistributions(_ one: DeepARCase, _ model: DeepARModel) throws {
    for (index, input) in one.inputs.enumerated() {
      let distributions = try model.distributions(input.model, along: one.path[index]).get()
      let ours = distributions.map { distribution -> [Double] in
        switch distribution {
        case .gaussian(let mean, let deviation): [mean, deviation]
        case .studentT(let location, let scale, let freedom): [location, scale, freedom]
        case .negativeBinomial(let mean, let dispersion): [mean, dispersion]
        }
      }
      let difference = Reference.relativeDifference(ours.flatMap { $0 }, one.parameters[index].flatMap { $0 })
      #expect(difference < 1e-5, "\(one.model), input \(index)")
    }
  }

  /// Quantiles of the first step lie within five standard errors of the exact ones; means of the later steps, which
  /// depend on what was sampled before, within six of those that PyTorch and SciPy sampled. The seeds are fixed.
  private func compareSamples(_ one: DeepARCase, _ model: DeepARModel) throws {
    let outputs = try model.predict(one.inputs.map(\.model))
    for (index, output) in outputs.enumerated() {
      let steps = try #require(output.forecast, "\(one.model) \(index): \(output)").steps
      for (place, quantile) in steps[0].quantiles.enumerated() {
        let bounds = (one.lower[index][place], one.upper[index][place])
        #expect(quantile >= bounds.0 && quantile <= bounds.1, "\(one.model) \(index), quantile \(place): \(bounds)")
      }
      for (step, ours) in steps.enumerated() {
        let error = one.deviations[index][step] * (1 / Double(one.samples) + 1 / Double(one.sampled)).squareRoot()
        let difference = abs(ours.mean - one.sampled_means[index][step])
        #expect(difference < 6 * error, "\(one.model) \(index), step \(step + 1): \(ours.mean)")
        #expect(zip(ours.quantiles, ours.quantiles.dropFirst()).allSatisfy { $0 <= $1 })
      }
    }
  }

  /// What was measured is added to the sampled quantiles, in units of the window's scale.
  private func residualsMoveQuantiles(_ one: DeepARCase, _ model: DeepARModel, in folder: String) throws {
    let rows = model.manifest.quantiles.indices.map { 0.3 * Double($0) - 0.5 }
    let measured = try Reference.model(one.model, in: folder) {
      $0.residuals = Array(repeating: rows, count: $0.horizon)
    }
    let inputs = one.inputs.prefix(5).map(\.model)
    let floor = model.manifest.seriesKind == "demand" ? 0 : -Double.infinity
    for (input, (before, after)) in zip(inputs, zip(try model.predict(inputs), try measured.predict(inputs))) {
      let values = input.values.suffix(model.manifest.history)
      let mean = values.reduce(0, +) / Double(values.count)
      let scale = model.manifest.scaling == .windowMean
        ? mean : (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
      for (own, step) in zip(try #require(before.forecast).steps, try #require(after.forecast).steps) {
        let expected = zip(own.quantiles, rows).map { max($0 + scale * $1, floor) }.sorted()
        #expect(Reference.relativeDifference(step.quantiles, expected) < 1e-9, "\(one.model)")
        #expect(step.mean == own.mean)
      }
    }
  }

  /// To the last bit: alone, in a batch of any size, at any place of it.
  private func batchesDoNotMatter(_ inputs: [ModelInput], _ model: any ForecastModel) throws {
    let inputs = Array(inputs.prefix(20))
    let whole = try model.predict(inputs)
    #expect(try model.predict(inputs.reversed()) == whole.reversed())
    for index in 0..<3 {
      #expect(try model.predict([inputs[index]]) == [whole[index]], "\(model.manifest.name), alone")
    }
    for size in [7, 17] {
      let parts = try stride(from: 0, to: inputs.count, by: size).flatMap {
        try model.predict(Array(inputs[$0..<min(inputs.count, $0 + size)]))
      }
      #expect(parts == whole, "\(model.manifest.name) in parts of \(size)")
    }
    let many = Array(repeatElement(inputs, count: 7).joined())
    let outputs = try model.predict(many)
    #expect(outputs.enumerated().allSatisfy { $1 == whole[$0 % inputs.count] }, "\(model.manifest.name), many at once")
  }
}
