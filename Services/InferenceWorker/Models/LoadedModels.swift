import Core
import Forecasting
import Routing
import Synchronization
import Values

/// A model in use, with its manifest's patterns parsed.
package struct LoadedModel: Sendable {
  package let model: any ForecastModel
  package let kind: SeriesKind
  package let pattern: RoutingPattern
  /// In the order of the model's inputs.
  package let drivers: [SeriesName]
  package let quantiles: [ExactDecimal]

  package var manifest: ModelManifest { model.manifest }

  /// - Parameter windowLimit: observations remembered per series.
  /// - Throws: `ForecastError` with the reason why this worker cannot use it.
  package init(_ model: any ForecastModel, windowLimit: Int) throws(ForecastError) {
    let manifest = model.manifest
    let name = "\(manifest.name) \(manifest.version)"
    guard manifest.history * 2 <= windowLimit else {
      throw ForecastError(
        .unsupported, "\(name) looks at \(manifest.history) observations; it needs --window \(manifest.history * 2)")
    }
    guard let kind = SeriesKind(rawValue: manifest.seriesKind) else {
      throw ForecastError(.badManifest, "\(name): series_kind is neither price nor demand")
    }
    do {
      pattern = try RoutingPattern(manifest.series)
    } catch {
      throw ForecastError(.badManifest, "\(name): series: \(error)")
    }
    var drivers: [SeriesName] = []
    for driver in manifest.drivers {
      guard let series = RoutingKey(driver.series), series.category == .energy else {
        throw ForecastError(
          .badManifest, "\(name): driver \(driver.name) is not a series of category energy: \(driver.series)")
      }
      drivers.append(SeriesName(series, .price))
    }
    self.model = model
    self.kind = kind
    self.drivers = drivers
    quantiles = manifest.quantiles.compactMap { ExactDecimal(rounding: $0) }
  }

  func applies(to name: SeriesName) -> Bool { kind == name.kind && pattern.matches(name.series) }
}

/// The models in use. A flush reads them once, so a new version takes effect between two flushes.
package final class LoadedModels: Sendable {
  private let models = Mutex<[LoadedModel]>([])

  package init(_ models: [LoadedModel] = []) { self.models.withLock { $0 = models } }

  /// Sorted by name, the order of the predictions for one observation.
  package var current: [LoadedModel] { models.withLock { $0 } }

  /// Adds a model, or replaces its version.
  package func put(_ model: LoadedModel) {
    models.withLock { models in
      models.removeAll { $0.manifest.name == model.manifest.name }
      models.append(model)
      models.sort { $0.manifest.name < $1.manifest.name }
    }
  }
}
