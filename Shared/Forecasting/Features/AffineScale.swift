import Glibc

/// `scaled = (value - offset) / scale`, computed for one input by the manifest's ``Scaling``.
struct AffineScale: Hashable, Sendable {
  var offset = 0.0
  /// Above 0.
  var scale = 1.0

  static let identity = AffineScale()

  init() {}

  /// - Parameter values: the whole history; the scale is finite only if all values are.
  init(_ scaling: Scaling, _ values: ArraySlice<Double>) {
    switch scaling {
    case .none: break
    case .standard(let mean, let deviation):
      offset = mean
      scale = deviation
    case .windowMean:
      let sum = values.reduce(0) { $0 + abs($1) }
      scale = sum == 0 ? 1 : sum / Double(values.count)
    case .windowStandard:
      let moments = Self.moments(values)
      offset = moments.mean
      scale = moments.deviation == 0 ? 1 : moments.deviation
    }
  }

  func scaled(_ value: Double) -> Double { (value - offset) / scale }
  func restored(_ value: Double) -> Double { offset + scale * value }

  /// Mean and population standard deviation, in two passes.
  static func moments(_ values: ArraySlice<Double>) -> (mean: Double, deviation: Double) {
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, sqrt(squares / count))
  }
}
