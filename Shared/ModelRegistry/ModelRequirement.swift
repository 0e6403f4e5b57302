import Forecasting
import Runtime

/// What a user of models can work with; a model that is something else is refused before its weights are read.
package struct ModelRequirement: Sendable {
  /// nil: any.
  package var kinds: Set<ModelKind>?
  /// `price` or `demand`; nil: either.
  package var seriesKind: String?
  /// The most observations that can be kept for it.
  package var history: Int?
  /// Routing keys of the drivers that are at hand; nil: any.
  package var drivers: Set<String>?

  package init(
    kinds: Set<ModelKind>? = nil, seriesKind: String? = nil, history: Int? = nil, drivers: Set<String>? = nil
  ) {
    self.kinds = kinds
    self.seriesKind = seriesKind
    self.history = history
    self.drivers = drivers
  }

  /// - Throws: `ForecastError` of kind `.unsupported` that says what does not fit.
  package func check(_ manifest: ModelManifest) throws(ForecastError) {
    let label = "\(manifest.name) \(manifest.version)"
    if let kinds, !kinds.contains(manifest.kind) {
      let wanted = kinds.map(\.rawValue).sorted().joined(separator: ", ")
      throw ForecastError(.unsupported, "\(label) is a model of kind \(manifest.kind.rawValue); wanted is \(wanted)")
    }
    if let seriesKind, seriesKind != manifest.seriesKind {
      throw ForecastError(.unsupported, "\(label) is for \(manifest.seriesKind), wanted is \(seriesKind)")
    }
    if let history, manifest.history > history {
      throw ForecastError(
        .unsupported, "\(label) needs \(manifest.history) observations of a series; at most \(history) are kept")
    }
    if let drivers, let missing = manifest.drivers.first(where: { !drivers.contains($0.series) }) {
      throw ForecastError(.unsupported, "\(label) looks at \(missing.series), which is not at hand")
    }
  }
}
