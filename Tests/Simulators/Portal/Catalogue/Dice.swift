import SimulatorServer

/// Stateless random numbers: equal inputs give equal numbers, so files can be generated in any order.
struct Dice: Sendable {
  let seed: UInt64

  /// The purpose of the number; numbers for different purposes are independent.
  enum Question: UInt64 {
    case carriedByChain = 1, carriedByStore, introduced, changed, announced, newPrice, firstPrice, storeFactor
    case chainFactor, flavour, size, brand, maker, order, updateDay, updateSecond, city, street, promotion, sale
  }

  func roll(_ question: Question, _ a: Int, _ b: Int = 0, _ c: Int = 0, _ d: Int = 0) -> UInt64 {
    var value = splitMix64(seed &+ 0x9e37_79b9_7f4a_7c15 &* question.rawValue)
    value = splitMix64(value ^ UInt64(bitPattern: Int64(a)))
    value = splitMix64(value ^ UInt64(bitPattern: Int64(b)))
    value = splitMix64(value ^ UInt64(bitPattern: Int64(c)))
    return splitMix64(value ^ UInt64(bitPattern: Int64(d)))
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
}
