/// How a model thinks.
package enum ModelKind: String, CaseIterable, Codable, Hashable, Sendable {
  /// Boosted trees over lags, drivers and the calendar.
  case xgboost
  /// A recurrent network that gives all steps at once.
  case lstm
  /// A recurrent network that gives a distribution for each step, sampled step by step.
  case deepar
  /// Exponential smoothing of sizes and intervals of intermittent demand.
  case croston
  /// Croston's method with the bias correction of Syntetos and Boylan.
  case sba
  /// Smoothing of the probability of demand, which also falls while there is none.
  case tsb

  package var isIntermittent: Bool { self == .croston || self == .sba || self == .tsb }
  package var isNetwork: Bool { self == .lstm || self == .deepar }
}
