/// What a model answers to one input.
package enum ModelOutput: Hashable, Sendable {
  case forecast(Forecast)
  /// Why there is none.
  case withheld(WithheldReason)

  package var forecast: Forecast? { if case .forecast(let forecast) = self { forecast } else { nil } }
}

/// What is expected of the next steps, in the unit of the series.
package struct Forecast: Hashable, Sendable {
  /// `manifest.horizon` of them: the next period first.
  package var steps: [Step]

  package struct Step: Hashable, Sendable {
    package var mean: Double
    /// The value for each of `manifest.quantiles`, never descending; empty for a model that has none.
    package var quantiles: [Double]

    package init(mean: Double, quantiles: [Double] = []) {
      self.mean = mean
      self.quantiles = quantiles
    }
  }

  package init(steps: [Step]) { self.steps = steps }
}

/// Why an input has no forecast. The raw values are what `Prediction.withheld` carries.
package enum WithheldReason: String, CaseIterable, Hashable, Sendable {
  /// Fewer values than `manifest.history`, or times or drivers that are not as many.
  case tooFewObservations = "too_few_observations"
  /// A value within the history is not a number.
  case missingValue = "missing_value"
  /// A driver is absent, or not a number where the model looks at it.
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
