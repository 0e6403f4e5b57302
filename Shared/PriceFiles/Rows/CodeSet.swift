/// The item codes of one file, for finding repeats. A code of up to 18 digits is one 64-bit number with a leading
/// 1 in front, so that leading zeros count; those live in a flat table with open addressing. Anything else is rare
/// and goes to an ordinary set.
struct CodeSet {
  private var slots: [UInt64]
  private var mask: Int
  private var used = 0
  private var others: Set<[UInt8]> = []

  init() {
    slots = [UInt64](repeating: 0, count: 1 << 12)
    mask = slots.count - 1
  }

  var count: Int { used + others.count }

  /// - Returns: true when the code was not there yet.
  mutating func insert(_ code: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let packed = Self.packed(code) else { return others.insert(Array(code)).inserted }
    if used * 2 >= slots.count { grow() }
    var index = Self.spread(packed) & mask
    while slots[index] != 0 {
      if slots[index] == packed { return false }
      index = (index + 1) & mask
    }
    slots[index] = packed
    used += 1
    return true
  }

  @inline(__always)
  private static func packed(_ code: UnsafeBufferPointer<UInt8>) -> UInt64? {
    guard code.count <= 18 else { return nil }
    var value: UInt64 = 1
    for byte in code {
      let digit = byte &- UInt8(ascii: "0")
      guard digit <= 9 else { return nil }
      value = value &* 10 &+ UInt64(digit)
    }
    return value
  }

  /// Multiplicative hashing (Knuth, TAOCP 6.4); the high bits are the well mixed ones.
  @inline(__always)
  private static func spread(_ value: UInt64) -> Int {
    Int(truncatingIfNeeded: (value &* 0x9E37_79B9_7F4A_7C15) >> 32)
  }

  private mutating func grow() {
    let old = slots
    slots = [UInt64](repeating: 0, count: old.count * 2)
    mask = slots.count - 1
    for packed in old where packed != 0 {
      var index = Self.spread(packed) & mask
      while slots[index] != 0 { index = (index + 1) & mask }
      slots[index] = packed
    }
  }
}
