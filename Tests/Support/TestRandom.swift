import Foundation

/// Reproducible random numbers: SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014) seeded by `SOUK_TEST_SEED`, or at random.
///
/// The seed is printed once per process. Each test gives its own label, so that its numbers do not depend on which
/// other tests run.
package struct TestRandom: RandomNumberGenerator {
  package static let seed: UInt64 = {
    let given = ProcessInfo.processInfo.environment["SOUK_TEST_SEED"].flatMap { UInt64($0) }
    let seed = given ?? UInt64.random(in: .min ... .max)
    print("random tests: repeat with SOUK_TEST_SEED=\(seed)")
    return seed
  }()
  private var state: UInt64

  package init(_ label: String) {
    // FNV-1a, because `Hasher` is seeded differently in every process.
    state = label.utf8.reduce(Self.seed ^ 0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  /// The same numbers in every run.
  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
