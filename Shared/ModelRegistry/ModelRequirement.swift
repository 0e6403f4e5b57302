import Core
import Forecasting

/// What a worker can run; any other model is refused before its weights are read.
package struct ModelRequirement: Sendable {
  /// nil: any.
  package var kinds: Set<ModelKind>?
  /// `price` or `demand`; nil: either.
  package var seriesKind: String?
  /// Most observations that the worker keeps of a series.
  package var history: Int?
  /// Routing keys of the available drivers; nil: any.
  package var drivers: Set<String>?

  package init(
    kinds: Set<ModelKind>? = nil, seriesKind: String? = nil, history: Int? = nil, drivers: Set<String>? = nil
  ) {
    self.kinds = kinds
    self.seriesKind = seriesKind
    self.history = history
    self.drivers = drivers
  }

  /// - Throws: `ForecastError` of kind `.unsupported` that says what does not match.
  package func check(_ manifest: ModelManifest) throws(ForecastError) {
    let label = "\(manifest.name) \(manifest.version)"
    if let kinds, !kinds.contains(manifest.kind) {
      let wanted = kinds.map(\.rawValue).sorted().joined(separator: ", ")
      throw ForecastError(.unsupported, "\(label) is a model of kind \(manifest.kind.rawValue), not \(wanted)")
    }
    if let seriesKind, seriesKind != manifest.seriesKind {
      throw ForecastError(.unsupported, "\(label) is for \(manifest.seriesKind), not \(seriesKind)")
    }
    if let history, manifest.history > history {
      throw ForecastError(
        .unsupported, "\(label) needs \(manifest.history) observations of a series; at most \(history) are kept")
    }
    if let drivers, let missing = manifest.drivers.first(where: { !drivers.contains($0.series) }) {
      throw ForecastError(.unsupported, "\(label) needs the driver \(missing.series), which is not available")
    }
  }
}
