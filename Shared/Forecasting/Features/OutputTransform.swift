import Glibc

/// Turns a model's output into a forecast: undoes the scaling and adds the quantiles of the manifest's residuals.
/// Demand is never below zero.
struct OutputTransform: Sendable {
  let target: ForecastTarget
  private let residuals: [[Double]]?
  private let groups: [String: [[Double]]]
  let floor: Double

  init(_ manifest: ModelManifest) {
    target = manifest.target
    residuals = manifest.residuals
    groups = manifest.groupResiduals ?? [:]
    floor = manifest.seriesKind == "demand" ? 0 : -.infinity
  }

  func restored(_ output: Double, _ input: PreparedInput) -> Double {
    let value = switch target {
    case .value: input.scale.restored(output)
    case .difference: input.last + input.scale.scale * output
    case .logChange: input.last * exp(output)
    }
    return max(value, floor)
  }

  /// - Parameters:
  ///   - step: 0 for the first.
  ///   - quantiles: the model's own, on the scale of its output; sorting them moves none away from the true quantile
  ///     (Chernozhukov et al., "Quantile and Probability Curves Without Crossing", Econometrica 2010).
  func step(_ step: Int, mean: Double, quantiles: [Double] = [], _ input: PreparedInput) -> Forecast.Step {
    Forecast.Step(
      mean: restored(mean, input),
      quantiles: calibrated(quantiles.sorted(), step, mean: mean, input).map { restored($0, input) })
  }

  /// True when residuals adjust the quantiles.
  var isCalibrated: Bool { residuals != nil }

  /// The quantiles of a step with the measured residuals added, sorted.
  /// - Parameter quantiles: the model's own, on the scale of its output; empty for a model without quantiles.
  func calibrated(_ quantiles: [Double], _ step: Int, mean: Double, _ input: PreparedInput) -> [Double] {
    guard let residuals = groups[input.group] ?? residuals else { return quantiles }
    return quantiles.isEmpty
      ? residuals[step].map { mean + $0 } : zip(quantiles, residuals[step]).map { $0 + $1 }.sorted()
  }

  static func output(_ steps: [Forecast.Step]) -> ModelOutput {
    let isFinite = steps.allSatisfy { $0.mean.isFinite && $0.quantiles.allSatisfy(\.isFinite) }
    return isFinite ? .forecast(Forecast(steps: steps)) : .withheld(.resultNotFinite)
  }
}
