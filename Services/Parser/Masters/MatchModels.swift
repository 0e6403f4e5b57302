import Logging
import Masters
import ModelRegistry

/// The model that decides which products rows are, as the registry has it. A file is read with one model to its end.
package typealias MatchModels = WatchedModel<MatchModel>

extension WatchedModel where Model == MatchModel {
  /// - Parameter interval: between two looks for another version.
  package convenience init(
    _ registry: ModelRegistry, name: String, interval: Duration = .seconds(30), logger: Logger
  ) {
    self.init(registry, name: name, interval: interval, logger: logger, version: { $0.version }) { try MatchModel($0) }
  }
}
