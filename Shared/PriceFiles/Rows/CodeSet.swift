/// The item codes of one file, to find repeats and the newest of them. A code of up to 18 digits is a 64-bit number
/// with a leading 1, so that leading zeros count, in a flat table with open addressing. Other codes are rare and go to
/// a dictionary.
struct CodeSet {
  private var slots: [UInt64]
  private var mask: Int
  private var used = 0
  private var others: [[UInt8]: Int64] = [:]
  /// Update time of each code's newest row, by slot.
  private var stamps: [Int64]

  enum Place: Equatable {
    case first
    /// Another row has the code and is not older.
    case repeated
    /// Another row has the code and is older.
    case newer
  }

  init() {
    slots = [UInt64](repeating: 0, count: 1 << 12)
    stamps = [Int64](repeating: .min, count: 1 << 12)
    mask = slots.count - 1
  }

  var count: Int { used + others.count }

  /// - Parameter stamp: grows with the row's update time; of rows without one the first is the newest.
  mutating func insert(_ code: UnsafeBufferPointer<UInt8>, stamp: Int64 = .min) -> Place {
    guard let packed = Self.packed(code) else {
      let code = Array(code)
      guard let known = others[code] else {
        others[code] = stamp
        return .first
      }
      guard stamp > known else { return .repeated }
      others[code] = stamp
      return .newer
    }
    if used * 2 >= slots.count { grow() }
    var index = Self.spread(packed) & mask
    while slots[index] != 0 {
      if slots[index] == packed {
        guard stamp > stamps[index] else { return .repeated }
        stamps[index] = stamp
        return .newer
      }
      index = (index + 1) & mask
    }
    slots[index] = packed
    stamps[index] = stamp
    used += 1
    return .first
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

  /// The value of eight decimal digits, the first in the lowest byte: pairs, then fours, then all, in parallel.
  /// - Returns: nil when a byte is not a digit.
  @inline(__always)
  private static func number(_ word: UInt64) -> UInt64? {
    let highs: UInt64 = 0x8080_8080_8080_8080
    let digits = word &- 0x3030_3030_3030_3030
    // Digits stay below 0x80 when 0x76 is added; bytes below "0" have borrowed and are above.
    guard (digits | (digits &+ 0x7676_7676_7676_7676)) & highs == 0 else { return nil }
    let pairs = (digits &* 10 &+ digits >> 8) & 0x00FF_00FF_00FF_00FF
    let fours = (pairs &* 100 &+ pairs >> 16) & 0x0000_FFFF_0000_FFFF
    return (fours &* 10_000 &+ fours >> 32) & 0xFFFF_FFFF
  }

  /// Multiplicative hashing (Knuth, TAOCP 6.4); the high bits are well mixed.
  @inline(__always)
  private static func spread(_ value: UInt64) -> Int {
    Int(truncatingIfNeeded: (value &* 0x9E37_79B9_7F4A_7C15) >> 32)
  }

  private mutating func grow() {
    let (old, oldStamps) = (slots, stamps)
    slots = [UInt64](repeating: 0, count: old.count * 2)
    stamps = [Int64](repeating: .min, count: old.count * 2)
    mask = slots.count - 1
    for (place, packed) in old.enumerated() where packed != 0 {
      var index = Self.spread(packed) & mask
      while slots[index] != 0 { index = (index + 1) & mask }
      slots[index] = packed
      stamps[index] = oldStamps[place]
    }
  }
}
