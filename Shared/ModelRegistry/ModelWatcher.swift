import Core
import Forecasting
import Logging
import Synchronization

/// Polls the registry for another version of a model and switches to it.
///
/// A bad version is refused once, with the reason, and the old one stays; it is not tried again until the registry
/// names another. An unreachable store changes nothing: the next check follows anyway.
package actor ModelWatcher {
  package enum CheckResult: Sendable, Hashable {
    case unchanged
    case replaced(old: String, new: String)
    /// The version is bad; the old one stays in use.
    case refused(version: String, reason: String)
    /// The store did not answer, or has lost the model.
    case unreachable(reason: String)
  }

  package nonisolated let current: CurrentModel
  private let registry: ModelRegistry
  private let name: String
  private let requirement: ModelRequirement
  private let interval: Duration
  private let logger: Logger
  private let report: @Sendable (CheckResult) -> Void
  private var refused: String?

  /// Loads the current version.
  ///
  /// - Parameters:
  ///   - interval: time between two checks, plus up to a tenth, so that replicas do not all ask at once.
  ///   - report: called after each check, for metrics.
  /// - Throws: as ``ModelRegistry/load(_:version:requirement:)``, because a watcher needs a first model.
  package init(
    _ registry: ModelRegistry, name: String, requirement: ModelRequirement = ModelRequirement(),
    interval: Duration = .seconds(30), logger: Logger, report: @escaping @Sendable (CheckResult) -> Void = { _ in }
  ) async throws {
    self.registry = registry
    self.name = name
    self.requirement = requirement
    self.interval = interval
    self.logger = logger
    self.report = report
    current = CurrentModel(try await registry.load(name, requirement: requirement))
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
  package func check() async -> CheckResult {
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

  private func outcome() async -> CheckResult {
    let old = current.model.manifest.version
    let version: String
    do {
      guard let current = try await registry.currentVersion(of: name) else {
        return .unreachable(reason: "there is no current version any more")
      }
      version = current
    } catch {
      return .unreachable(reason: "\(error)")
    }
    if version == old {
      refused = nil
      return .unchanged
    }
    if version == refused { return .unchanged }
    do {
      let model = try await registry.load(name, version: version, requirement: requirement)
      current.replace(with: model)
      refused = nil
      return .replaced(old: old, new: version)
    } catch {
      if error is CancellationError || ErrorClass(of: error) == .transient {
        return .unreachable(reason: "\(error)")
      }
      refused = version
      return .refused(version: version, reason: "\(error)")
    }
  }
}

/// The model in use. A caller keeps the model it has read, so that a replacement does not disturb a prediction in
/// progress.
package final class CurrentModel: Sendable {
  private let state: Mutex<any ForecastModel>

  package init(_ model: any ForecastModel) { state = Mutex(model) }

  package var model: any ForecastModel { state.withLock { $0 } }

  func replace(with model: any ForecastModel) { state.withLock { $0 = model } }
}
