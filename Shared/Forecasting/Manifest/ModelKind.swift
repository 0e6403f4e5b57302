/// The algorithm of a model.
package enum ModelKind: String, CaseIterable, Codable, Hashable, Sendable {
  /// Boosted trees over lags, drivers and the calendar.
  case xgboost
  /// A recurrent network that outputs all steps at once.
  case lstm
  /// A recurrent network that outputs a distribution per step and is sampled step by step.
  case deepar
  /// Exponential smoothing of demand sizes and intervals.
  case croston
  /// Croston's method with the bias correction of Syntetos and Boylan.
  case sba
  /// Smoothing of the demand probability, which also falls while there is no demand.
  case tsb

  package var isIntermittent: Bool { self == .croston || self == .sba || self == .tsb }
  package var isNetwork: Bool { self == .lstm || self == .deepar }
}

/// How an input's values are scaled to the range of the training data: `(value - offset) / scale`.
///
/// Drivers are scaled by the same rule on their own values, except with ``standard``, whose numbers belong to the
/// series itself: drivers are then not scaled.
package enum Scaling: Hashable, Sendable {
  case none
  /// With mean and deviation of the training data.
  case standard(mean: Double, deviation: Double)
  /// By the mean of the absolute values of the input's history; 1 when that is 0.
  case windowMean
  /// By mean and standard deviation (of the population) of the input's history; a deviation of 0 counts as 1.
  case windowStandard
}

/// The meaning of a model's output.
package enum ForecastTarget: String, CaseIterable, Codable, Hashable, Sendable {
  /// The value itself, scaled.
  case value
  /// The difference from the last observation, scaled.
  case difference
  /// The natural logarithm of the ratio to the last observation.
  case logChange = "log_change"
}

/// The size of a recurrent network. Tensor names are PyTorch's: `lstm.weight_ih_l0`, `lstm.weight_hh_l0`,
/// `lstm.bias_ih_l0`, `lstm.bias_hh_l0`, ..., `head.weight`, `head.bias`.
package struct NetworkShape: Codable, Hashable, Sendable {
  package var layers: Int
  /// Cells of each layer.
  package var hidden: Int
  /// Periods that the network reads before its output.
  package var context: Int
  /// DeepAR's distribution; nil for LSTM.
  package var head: DistributionKind?
  /// DeepAR's sample paths; nil for LSTM.
  package var samples: Int?
}

/// The distribution of a DeepAR step.
package enum DistributionKind: String, CaseIterable, Codable, Hashable, Sendable {
  case gaussian
  case studentT = "student_t"
  case negativeBinomial = "negative_binomial"

  /// Number of outputs of the network's head.
  package var parameterCount: Int { self == .studentT ? 3 : 2 }
}

/// Smoothing factors of Croston, SBA and TSB, above 0 and at most 1.
package struct Smoothing: Codable, Hashable, Sendable {
  /// For demand sizes.
  package var size: Double
  /// For the intervals between demands (Croston, SBA), or the demand probability (TSB).
  package var interval: Double
}
