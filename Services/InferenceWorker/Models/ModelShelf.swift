import Forecasting
import Synchronization

/// The models as they are now. A flush takes them once, so that a new version begins between two flushes and no
/// message sees half of it.
package final class ModelShelf: Sendable {
  private let models = Mutex<[ShelvedModel]>([])

  package init(_ models: [ShelvedModel] = []) { self.models.withLock { $0 = models } }

  /// In the order of their names, which is that of the predictions for one observation.
  package var current: [ShelvedModel] { models.withLock { $0 } }

  /// Puts a version in the place of the one before it.
  package func put(_ model: ShelvedModel) {
    models.withLock { models in
      models.removeAll { $0.manifest.name == model.manifest.name }
      models.append(model)
      models.sort { $0.manifest.name < $1.manifest.name }
    }
  }
}
