import Core
import Forecasting
import Logging
import ModelRegistry
import ObjectStore
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

/// Loads models from the registry: waits for the first ones, then polls for new versions and new models.
///
/// An unusable version is refused with its reason, and the one before stays in use.
final class ModelLoader: Sendable {
  private let registry: ModelRegistry
  /// The models to use; empty for all of the worker's kind.
  private let names: [String]
  private let kind: WorkerKind
  private let window: Int
  private let interval: Duration
  private let logger: Logger
  private let metrics = WorkerMetrics()
  let models: LoadedModels
  private let watchers = Mutex<[String: ModelWatcher<any ForecastModel>]>([:])
  /// The last reported error of each unusable model, so that each is reported once.
  private let reported = Mutex<[String: String]>([:])

  /// - Parameters:
  ///   - window: observations remembered per series.
  ///   - interval: time between two polls.
  init(
    _ registry: ModelRegistry, names: [String], kind: WorkerKind, window: Int, interval: Duration,
    models: LoadedModels = LoadedModels(), logger: Logger
  ) {
    self.registry = registry
    self.names = names
    self.kind = kind
    self.window = window
    self.interval = interval
    self.models = models
    self.logger = logger
  }

  static func requirement(_ kind: WorkerKind, window: Int) -> ModelRequirement {
    ModelRequirement(kinds: kind.models, history: window / 2)
  }

  /// Waits until every named model is loaded, or one model when none is named.
  static func need(_ options: RegistryOptions, _ worker: WorkerOptions, _ logger: Logger) -> Need<ModelLoader> {
    Need(
      "models", condition: "models",
      open: {
        ModelLoader(
          try options.registry(threads: worker.threads), names: worker.model, kind: worker.kind,
          window: worker.window, interval: worker.modelInterval.duration, logger: logger)
      },
      check: { try await $0.check() },
      prepare: { loader in
        guard let missing = try await loader.loadNew() else { return "" }
        throw Failure(.transient, code: "model_missing", missing)
      },
      close: { $0.registry.store.close() })
  }

  /// Verifies every model without putting it in use.
  private func check() async throws -> String {
    let rows = try await registry.listing(
      isVerifying: true, requirement: Self.requirement(kind, window: window)
    ).filter { names.isEmpty || names.contains($0.name) }
    let good = rows.filter { $0.problem == nil && $0.manifest != nil }
    guard !good.isEmpty, Set(names).isSubset(of: good.map(\.name)) else {
      throw Failure(
        .configuration, code: "no_models", rows.compactMap(\.problem).first
          ?? "no model for \(kind.rawValue) at \(registry.store.location)/\(ModelRegistry.root)")
    }
    return good.map { "\($0.name) \($0.version ?? "")" }.joined(separator: ", ")
  }

  /// Polls until drained.
  func run(until drain: Interruption) async {
    while await !drain.sleep(for: interval + interval * Double.random(in: 0...0.1)) {
      for (_, watcher) in watchers.withLock({ $0 }).sorted(by: { $0.key < $1.key }) { await watcher.check() }
      do {
        if names.isEmpty { _ = try await loadNew() }
      } catch {
        logger.warning("the model registry is unreachable", metadata: ["reason": "\(error)"])
      }
    }
  }

  /// Loads models that are not loaded yet.
  /// - Returns: what is still missing; nil when nothing is.
  /// - Throws: errors of the store.
  private func loadNew() async throws -> String? {
    var problem: String?
    let known = Set(watchers.withLock { Array($0.keys) })
    for name in names.isEmpty ? try await registry.names() : names where !known.contains(name) {
      do {
        try await load(name)
        reported.withLock { $0[name] = nil }
      } catch let error as ForecastError {
        problem = error.description
        reportUnusable(name, error)
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
    try put(watcher.current.model)
    watchers.withLock { $0[name] = watcher }
  }

  private func put(_ model: any ForecastModel) throws(ForecastError) {
    let new = try LoadedModel(model, windowLimit: window)
    for old in models.current where old.manifest.name == new.manifest.name { metrics.uses(old.manifest, false) }
    models.put(new)
    metrics.uses(new.manifest, true)
    logger.info(
      "model in use", metadata: ["model": "\(new.manifest.name)", "version": "\(new.manifest.version)",
        "kind": "\(new.manifest.kind.rawValue)", "series": "\(new.manifest.series)"])
  }

  private func looked(at name: String, _ look: ModelCheck) {
    switch look {
    case .unchanged, .unreachable: break
    case .refused: metrics.refused("registry")
    case .replaced:
      guard let model = watchers.withLock({ $0[name] })?.current.model else { return }
      do { try put(model) } catch {
        metrics.refused(error.code)
        logger.error("a model is refused, the old one stays", metadata: ["model": "\(name)", "reason": "\(error)"])
      }
    }
  }

  /// Logs models of other kinds at debug level only; other workers use them.
  private func reportUnusable(_ name: String, _ error: ForecastError) {
    let text = error.description
    let isNew = reported.withLock { reported in
      defer { reported[name] = text }
      return reported[name] != text
    }
    guard isNew else { return }
    let isForOtherWorkers = names.isEmpty && error.kind == .unsupported
    if !isForOtherWorkers { metrics.refused(error.code) }
    logger.log(
      level: isForOtherWorkers ? .debug : .error, "a model is not used",
      metadata: ["model": "\(name)", "reason": "\(text)"])
  }
}
