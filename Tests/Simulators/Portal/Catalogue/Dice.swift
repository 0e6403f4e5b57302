/// Random numbers without state: the same question always gets the same answer, so any file can be made on
/// request, in any order, without remembering the ones before it.
///
/// The mixing function is SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014), applied once per part of the question.
struct Dice: Sendable {
  let seed: UInt64

  /// What is asked; keeps the answers to different questions about one thing independent.
  enum Question: UInt64 {
    case carriedByChain = 1, carriedByStore, introduced, changed, announced, newPrice, firstPrice, storeFactor
    case chainFactor, flavour, size, brand, maker, order, updateDay, updateSecond, city, street, promotion, sale
  }

  func roll(_ question: Question, _ a: Int, _ b: Int = 0, _ c: Int = 0, _ d: Int = 0) -> UInt64 {
    var value = Self.mix(seed &+ 0x9e37_79b9_7f4a_7c15 &* question.rawValue)
    value = Self.mix(value ^ UInt64(bitPattern: Int64(a)))
    value = Self.mix(value ^ UInt64(bitPattern: Int64(b)))
    value = Self.mix(value ^ UInt64(bitPattern: Int64(c)))
    return Self.mix(value ^ UInt64(bitPattern: Int64(d)))
  }

  /// Uniform in `0 ..< bound`, up to a bias of bound / 2^64.
  func pick(_ bound: Int, _ question: Question, _ a: Int, _ b: Int = 0, _ c: Int = 0, _ d: Int = 0) -> Int {
    Int(roll(question, a, b, c, d).multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// True with the given probability.
  func chance(
    _ probability: Double, _ question: Question, _ a: Int, _ b: Int = 0, _ c: Int = 0, _ d: Int = 0
  ) -> Bool {
    Double(roll(question, a, b, c, d) >> 11) / 9_007_199_254_740_992 < probability
  }

  private static func mix(_ input: UInt64) -> UInt64 {
    var value = input &+ 0x9e37_79b9_7f4a_7c15
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}
