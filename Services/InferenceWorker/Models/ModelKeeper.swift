import Forecasting
import Logging
import ModelRegistry
import Runtime
import ServiceKit
import Synchronization

/// Keeps the shelf as the registry has it: waits for the first models, then looks for new versions and new models.
///
/// A version that cannot be used is refused with its reason, and the one before stays on the shelf.
final class ModelKeeper: Sendable {
  private let registry: ModelRegistry
  /// The models to use; empty for all that fit.
  private let names: [String]
  private let kind: WorkerKind
  private let window: Int
  private let interval: Duration
  private let logger: Logger
  private let metrics = WorkerMetrics()
  let shelf: ModelShelf
  private let watchers = Mutex<[String: ModelWatcher]>([:])
  /// What was said of models that could not be loaded, so that it is said once.
  private let complaints = Mutex<[String: String]>([:])

  /// - Parameters:
  ///   - window: observations remembered of a series.
  ///   - interval: between two looks.
  init(
    _ registry: ModelRegistry, names: [String], kind: WorkerKind, window: Int, interval: Duration,
    shelf: ModelShelf = ModelShelf(), logger: Logger
  ) {
    self.registry = registry
    self.names = names
    self.kind = kind
    self.window = window
    self.interval = interval
    self.shelf = shelf
    self.logger = logger
  }

  static func requirement(_ kind: WorkerKind, window: Int) -> ModelRequirement {
    ModelRequirement(kinds: kind.models, history: window / 2)
  }

  /// Waits until every model that was asked for is there, or one where all that fit are wanted.
  /// - Returns: false when it was asked to drain first.
  /// - Throws: a `ClassifiedError` of class `configuration` about the store.
  func waitForModels(_ backoff: Backoff, in context: ServiceContext) async throws -> Bool {
    let found: Void? = try await context.wait(for: "models", context.health.readiness("models"), backoff) {
      if let missing = try await loadNew() { throw Failure(.transient, code: "model_missing", missing) }
    }
    return found != nil
  }

  /// Looks until drained.
  func run(until drain: Interruption) async {
    while await !drain.sleep(for: interval + interval * Double.random(in: 0...0.1)) {
      for (_, watcher) in watchers.withLock({ $0 }).sorted(by: { $0.key < $1.key }) { await watcher.look() }
      do {
        if names.isEmpty { _ = try await loadNew() }
      } catch {
        logger.warning("model registry not readable", metadata: ["reason": "\(error)"])
      }
    }
  }

  /// Loads models that are not on the shelf yet.
  /// - Returns: what is missing still.
  /// - Throws: what the store throws.
  private func loadNew() async throws -> String? {
    var problem: String?
    let known = Set(watchers.withLock { Array($0.keys) })
    for name in names.isEmpty ? try await registry.names() : names where !known.contains(name) {
      do {
        try await load(name)
        complaints.withLock { $0[name] = nil }
      } catch let error as ForecastError {
        problem = error.description
        complain(of: name, error)
      } catch let error as Failure where error.code == "model_not_found" {
        problem = error.description
      }
    }
    let found = watchers.withLock { $0.count }
    if names.isEmpty { return found > 0 ? nil : problem ?? "the registry has no model for \(kind.rawValue)" }
    return found == Set(names).count ? nil : problem
  }

  private func load(_ name: String) async throws {
    let watcher = try await ModelWatcher(
      registry, name: name, requirement: Self.requirement(kind, window: window), interval: interval, logger: logger
    ) { [weak self] look in self?.looked(at: name, look) }
    try put(watcher.slot.model)
    watchers.withLock { $0[name] = watcher }
  }

  private func put(_ model: any ForecastModel) throws(ForecastError) {
    let new = try ShelvedModel(model, windowLimit: window)
    for old in shelf.current where old.manifest.name == new.manifest.name { metrics.uses(old.manifest, false) }
    shelf.put(new)
    metrics.uses(new.manifest, true)
    logger.info(
      "model in use", metadata: ["model": "\(new.manifest.name)", "version": "\(new.manifest.version)",
        "kind": "\(new.manifest.kind.rawValue)", "series": "\(new.manifest.series)"])
  }

  private func looked(at name: String, _ look: ModelWatcher.Look) {
    switch look {
    case .unchanged, .unreachable: break
    case .refused: metrics.refused("registry")
    case .replaced:
      guard let model = watchers.withLock({ $0[name] })?.slot.model else { return }
      do { try put(model) } catch {
        metrics.refused(error.code)
        logger.error("model refused, the old one stays", metadata: ["model": "\(name)", "reason": "\(error)"])
      }
    }
  }

  /// Models of other kinds are other workers' business.
  private func complain(of name: String, _ error: ForecastError) {
    let text = error.description
    let isNew = complaints.withLock { complaints in
      defer { complaints[name] = text }
      return complaints[name] != text
    }
    guard isNew else { return }
    let isOthers = names.isEmpty && error.kind == .unsupported
    if !isOthers { metrics.refused(error.code) }
    logger.log(level: isOthers ? .debug : .error, "model not used", metadata: ["model": "\(name)", "reason": "\(text)"])
  }
}
