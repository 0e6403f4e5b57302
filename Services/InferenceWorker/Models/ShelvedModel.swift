import Forecasting
import Runtime
import Schemas

/// A model in use, with what it says of itself compiled.
package struct ShelvedModel: Sendable {
  package let model: any ForecastModel
  package let kind: SeriesKind
  package let pattern: RoutingPattern
  /// In the order of the model's inputs.
  package let drivers: [SeriesName]
  package let quantiles: [ExactDecimal]

  package var manifest: ModelManifest { model.manifest }

  /// - Parameter windowLimit: how many observations of a series are remembered.
  /// - Throws: `ForecastError` that says why this worker cannot use it.
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
          .badManifest, "\(name): driver \(driver.name) is no series of category energy: \(driver.series)")
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
