import Schemas

/// How poor an input may be, and from when on nothing is said at all.
package struct QualityLimits: Hashable, Sendable {
  /// Periods in a row that may be missing: up to here they are filled and the prediction is flagged.
  package var maxGap: Int
  /// Age of a driver's last value, in periods of the model, from which on the prediction is flagged.
  package var staleDriver: Int
  /// The same, from which on it is withheld.
  package var maxDriverAge: Int
  /// A price so many times above or below the median of its history is a slip of units or digits, not a price.
  package var implausible: Double
  /// Distance of the newest price from the median, in deviations, from which on the prediction is flagged.
  package var outlier: Double

  package init(
    maxGap: Int = 3, staleDriver: Int = 3, maxDriverAge: Int = 72, implausible: Double = 10, outlier: Double = 8
  ) {
    self.maxGap = maxGap
    self.staleDriver = staleDriver
    self.maxDriverAge = maxDriverAge
    self.implausible = implausible
    self.outlier = outlier
  }
}

/// What was poor about the input of a prediction that was made all the same. In the order predictions name them.
package enum InputFlag: String, CaseIterable, Hashable, Sendable {
  /// Periods without an observation: a price holds on, a demand was none.
  case gap
  case staleDriver = "stale_driver"
  case outlier
  /// A later observation of the series was known already.
  case late
}

/// Why a prediction was withheld before any model was asked; models have reasons of their own.
package enum InputReason: String, CaseIterable, Hashable, Sendable {
  case tooFewObservations = "too_few_observations"
  case gap
  case unitChanged = "unit_changed"
  case currencyChanged = "currency_changed"
  case missingDriver = "missing_driver"
  case staleDriver = "stale_driver"
  case driverUnitChanged = "driver_unit_changed"
  case outlier
  /// The model could not answer this input; it answered others.
  case modelFailed = "model_failed"
  /// A number that no table can hold.
  case resultNotFinite = "result_not_finite"
}
