import Core
@testable import Forecasting
@testable import InferenceWorkerService
import Synchronization

/// A model whose answers can be worked out by hand: the mean of its history, plus the newest value of each driver,
/// plus the number of the step; its quantiles lie one below and one above.
struct StubModel: ForecastModel {
  var manifest: ModelManifest
  /// Fails for every input with this newest value.
  var poison: Double?

  init(
    _ name: String = "stub", version: String = "1", series: String = "*.*.polymer.*", kind: String = "price",
    history: Int = 4, horizon: Int = 2, period: Int = 3_600, drivers: [String] = [], poison: Double? = nil
  ) {
    manifest = ModelManifest(
      name: name, version: version, kind: .xgboost, series: series, seriesKind: kind, features: ["lag.1"],
      drivers: drivers.enumerated().map { .init(name: "d\($0.offset)", series: $0.element) }, history: history,
      horizon: horizon, quantiles: [0.1, 0.9], period: period, trained: .init(from: "", to: ""), created: "")
    self.poison = poison
  }

  func predict(_ inputs: [ModelInput]) throws(ForecastError) -> [ModelOutput] {
    if let poison, inputs.contains(where: { $0.values.last == poison }) {
      throw ForecastError(.libraryFailed, "poisoned")
    }
    return inputs.map { input in
      let mean = input.values.reduce(0, +) / Double(input.values.count)
        + input.drivers.reduce(0) { $0 + ($1.last ?? .nan) }
      guard mean.isFinite else { return .withheld(.resultNotFinite) }
      return .forecast(Forecast(steps: (1...manifest.horizon).map { step in
        let mean = mean + Double(step)
        return .init(mean: mean, quantiles: [mean - 1, mean + 1])
      }))
    }
  }

  func loaded(window: Int = 64) throws -> LoadedModel { try LoadedModel(self, windowLimit: window) }
}
