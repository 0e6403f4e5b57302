/// Philox4x32-10: four random words as a function of a counter and a key (J. K. Salmon, M. A. Moraes, R. O. Dror, D. E.
/// Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011). It has no state, so that a sample does not depend on
/// earlier samples or the machine.
package enum Philox {
  package static func words(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    var counter = counter, key = key
    for round in 0..<10 {
      if round > 0 {
        key.x &+= 0x9e37_79b9
        key.y &+= 0xbb67_ae85
      }
      let first = UInt64(0xd251_1f53) &* UInt64(counter.x)
      let second = UInt64(0xcd9e_8d57) &* UInt64(counter.z)
      counter = SIMD4(
        UInt32(truncatingIfNeeded: second >> 32) ^ counter.y ^ key.x, UInt32(truncatingIfNeeded: second),
        UInt32(truncatingIfNeeded: first >> 32) ^ counter.w ^ key.y, UInt32(truncatingIfNeeded: first))
    }
    return counter
  }
}

/// The random numbers of one step of one sample path.
package struct RandomStream: Sendable {
  private let key: SIMD2<UInt32>
  private var counter: SIMD4<UInt32>
  private var spare: Double?

  package init(seed: UInt64, path: Int, step: Int) {
    key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    counter = SIMD4(0, UInt32(truncatingIfNeeded: step), UInt32(truncatingIfNeeded: path), 0)
  }

  /// Above 0 and below 1: the middle of one of 2^52 equal intervals.
  package mutating func uniform() -> Double {
    if let spare {
      self.spare = nil
      return spare
    }
    let words = Philox.words(counter: counter, key: key)
    counter.x &+= 1
    spare = Self.fraction(words.z, words.w)
    return Self.fraction(words.x, words.y)
  }

  private static func fraction(_ high: UInt32, _ low: UInt32) -> Double {
    (Double((UInt64(high) << 32 | UInt64(low)) >> 12) + 0.5) * 0x1p-52
  }
}
