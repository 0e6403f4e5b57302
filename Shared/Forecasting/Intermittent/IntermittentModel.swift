import Runtime

/// Croston's method, SBA or TSB, over the newest `history` periods of an input.
///
/// None of the three is the forecast of a stochastic model that demand can follow (L. Shenstone, R. J. Hyndman,
/// "Stochastic models underlying Croston's method for intermittent demand forecasting", Journal of Forecasting 24,
/// 2005), so there is no interval by formula. Quantiles come from the manifest's residuals, or there are none.
package struct IntermittentModel: ForecastModel {
  package let manifest: ModelManifest
  private let smoothing: Smoothing
  private let rule: OutputRule

  /// - Throws: `ForecastError` of kind `.badManifest`.
  init(_ manifest: ModelManifest) throws(ForecastError) {
    guard let smoothing = manifest.smoothing else {
      throw ForecastError(.badManifest, "smoothing: a \(manifest.kind.rawValue) model needs it")
    }
    self.manifest = manifest
    self.smoothing = smoothing
    rule = OutputRule(manifest)
  }

  package func predict(_ inputs: [ModelInput]) throws(ForecastError) -> [ModelOutput] {
    inputs.map { input in
      switch PreparedInput.make(input, for: manifest) {
      case .failure(let reason): return .withheld(reason)
      case .success(let prepared):
        let demand = IntermittentDemand(prepared.values, smoothing)
        guard demand.demands > 0 else { return .withheld(.noDemand) }
        let output = prepared.scale.scaled(demand.rate(manifest.kind, smoothing))
        return OutputRule.output((0..<manifest.horizon).map { rule.step($0, mean: output, prepared) })
      }
    }
  }
}
