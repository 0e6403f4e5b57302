import ArgumentParser
import Catalogue
import Forecasting

/// A kind of workers: its models, and its default pattern and group.
package enum WorkerKind: String, CaseIterable, Sendable, ExpressibleByArgument {
  /// Boosted trees with the oil price as an input.
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

  /// The default pattern: the category of the kind's name.
  package var pattern: String { "*.*.\(rawValue).*" }

  /// The default consumer group.
  package var group: String { "\(ServiceCatalogue.inferenceWorker.name)-\(rawValue)" }

  /// Whether its models have inputs of category energy.
  package var hasDrivers: Bool { models.contains(.xgboost) }
}
