import Core
import Values

/// A trained model that forecasts a series.
///
/// Models are shared by threads: `predict` may run several times at once. The forecast of an input depends on that
/// input alone, bit for bit, never on its batch, so that a replay gives the same forecast.
package protocol ForecastModel: Sendable {
  var manifest: ModelManifest { get }

  /// One output for each input, in order. An input that cannot be forecast gets ``ModelOutput/withheld(_:)`` and does
  /// not affect the others.
  /// - Throws: `ForecastError` of kind `.libraryFailed` when the underlying library fails.
  func predict(_ inputs: [ModelInput]) throws(ForecastError) -> [ModelOutput]
}

/// A model's input for one series: the newest `manifest.history` observations or more, at equal intervals.
package struct ModelInput: Hashable, Sendable {
  /// Oldest first, in the unit of the series; a missing value is NaN and withholds the forecast.
  package var values: [Double]
  /// The observation times of `values`, ascending. The steps of the forecast follow the last one, each
  /// `manifest.period` later.
  package var times: [Timestamp]
  /// A row for each of `manifest.drivers`, in that order and as long as `values`: the driver's latest value at each
  /// time.
  package var drivers: [[Double]]
  /// The sampling seed, derived from the input's digest, so that equal inputs get equal samples.
  package var seed: UInt64

  /// The series' key in `manifest.groupResiduals`: its material.
  package var group: String

  package init(values: [Double], times: [Timestamp], drivers: [[Double]] = [], seed: UInt64 = 0, group: String = "") {
    self.values = values
    self.times = times
    self.drivers = drivers
    self.seed = seed
    self.group = group
  }
}

/// A model's output for one input.
package enum ModelOutput: Hashable, Sendable {
  case forecast(Forecast)
  /// The reason for no forecast.
  case withheld(WithheldReason)

  package var forecast: Forecast? { if case .forecast(let forecast) = self { forecast } else { nil } }
}

/// The expected values of the next steps, in the unit of the series.
package struct Forecast: Hashable, Sendable {
  /// `manifest.horizon` steps, starting with the next period.
  package var steps: [Step]

  package struct Step: Hashable, Sendable {
    package var mean: Double
    /// The value for each of `manifest.quantiles`, never descending; empty for a model that has none.
    package var quantiles: [Double] = []
  }
}

/// Why an input has no forecast. The raw values are what `Prediction.withheld` carries.
package enum WithheldReason: String, CaseIterable, Hashable, Sendable {
  /// Fewer values than `manifest.history`, or a different number of times or drivers.
  case tooFewObservations = "too_few_observations"
  /// A value within the history is not a number.
  case missingValue = "missing_value"
  /// A driver is missing, or NaN where the model needs it.
  case missingDriver = "missing_driver"
  /// The model needs logarithms, and a value is zero or less.
  case notPositive = "not_positive"
  /// Demand below zero.
  case negativeDemand = "negative_demand"
  /// The history of demand has no demand.
  case noDemand = "no_demand"
  /// The result is not a finite number.
  case resultNotFinite = "result_not_finite"
}

/// Why a model cannot be used. The operator has to fix it; a worker that has another model keeps that.
package typealias ForecastError = CodedError<ForecastErrorKind>

package enum ForecastErrorKind: String, ErrorKind {
  /// The manifest is not readable or contradicts itself.
  case badManifest = "model_manifest_bad"
  /// The weights are damaged, have other shapes than the manifest says, or exceed a limit.
  case badWeights = "model_weights_bad"
  /// A feature that this release does not know.
  case unknownFeature = "model_feature_unknown"
  /// A format or kind of model that this release does not read.
  case unsupported = "model_unsupported"
  /// The manifest's probes give other results.
  case probeFailed = "model_probe_failed"
  /// A library such as XGBoost failed on a valid input.
  case libraryFailed = "model_library_failed"

  package var errorClass: ErrorClass { self == .libraryFailed ? .fatal : .configuration }
}
