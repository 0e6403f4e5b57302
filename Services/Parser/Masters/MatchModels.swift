import Core
import Forecasting
import Logging
import Masters
import ModelRegistry
import ObjectStore
import Synchronization

/// The model that decides which products rows are, as the registry has it. A file is read with one model to its end;
/// a version that must not be used is refused once, with its reason, and the old one stays.
package final class MatchModels: Sendable {
  private let registry: ModelRegistry
  private let name: String
  private let logger: Logger
  private let state = Mutex<MatchModel?>(nil)
  private let refused = Mutex<String?>(nil)

  /// nil before `load`.
  package var current: MatchModel? { state.withLock { $0 } }

  package init(_ registry: ModelRegistry, name: String, logger: Logger) {
    (self.registry, self.name, self.logger) = (registry, name, logger)
  }

  /// Loads the current version.
  /// - Returns: its name.
  /// - Throws: `Failure` of code `model_not_found`; `ForecastError`; what the store throws.
  package func load() async throws -> String {
    guard let version = try await registry.currentVersion(of: name) else {
      throw Failure(
        .configuration, code: "model_not_found",
        "there is no model '\(name)' at \(registry.store.location)/\(ModelRegistry.root); train one and publish it "
          + "there")
    }
    let model = try await Self.load(version, of: name, from: registry)
    state.withLock { $0 = model }
    return version
  }

  private static func load(
    _ version: String, of name: String, from registry: ModelRegistry
  ) async throws -> MatchModel {
    let model = try MatchModel(try await registry.file("model.json", of: name, version: version))
    guard model.version == version else {
      throw ForecastError(.badManifest, "the model in \(name)/\(version) says that it is \(model.version)")
    }
    return model
  }

  /// Looks for another version until cancelled.
  /// - Parameter interval: between two looks; each is up to a tenth longer, so that replicas do not ask all at once.
  package func run(every interval: Duration) async {
    while !Task.isCancelled {
      try? await Task.sleep(for: interval + interval * Double.random(in: 0...0.1))
      guard !Task.isCancelled else { return }
      await look()
    }
  }

  package func look() async {
    do {
      let old = current?.version
      guard let version = try await registry.currentVersion(of: name), version != old,
        version != refused.withLock({ $0 }) else { return }
      do {
        let model = try await Self.load(version, of: name, from: registry)
        state.withLock { $0 = model }
        logger.info("model replaced", metadata: [
          "model": "\(name)", "old": "\(old ?? "none")", "version": "\(version)",
        ])
      } catch let error as ForecastError {
        refused.withLock { $0 = version }
        logger.error("model refused, the old one stays", metadata: [
          "model": "\(name)", "version": "\(version)", "reason": "\(error)",
        ])
      }
    } catch {
      logger.warning("model registry not readable", metadata: ["model": "\(name)", "reason": "\(error)"])
    }
  }
}
