extension ProductText {
  /// The same for the same words and size, in whatever order the words stand.
  var identity: UInt64 {
    var sum: UInt64 = 0
    for index in 0..<tokenCount { sum &+= Token.mix(tokens[index].hash &+ 0x9e37_79b9_7f4a_7c15) }
    return min(Token.mix(sum ^ Token.mix(size?.word ?? 0)), .max - 2)
  }

  /// The id of a master that has no GTIN: the FNV-1a hash of 128 bits (Fowler, Noll and Vo) over the UTF-8 of its words
  /// in the order of their UTF-16 code units, each followed by a space, then the amount in tenths and its unit; the
  /// highest bit is set.
  package func nameKey() -> MasterKey {
    var order = (0..<tokenCount).map { tokens[$0] }
    for index in order.indices {
      var place = index
      while place > 0, letters(order[place]).lexicographicallyPrecedes(letters(order[place - 1])) {
        order.swapAt(place, place - 1)
        place -= 1
      }
    }
    var hash = UInt128(0x6c62_272e_07bb_0142) << 64 | UInt128(0x62b8_2175_6295_c58d)
    func add(_ byte: UInt8) { hash = (hash ^ UInt128(byte)) &* (UInt128(1) << 88 | UInt128(0x13b)) }
    for token in order {
      for unit in letters(token) {
        // Folded letters are no surrogates, so each is a scalar of its own.
        if unit < 0x80 {
          add(UInt8(unit))
          continue
        }
        if Unicode.Scalar(unit) == nil {
          add(0x20)
          continue
        }
        if unit < 0x800 {
          add(0xC0 | UInt8(unit >> 6))
        } else {
          add(0xE0 | UInt8(unit >> 12))
          add(0x80 | UInt8(unit >> 6 & 0x3F))
        }
        add(0x80 | UInt8(unit & 0x3F))
      }
      add(0x20)
    }
    if let size { for byte in "\(size.tenths)\(size.unit)".utf8 { add(byte) } }
    return MasterKey(nameHash: hash)
  }
}
