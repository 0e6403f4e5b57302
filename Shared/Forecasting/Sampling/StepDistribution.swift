import Glibc

/// DeepAR's distribution of one value, in the unit of the series.
package enum StepDistribution: Hashable, Sendable {
  case gaussian(mean: Double, deviation: Double)
  /// `freedom` is above 2, so that the variance exists.
  case studentT(location: Double, scale: Double, freedom: Double)
  /// Variance `mean + dispersion * mean^2`.
  case negativeBinomial(mean: Double, dispersion: Double)

  /// Added to a deviation, so that it is never zero; on the network's scale.
  package static let smallestDeviation = 1e-6

  /// From the outputs of the network's head, as in D. Salinas, V. Flunkert, J. Gasthaus, T. Januschowski, "DeepAR:
  /// Probabilistic forecasting with autoregressive recurrent networks", International Journal of Forecasting 36(3),
  /// 2020, sections 3.1 and 3.3: a deviation is `softplus` of its output; so is the mean of counts, whose dispersion is
  /// divided by the root of the scale.
  ///
  /// - Parameters:
  ///   - numbers: `kind.parameterCount` of them: location, spread, degrees of freedom.
  ///   - input: the input's scale; counts have no offset.
  init(_ kind: DistributionKind, _ numbers: UnsafePointer<Float>, _ input: AffineScale) {
    let scale = input.scale
    let first = Double(numbers[0])
    let spread = Self.softplus(Double(numbers[1]))
    switch kind {
    case .gaussian: self = .gaussian(mean: input.restored(first), deviation: scale * (spread + Self.smallestDeviation))
    case .studentT:
      self = .studentT(
        location: input.restored(first), scale: scale * (spread + Self.smallestDeviation),
        freedom: 2 + Self.softplus(Double(numbers[2])))
    case .negativeBinomial:
      self = .negativeBinomial(mean: scale * Self.softplus(first), dispersion: spread / sqrt(scale))
    }
  }

  /// `ln(1 + e^x)`
  private static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

  package var mean: Double {
    switch self {
    case .gaussian(let mean, _), .negativeBinomial(let mean, _): mean
    case .studentT(let location, _, _): location
    }
  }

  /// NaN when a parameter is NaN.
  package func sample(_ stream: inout RandomStream) -> Double {
    switch self {
    case .gaussian(let mean, let deviation): return mean + deviation * stream.normal()
    case .studentT(let location, let scale, let freedom): return location + scale * stream.studentT(freedom: freedom)
    case .negativeBinomial(let mean, let dispersion):
      guard mean.isFinite, dispersion.isFinite else { return .nan }
      guard mean > 0 else { return 0 }
      // A Poisson count with a gamma distributed mean; without dispersion, with the mean itself.
      guard dispersion > 1e-9 else { return stream.poisson(mean: mean) }
      return stream.poisson(mean: stream.gamma(shape: 1 / dispersion) * dispersion * mean)
    }
  }
}

/// A quantile of samples by linear interpolation between the two nearest: definition 7 of R. J. Hyndman, Y. Fan,
/// "Sample Quantiles in Statistical Packages", The American Statistician 50(4), 1996, NumPy's default.
/// - Parameter sorted: ascending, not empty.
package func quantile(_ probability: Double, ofSorted sorted: [Double]) -> Double {
  let place = probability * Double(sorted.count - 1)
  let below = Int(place.rounded(.down))
  guard below + 1 < sorted.count else { return sorted[sorted.count - 1] }
  return sorted[below] + (place - Double(below)) * (sorted[below + 1] - sorted[below])
}
