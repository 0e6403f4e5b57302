import Glibc

extension RandomStream {
  /// Mean 0, deviation 1: G. E. P. Box, M. E. Muller, "A Note on the Generation of Random Normal Deviates", 1958.
  package mutating func normal() -> Double {
    let radius = sqrt(-2 * log(uniform()))
    return radius * cos(2 * .pi * uniform())
  }

  /// Student's t, by the polar method: R. W. Bailey, "Polar Generation of Random Variates with the t-Distribution",
  /// Mathematics of Computation 62, 1994.
  /// - Parameter freedom: degrees of freedom, above 0.
  package mutating func studentT(freedom: Double) -> Double {
    // u^(-2/n) - 1, without cancellation for large n.
    let radius = sqrt(freedom * expm1(-2 / freedom * log(uniform())))
    return radius * cos(2 * .pi * uniform())
  }

  /// Gamma of scale 1: G. Marsaglia, W. W. Tsang, "A Simple Method for Generating Gamma Variables", 2000.
  /// - Parameter shape: finite, above 0.
  package mutating func gamma(shape: Double) -> Double {
    // Below 1: one of shape + 1, times u^(1/shape).
    if shape < 1 { return gamma(shape: shape + 1) * exp(log(uniform()) / shape) }
    let base = shape - 1.0 / 3
    let width = 1 / sqrt(9 * base)
    while true {
      let deviate = normal()
      let root = 1 + width * deviate
      guard root > 0 else { continue }
      let cube = root * root * root
      if log(uniform()) < 0.5 * deviate * deviate + base - base * cube + base * log(cube) { return base * cube }
    }
  }

  /// - Parameter mean: finite, 0 or more.
  package mutating func poisson(mean: Double) -> Double {
    mean < 30 ? smallPoisson(mean) : largePoisson(mean)
  }

  /// The first count whose cumulative probability is not below a uniform number.
  private mutating func smallPoisson(_ mean: Double) -> Double {
    let uniform = uniform()
    var count = 0.0
    var probability = exp(-mean)
    var sum = probability
    // Rounding may keep the sum below 1 for ever; then the terms vanish.
    while sum < uniform, probability > 0 {
      count += 1
      probability *= mean / count
      sum += probability
    }
    return count
  }

  /// Transformed rejection with squeeze: W. Hörmann, "The transformed rejection method for generating Poisson random
  /// variables", Insurance: Mathematics and Economics 12, 1993 (PTRS).
  private mutating func largePoisson(_ mean: Double) -> Double {
    let b = 0.931 + 2.53 * sqrt(mean)
    let a = -0.059 + 0.02483 * b
    let inverseAlpha = 1.1239 + 1.1328 / (b - 3.4)
    let acceptance = 0.9277 - 3.6224 / (b - 2)
    let logMean = log(mean)
    while true {
      let u = uniform() - 0.5
      let v = uniform()
      let distance = 0.5 - abs(u)
      let count = ((2 * a / distance + b) * u + mean + 0.43).rounded(.down)
      if distance >= 0.07, v <= acceptance { return count }
      if count < 0 || distance < 0.013 && v > distance { continue }
      var sign: Int32 = 0
      let bound = -mean + count * logMean - lgamma_r(count + 1, &sign)
      if log(v * inverseAlpha / (a / (distance * distance) + b)) <= bound { return count }
    }
  }
}
