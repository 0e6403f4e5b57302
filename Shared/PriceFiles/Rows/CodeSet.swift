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
    guard code.count <= 18, let start = UnsafeRawPointer(code.baseAddress) else { return nil }
    var value: UInt64 = 1
    var position = 0
    if code.count >= 8 {
      let word = UInt64(littleEndian: start.loadUnaligned(as: UInt64.self))
      guard let eight = number(word) else { return nil }
      value = value &* 100_000_000 &+ eight
      position = 8
    }
    while position < code.count {
      let digit = start.load(fromByteOffset: position, as: UInt8.self) &- UInt8(ascii: "0")
      guard digit <= 9 else { return nil }
      value = value &* 10 &+ UInt64(digit)
      position &+= 1
    }
    return value
  }

  /// What eight decimal digits write, the first in the lowest byte: pairs, then fours, then all, side by side.
  /// - Returns: nil when one is no digit.
  @inline(__always)
  private static func number(_ word: UInt64) -> UInt64? {
    let highs: UInt64 = 0x8080_8080_8080_8080
    let digits = word &- 0x3030_3030_3030_3030
    // Nine and less stay below 0x80 when 0x76 is added; what was below "0" has borrowed, and is above.
    guard (digits | (digits &+ 0x7676_7676_7676_7676)) & highs == 0 else { return nil }
    let pairs = (digits &* 10 &+ digits >> 8) & 0x00FF_00FF_00FF_00FF
    let fours = (pairs &* 100 &+ pairs >> 16) & 0x0000_FFFF_0000_FFFF
    return (fours &* 10_000 &+ fours >> 32) & 0xFFFF_FFFF
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
