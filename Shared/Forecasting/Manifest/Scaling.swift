/// How the values of an input become numbers of the size that a model was trained on: `(value - offset) / scale`.
///
/// Drivers are scaled by the same rule over their own values, except with ``standard``, whose numbers are of the
/// series itself: drivers are then left as they are.
package enum Scaling: Hashable, Sendable {
  case none
  /// With the numbers of the training data.
  case standard(mean: Double, deviation: Double)
  /// By the mean of the absolute values of the input's history; 1 when that is 0.
  case windowMean
  /// By mean and standard deviation (of the population) of the input's history; a deviation of 0 counts as 1.
  case windowStandard
}

/// What a model's output stands for.
package enum ForecastTarget: String, CaseIterable, Codable, Hashable, Sendable {
  /// The value itself, scaled.
  case value
  /// The difference from the last observation, scaled.
  case difference
  /// The natural logarithm of the ratio to the last observation.
  case logChange = "log_change"
}
