import Core
import Forecasting
import Logging
import Masters
import ModelRegistry
import Synchronization

/// The model that decides which products rows are, as the registry has it. A file is read with one model to its end.
package final class MatchModels: Sendable {
  private let registry: ModelRegistry
  private let name: String
  private let interval: Duration
  private let logger: Logger
  private let watcher = Mutex<ModelWatcher<MatchModel>?>(nil)

  /// nil before `load`.
  package var current: MatchModel? { watcher.withLock { $0 }?.current.model }

  /// - Parameter interval: between two looks for another version.
  package init(_ registry: ModelRegistry, name: String, interval: Duration = .seconds(30), logger: Logger) {
    (self.registry, self.name, self.interval, self.logger) = (registry, name, interval, logger)
  }

  /// Loads the current version.
  /// - Returns: its name.
  /// - Throws: `Failure` of code `model_not_found`; `ForecastError`; what the store throws.
  package func load() async throws -> String {
    let new = try await ModelWatcher(
      registry, name: name, interval: interval, logger: logger, version: { $0.version }
    ) { [registry, name] version in
      let version = try await registry.version(version, of: name)
      let model = try MatchModel(try await registry.file("model.json", of: name, version: version))
      guard model.version == version else {
        throw ForecastError(.badManifest, "the model in \(name)/\(version) says that it is \(model.version)")
      }
      return model
    }
    watcher.withLock { $0 = new }
    return new.current.model.version
  }

  /// Looks for another version until cancelled.
  package func run() async { await watcher.withLock { $0 }?.run() }

  package func look() async { await watcher.withLock { $0 }?.check() }
}
