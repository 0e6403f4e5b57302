import Forecasting
import Synchronization

/// The model in use. Who has taken it keeps it until done with it, so that a change loses nothing.
package final class ModelSlot: Sendable {
  private let state: Mutex<any ForecastModel>

  package init(_ model: any ForecastModel) { state = Mutex(model) }

  package var model: any ForecastModel { state.withLock { $0 } }

  func replace(with model: any ForecastModel) { state.withLock { $0 = model } }
}
