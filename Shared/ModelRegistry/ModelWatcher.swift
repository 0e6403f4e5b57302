import Core
import Forecasting
import Logging
import ObjectStore
import Synchronization

/// Polls the registry for another version of a model and switches to it.
///
/// A bad version is refused once, with the reason, and the old one stays; it is not tried again until the registry
/// names another. An unreachable store changes nothing: the next check follows anyway.
package actor ModelWatcher<Model: Sendable> {
  package nonisolated let current: CurrentModel<Model>
  private let registry: ModelRegistry
  private let name: String
  private let interval: Duration
  private let logger: Logger
  private let report: @Sendable (ModelCheck) -> Void
  private let version: @Sendable (Model) -> String
  private let load: @Sendable (_ version: String?) async throws -> Model
  private var refused: String?

  /// Loads the current version.
  ///
  /// - Parameters:
  ///   - interval: time between two checks, plus up to a tenth, so that replicas do not all ask at once.
  ///   - report: called after each check, for metrics.
  ///   - version: of a model that was loaded.
  ///   - load: reads a version of the model; nil for the current one.
  /// - Throws: as `load`, because a watcher needs a first model.
  package init(
    _ registry: ModelRegistry, name: String, interval: Duration = .seconds(30), logger: Logger,
    report: @escaping @Sendable (ModelCheck) -> Void = { _ in },
    version: @escaping @Sendable (Model) -> String,
    load: @escaping @Sendable (_ version: String?) async throws -> Model
  ) async throws {
    self.registry = registry
    self.name = name
    self.interval = interval
    self.logger = logger
    self.report = report
    self.version = version
    self.load = load
    current = CurrentModel(try await load(nil))
  }

  /// Checks until cancelled.
  package func run() async {
    while !Task.isCancelled {
      try? await Task.sleep(for: interval + interval * Double.random(in: 0...0.1))
      guard !Task.isCancelled else { return }
      await check()
    }
  }

  /// Checks once.
  @discardableResult
  package func check() async -> ModelCheck {
    let result = await outcome()
    switch result {
    case .unchanged: break
    case .replaced(let old, let new):
      logger.info("model replaced", metadata: ["model": "\(name)", "old": "\(old)", "version": "\(new)"])
    case .refused(let version, let reason):
      logger.error("model refused, the old one stays", metadata: [
        "model": "\(name)", "version": "\(version)", "reason": "\(reason)",
      ])
    case .unreachable(let reason):
      logger.warning("model registry not readable", metadata: ["model": "\(name)", "reason": "\(reason)"])
    }
    report(result)
    return result
  }

  private func outcome() async -> ModelCheck {
    let old = version(current.model)
    let found: String
    do {
      guard let current = try await registry.currentVersion(of: name) else {
        return .unreachable(reason: "there is no current version any more")
      }
      found = current
    } catch {
      return .unreachable(reason: "\(error)")
    }
    if found == old {
      refused = nil
      return .unchanged
    }
    if found == refused { return .unchanged }
    do {
      current.replace(with: try await load(found))
      refused = nil
      return .replaced(old: old, new: found)
    } catch {
      if error is CancellationError || ErrorClass(of: error) == .transient {
        return .unreachable(reason: "\(error)")
      }
      refused = found
      return .refused(version: found, reason: "\(error)")
    }
  }
}

/// What a look at the registry found.
package enum ModelCheck: Sendable, Hashable {
  case unchanged
  case replaced(old: String, new: String)
  /// The version is bad; the old one stays in use.
  case refused(version: String, reason: String)
  /// The store did not answer, or has lost the model.
  case unreachable(reason: String)
}

extension ModelWatcher where Model == any ForecastModel {
  /// Watches a forecasting model: loads as ``ModelRegistry/load(_:version:requirement:)``.
  package init(
    _ registry: ModelRegistry, name: String, requirement: ModelRequirement = ModelRequirement(),
    interval: Duration = .seconds(30), logger: Logger, report: @escaping @Sendable (ModelCheck) -> Void = { _ in }
  ) async throws {
    try await self.init(
      registry, name: name, interval: interval, logger: logger, report: report, version: { $0.manifest.version }
    ) { try await registry.load(name, version: $0, requirement: requirement) }
  }
}

/// The model in use. A caller keeps the model it has read, so that a replacement does not disturb a prediction in
/// progress.
package final class CurrentModel<Model: Sendable>: Sendable {
  private let state: Mutex<Model>

  package init(_ model: Model) { state = Mutex(model) }

  package var model: Model { state.withLock { $0 } }

  func replace(with model: Model) { state.withLock { $0 = model } }
}

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
