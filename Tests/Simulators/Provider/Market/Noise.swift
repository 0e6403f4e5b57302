import Glibc
import SimulatorServer

/// Noise with random access: hashed values at grid points, joined by smooth steps, over several grids (K. Perlin's
/// value noise).
struct Noise: Sendable {
  let seed: UInt64

  init(_ seed: UInt64, _ name: String) {
    self.seed = name.utf8.reduce(splitMix64(seed)) { splitMix64($0 ^ UInt64($1)) }
  }

  /// Uniform in -1...1, one for each place.
  func white(_ place: Int64) -> Double {
    Double(splitMix64(seed ^ UInt64(bitPattern: place)) >> 11) / 4_503_599_627_370_496 - 1
  }

  /// Uniform in 0..<1.
  func chance(_ place: Int64) -> Double { (white(place) + 1) / 2 }

  /// Smooth, about -1...1, changing over `period`.
  func smooth(_ position: Double, period: Double) -> Double {
    let scaled = position / period
    let left = scaled.rounded(.down)
    let part = scaled - left
    let step = part * part * (3 - 2 * part)
    // Another grid for each period.
    let shift = Int64(period) &* 1_000_003
    let (from, to) = (white(Int64(left) &+ shift), white(Int64(left) &+ 1 &+ shift))
    return from + (to - from) * step
  }
}
