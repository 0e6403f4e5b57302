/// Quantiles of samples, between the two nearest of them in proportion: definition 7 of R. J. Hyndman, Y. Fan, "Sample
/// Quantiles in Statistical Packages", The American Statistician 50(4), 1996, which NumPy uses too.
package enum SampleQuantile {
  /// - Parameter sorted: ascending, not empty.
  package static func value(_ sorted: [Double], _ probability: Double) -> Double {
    let place = probability * Double(sorted.count - 1)
    let below = Int(place.rounded(.down))
    guard below + 1 < sorted.count else { return sorted[sorted.count - 1] }
    return sorted[below] + (place - Double(below)) * (sorted[below + 1] - sorted[below])
  }
}
