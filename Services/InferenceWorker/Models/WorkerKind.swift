import ArgumentParser
import Forecasting
import Schemas

/// What a group of workers is for: which models it runs, and on what unless it is told.
package enum WorkerKind: String, CaseIterable, Sendable, ExpressibleByArgument {
  /// Boosted trees that look at the oil price.
  case polymer
  /// Recurrent networks on prices.
  case shielding
  /// Intermittent demand.
  case screening

  package var models: Set<ModelKind> {
    switch self {
    case .polymer: [.xgboost]
    case .shielding: [.lstm, .deepar]
    case .screening: [.croston, .sba, .tsb]
    }
  }

  /// What it listens to unless it is told: the category of its name.
  package var pattern: String { "*.*.\(rawValue).*" }

  /// The consumer group unless it is told.
  package var group: String { "\(ServiceCatalogue.inferenceWorker.name)-\(rawValue)" }

  /// Whether its models look at series of category energy.
  package var hasDrivers: Bool { models.contains(.xgboost) }
}
