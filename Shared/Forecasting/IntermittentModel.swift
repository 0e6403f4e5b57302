import Core

/// Croston's method, SBA or TSB, on the newest `history` periods of an input.
///
/// None of the three is the forecast of a stochastic model that demand can follow (L. Shenstone, R. J. Hyndman,
/// "Stochastic models underlying Croston's method for intermittent demand forecasting", Journal of Forecasting 24,
/// 2005), so there is no formula for an interval. Quantiles come from the manifest's residuals, if it has any.
package struct IntermittentModel: ForecastModel {
  package let manifest: ModelManifest
  private let smoothing: Smoothing
  private let rule: OutputTransform

  /// - Throws: `ForecastError` of kind `.badManifest`.
  init(_ manifest: ModelManifest) throws(ForecastError) {
    guard let smoothing = manifest.smoothing else {
      throw ForecastError(.badManifest, "smoothing: a \(manifest.kind.rawValue) model needs it")
    }
    self.manifest = manifest
    self.smoothing = smoothing
    rule = OutputTransform(manifest)
  }

  package func predict(_ inputs: [ModelInput]) throws(ForecastError) -> [ModelOutput] {
    inputs.map { input in
      switch PreparedInput.make(input, for: manifest) {
      case .failure(let reason): return .withheld(reason)
      case .success(let prepared):
        let demand = IntermittentDemand(prepared.values, smoothing)
        guard demand.demands > 0 else { return .withheld(.noDemand) }
        let output = prepared.scale.scaled(demand.rate(manifest.kind, smoothing))
        return OutputTransform.output((0..<manifest.horizon).map { rule.step($0, mean: output, prepared) })
      }
    }
  }
}

/// The exponentially smoothed state of a series of intermittent demand. The first demand, interval and probability are
/// the initial values.
///
/// - Croston: J. D. Croston, "Forecasting and Stock Control for Intermittent Demands", Operational Research
///   Quarterly 23(3), 1972. At each demand the size `z` and the interval `p` since the one before are smoothed; the
///   forecast is `z / p`.
/// - SBA: A. A. Syntetos, J. E. Boylan, "The accuracy of intermittent demand estimates", International Journal of
/// Forecasting 21(2), 2005: Croston's forecast is too high by about `a/2`, with `a` the smoothing factor of the
/// intervals; the forecast is `(1 - a/2) z / p`.
/// - TSB: R. H. Teunter, A. A. Syntetos, M. Z. Babai, "Intermittent demand: Linking forecasting to inventory
///   obsolescence", European Journal of Operational Research 214(3), 2011: the probability of demand is smoothed in
///   every period, the size only at a demand; the forecast is their product.
struct IntermittentDemand: Hashable, Sendable {
  /// Smoothed demand size.
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

  /// Demand per period, constant over the horizon.
  func rate(_ kind: ModelKind, _ smoothing: Smoothing) -> Double {
    switch kind {
    case .tsb: probability * size
    case .sba: (1 - smoothing.interval / 2) * size / interval
    default: size / interval
    }
  }
}
