import Core
import Logging
import ObjectStore
import Synchronization

/// A model that is one file of the registry and says its version itself; a new version is taken up while it is used.
package final class WatchedModel<Model: Sendable>: Sendable {
  private let registry: ModelRegistry
  private let name: String
  private let interval: Duration
  private let logger: Logger
  private let version: @Sendable (Model) -> String
  private let read: @Sendable ([UInt8]) throws -> Model
  private let watcher = Mutex<ModelWatcher<Model>?>(nil)

  /// In the folder of a version.
  package static var file: String { "model.json" }

  /// nil before `load`.
  package var current: Model? { watcher.withLock { $0 }?.current.model }

  /// - Parameters:
  ///   - interval: between two looks for another version.
  ///   - read: the file; throws what is wrong with it.
  package init(
    _ registry: ModelRegistry, name: String, interval: Duration = .seconds(30), logger: Logger,
    version: @escaping @Sendable (Model) -> String, read: @escaping @Sendable ([UInt8]) throws -> Model
  ) {
    (self.registry, self.name, self.interval, self.logger) = (registry, name, interval, logger)
    (self.version, self.read) = (version, read)
  }

  /// Loads the current version.
  /// - Returns: its name.
  /// - Throws: `Failure` of code `model_not_found`; what `read` throws; what the store throws.
  package func load() async throws -> String {
    let new = try await ModelWatcher(
      registry, name: name, interval: interval, logger: logger, version: version
    ) { [registry, name, read, version] wanted in
      let wanted = try await registry.version(wanted, of: name)
      let model = try read(try await registry.file(Self.file, of: name, version: wanted))
      guard version(model) == wanted else {
        throw Failure(
          .configuration, code: "bad_manifest", "the model in \(name)/\(wanted) says that it is \(version(model))")
      }
      return model
    }
    watcher.withLock { $0 = new }
    return version(new.current.model)
  }

  /// Looks for another version until cancelled.
  package func run() async { await watcher.withLock { $0 }?.run() }

  package func look() async { await watcher.withLock { $0 }?.check() }
}

extension ModelRegistry {
  /// Publishes a version of such a model and makes it current: the file first.
  /// - Throws: what the store throws.
  package func publish(file bytes: [UInt8], of name: String, version: String, file: String) async throws {
    _ = try await store.put(
      ObjectBody(bytes), at: try ObjectKey("\(Self.root)/\(name)/\(version)/\(file)"), contentType: "application/json")
    try await makeCurrent(name, version: version)
  }
}
