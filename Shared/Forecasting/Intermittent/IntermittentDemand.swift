/// What is learnt from a series of intermittent demand, by exponential smoothing. The first demand, interval and
/// probability are the ones to begin with.
///
/// - Croston: J. D. Croston, "Forecasting and Stock Control for Intermittent Demands", Operational Research
///   Quarterly 23(3), 1972. At each demand the size `z` and the interval `p` since the one before are smoothed; the
///   forecast is `z / p`.
/// - SBA: A. A. Syntetos, J. E. Boylan, "The accuracy of intermittent demand estimates", International Journal of
///   Forecasting 21(2), 2005: Croston's is too high by about `a/2` of itself, `a` the factor of the intervals; the
///   forecast is `(1 - a/2) z / p`.
/// - TSB: R. H. Teunter, A. A. Syntetos, M. Z. Babai, "Intermittent demand: Linking forecasting to inventory
///   obsolescence", European Journal of Operational Research 214(3), 2011: the probability of demand is smoothed in
///   every period, the size only at a demand; the forecast is their product.
struct IntermittentDemand: Hashable, Sendable {
  /// Smoothed size of a demand.
  private(set) var size = 0.0
  /// Smoothed interval between demands, in periods.
  private(set) var interval = 0.0
  /// Smoothed probability of a demand in one period.
  private(set) var probability = 0.0
  private(set) var demands = 0
  private var sinceDemand = 0
  private var periods = 0

  /// - Parameter values: demand by period, oldest first, none below zero.
  init(_ values: some Sequence<Double>, _ smoothing: Smoothing) {
    for value in values { add(value, smoothing) }
  }

  private mutating func add(_ value: Double, _ smoothing: Smoothing) {
    let occurrence = value > 0 ? 1.0 : 0.0
    probability = periods == 0 ? occurrence : Self.smooth(probability, occurrence, smoothing.interval)
    periods += 1
    sinceDemand += 1
    guard value > 0 else { return }
    size = demands == 0 ? value : Self.smooth(size, value, smoothing.size)
    interval = demands == 0 ? Double(sinceDemand) : Self.smooth(interval, Double(sinceDemand), smoothing.interval)
    demands += 1
    sinceDemand = 0
  }

  private static func smooth(_ average: Double, _ value: Double, _ factor: Double) -> Double {
    factor * value + (1 - factor) * average
  }

  /// Demand per period, the same for all periods to come.
  func rate(_ kind: ModelKind, _ smoothing: Smoothing) -> Double {
    switch kind {
    case .tsb: probability * size
    case .sba: (1 - smoothing.interval / 2) * size / interval
    default: size / interval
    }
  }
}
