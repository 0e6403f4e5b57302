import Forecasting
import Logging
import Runtime

/// Looks from time to time whether the registry names another version of a model, and puts it in use.
///
/// A version that must not be used is refused once, with its reason, and the old one stays; it is not tried again
/// until the registry names another. A store that is away changes nothing either: the next look comes anyway.
package actor ModelWatcher {
  package enum Look: Sendable, Hashable {
    case unchanged
    case replaced(old: String, new: String)
    /// Bad: the old version stays in use.
    case refused(version: String, reason: String)
    /// The store did not answer, or has lost the model.
    case unreachable(reason: String)
  }

  package nonisolated let slot: ModelSlot
  private let registry: ModelRegistry
  private let name: String
  private let requirement: ModelRequirement
  private let interval: Duration
  private let logger: Logger
  private let report: @Sendable (Look) -> Void
  private var refused: String?

  /// Loads the current version.
  ///
  /// - Parameters:
  ///   - interval: between two looks; each is up to a tenth longer, so that replicas do not ask all at once.
  ///   - report: called after each look, for metrics.
  /// - Throws: as ``ModelRegistry/load(_:version:requirement:)``: without a first model there is nothing to keep.
  package init(
    _ registry: ModelRegistry, name: String, requirement: ModelRequirement = ModelRequirement(),
    interval: Duration = .seconds(30), logger: Logger, report: @escaping @Sendable (Look) -> Void = { _ in }
  ) async throws {
    self.registry = registry
    self.name = name
    self.requirement = requirement
    self.interval = interval
    self.logger = logger
    self.report = report
    slot = ModelSlot(try await registry.load(name, requirement: requirement))
  }

  /// Looks until cancelled.
  package func run() async {
    while !Task.isCancelled {
      try? await Task.sleep(for: interval + interval * Double.random(in: 0...0.1))
      guard !Task.isCancelled else { return }
      await look()
    }
  }

  /// Looks once.
  @discardableResult
  package func look() async -> Look {
    let look = await outcome()
    switch look {
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
    report(look)
    return look
  }

  private func outcome() async -> Look {
    let old = slot.model.manifest.version
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
      slot.replace(with: model)
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
