import Core
import Values

/// Builds a model from a manifest and its weights.
package enum ModelLoader {
  /// Checks the manifest and the weights against it, and runs the manifest's probes.
  ///
  /// - Parameters:
  ///   - weights: nil for a model without weights. The caller verifies their hash.
  ///   - threads: XGBoost threads per call. Networks run on the caller's thread alone.
  /// - Throws: `ForecastError` that says what is wrong.
  package static func load(
    _ manifest: ModelManifest, weights: [UInt8]?, threads: Int = 1
  ) throws(ForecastError) -> any ForecastModel {
    try manifest.check()
    let model: any ForecastModel
    if manifest.kind.isIntermittent {
      model = try IntermittentModel(manifest)
    } else {
      guard let weights else { throw ForecastError(.badWeights, "\(manifest.name) came without its weights") }
      switch manifest.kind {
      case .lstm: model = try LSTMModel(manifest, weights: NetworkWeights(weights))
      case .deepar: model = try DeepARModel(manifest, weights: NetworkWeights(weights))
      default: model = try XGBoostModel(manifest, weights: weights, threads: threads)
      }
    }
    try runProbes(of: model)
    return model
  }

  private static func runProbes(of model: any ForecastModel) throws(ForecastError) {
    let probes = model.manifest.probes
    guard !probes.isEmpty else { return }
    var inputs: [ModelInput] = []
    for probe in probes {
      let times = probe.times.compactMap { Timestamp($0) }
      guard times.count == probe.times.count else {
        throw ForecastError(.badManifest, "the manifest's probes: a time is not written as RFC 3339 says")
      }
      inputs.append(ModelInput(values: probe.values, times: times, drivers: probe.drivers, seed: probe.seed))
    }
    for (index, output) in try model.predict(inputs).enumerated() {
      try compare(output, with: probes[index], number: index + 1)
    }
  }

  private static func compare(
    _ output: ModelOutput, with probe: ModelManifest.Probe, number: Int
  ) throws(ForecastError) {
    switch output {
    case .withheld(let reason):
      throw ForecastError(.probeFailed, "probe \(number) has no forecast: \(reason.rawValue)")
    case .forecast(let forecast):
      guard !probe.means.isEmpty, forecast.steps.count >= probe.means.count else {
        throw ForecastError(
          .badManifest, "probe \(number) has \(probe.means.count) means, the forecast \(forecast.steps.count) steps")
      }
      for (step, (ours, expected)) in zip(forecast.steps, probe.means).enumerated() {
        guard abs(ours.mean - expected) <= probe.tolerance * max(1, abs(expected)) else {
          throw ForecastError(
            .probeFailed, "probe \(number), step \(step + 1): \(ours.mean) came out, \(expected) is expected")
        }
      }
    }
  }
}
