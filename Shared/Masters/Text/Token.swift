/// One word or number of a product's name or brand. The letters lie in the text it belongs to.
struct Token: Sendable {
  /// Of the letters.
  var hash: UInt64
  var start: UInt16
  var count: UInt8
  var traits: Traits
  /// Which letters it has, hashed to 32 bits: says of most pairs of words that they are not alike.
  var letters: UInt32 = 0

  struct Traits: OptionSet, Sendable {
    let rawValue: UInt8
    static let number = Traits(rawValue: 1)
    /// Ends in a mark of abbreviation: `שוק'`.
    static let abbreviated = Traits(rawValue: 2)
    /// Of the brand, whether or not the name says it, too.
    static let brand = Traits(rawValue: 4)
    /// Of the brand and not said by the name.
    static let unnamed = Traits(rawValue: 8)
  }

  var isNumber: Bool { traits.contains(.number) }
  var isBrand: Bool { traits.contains(.brand) }
  var isUnnamed: Bool { traits.contains(.unnamed) }

  @inline(__always)
  static func letters(_ units: UnsafeBufferPointer<UInt16>) -> UInt32 {
    var letters: UInt32 = 0
    for unit in units { letters |= 1 << UInt32(unit & 31) }
    return letters
  }

  @inline(__always)
  static func hash(_ units: UnsafeBufferPointer<UInt16>) -> UInt64 {
    var hash: UInt64 = 0x9e37_79b9_7f4a_7c15
    for unit in units { hash = (hash ^ UInt64(unit)) &* 0xff51_afd7_ed55_8ccd ^ (hash >> 29) }
    return mix(hash)
  }

  /// The finaliser of MurmurHash3.
  @inline(__always)
  static func mix(_ value: UInt64) -> UInt64 {
    var value = value
    value = (value ^ value >> 33) &* 0xff51_afd7_ed55_8ccd
    value = (value ^ value >> 33) &* 0xc4ce_b9fe_1a85_ec53
    return value ^ value >> 33
  }
}

/// Which tokens of a side are left.
struct Bits {
  private var bits: UInt32

  init(count: Int) { bits = count >= 32 ? .max : (1 << UInt32(count)) - 1 }

  var isEmpty: Bool { bits == 0 }
  var count: Int { bits.nonzeroBitCount }
  @inline(__always)
  subscript(_ index: Int) -> Bool { bits >> UInt32(index) & 1 == 1 }
  @inline(__always)
  mutating func insert(_ index: Int) { bits |= 1 << UInt32(index) }
  @inline(__always)
  mutating func remove(_ index: Int) { bits &= ~(1 << UInt32(index)) }
}
