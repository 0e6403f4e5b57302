import Glibc

/// Noise that can be asked for at any place without what came before: hashed values at the points of a grid, joined by
/// smooth steps, over several grids (K. Perlin's value noise).
///
/// The mixing function is SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014).
struct Noise: Sendable {
  let seed: UInt64

  init(_ seed: UInt64, _ name: String) {
    self.seed = name.utf8.reduce(Self.mix(seed)) { Self.mix($0 ^ UInt64($1)) }
  }

  /// Uniform in -1...1, one for each place.
  func white(_ place: Int64) -> Double {
    Double(Self.mix(seed ^ UInt64(bitPattern: place)) >> 11) / 4_503_599_627_370_496 - 1
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

  private static func mix(_ input: UInt64) -> UInt64 {
    var value = input &+ 0x9e37_79b9_7f4a_7c15
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}
