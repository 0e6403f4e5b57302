/// From which input quality on a prediction is flagged or withheld.
package struct QualityLimits: Hashable, Sendable {
  /// The most missing periods in a row that are filled; the prediction is flagged.
  package var maxGap = 3
  /// Age of a driver's last value beyond which the prediction is flagged, in periods of the model.
  package var staleDriver = 3
  /// The same age beyond which the prediction is withheld.
  package var maxDriverAge = 72
  /// A price this many times above or below the median of its history is an error of unit or digits.
  package var implausible: Double = 10
  /// Distance of the newest price from the median beyond which the prediction is flagged, in deviations.
  package var outlier: Double = 8
}

/// Flags of a prediction from a poor input, in the order in which predictions name them.
package enum InputFlag: String, CaseIterable, Hashable, Sendable {
  /// Periods without an observation: a price stays the same, a demand is zero.
  case gap
  case staleDriver = "stale_driver"
  case outlier
  /// A later observation of the series was already known.
  case late
}

/// Why a prediction is withheld, besides the models' own reasons.
package enum InputReason: String, CaseIterable, Hashable, Sendable {
  case tooFewObservations = "too_few_observations"
  case gap
  case unitChanged = "unit_changed"
  case currencyChanged = "currency_changed"
  case missingDriver = "missing_driver"
  case staleDriver = "stale_driver"
  case driverUnitChanged = "driver_unit_changed"
  case outlier
  /// The model failed on this input.
  case modelFailed = "model_failed"
  /// A result that is not a finite decimal.
  case resultNotFinite = "result_not_finite"
}
