import Core

/// Boosted trees: a row of features per step, all steps of all inputs in one call.
package struct XGBoostModel: ForecastModel {
  package let manifest: ModelManifest
  private let booster: Booster
  private let features: FeatureSet
  private let rule: OutputTransform

  /// - Throws: `ForecastError` that says how manifest and trees disagree.
  init(_ manifest: ModelManifest, weights: [UInt8], threads: Int) throws(ForecastError) {
    features = try FeatureSet(manifest)
    booster = try Booster(weights, threads: threads)
    guard booster.features == features.count else {
      throw ForecastError(
        .badWeights, "the trees need \(booster.features) features, the manifest lists \(features.count)")
    }
    self.manifest = manifest
    rule = OutputTransform(manifest)
  }

  package func predict(_ inputs: [ModelInput]) throws(ForecastError) -> [ModelOutput] {
    let horizon = manifest.horizon
    var outputs = [ModelOutput](repeating: .withheld(.resultNotFinite), count: inputs.count)
    var kept: [PreparedInput.Kept] = []
    var matrix = [Float](repeating: 0, count: inputs.count * horizon * features.count)
    for one in PreparedInput.fit(inputs, to: manifest, &outputs) {
      if let reason = fill(&matrix, row: kept.count * horizon, of: one.input) {
        outputs[one.index] = .withheld(reason)
      } else {
        kept.append(one)
      }
    }
    let rows = kept.count * horizon
    matrix.removeLast(matrix.count - rows * features.count)
    let numbers = try booster.predict(matrix, rows: rows)
    for (place, one) in kept.enumerated() {
      outputs[one.index] = OutputTransform.output((0..<horizon).map { step in
        rule.step(step, mean: Double(numbers[place * horizon + step]), one.input)
      })
    }
    return outputs
  }

  private func fill(_ matrix: inout [Float], row: Int, of input: PreparedInput) -> WithheldReason? {
    matrix.withUnsafeMutableBufferPointer { matrix in
      guard let start = matrix.baseAddress else { return .resultNotFinite }
      let first = start + row * features.count
      if let reason = features.fill(first, of: input, at: input.count, timePlace: input.count, step: 1) {
        return reason
      }
      for step in 1..<manifest.horizon {
        features.refill(
          first + step * features.count, from: first, of: input, at: input.count, timePlace: input.count + step,
          step: step + 1)
      }
      return nil
    }
  }
}
