

/// Finds the end of character data, eight bytes at a time, and checks on the way whether the bytes can be used
/// unchanged.
///
/// The byte tests are those of S. E. Anderson, "Bit Twiddling Hacks", "Determine if a word has a zero byte" and "...
/// less than n": exact up to and including the first hit, which is all that is used.
enum TextScan {
  private static let ones: UInt64 = 0x0101_0101_0101_0101
  private static let highs: UInt64 = 0x8080_8080_8080_8080

  /// - Parameters:
  ///   - flaggingHigh: `highs` to flag bytes from 0x80 on too, 0 to let them pass.
  /// - Returns: the position of the first `<` in `from..<end`, or `end`; and whether a `&`, a control character or a
  ///   flagged high byte comes before it.
  @inline(__always)
  static func toAngle(
    _ base: UnsafeMutablePointer<UInt8>, from: Int, end: Int, flaggingHigh: UInt64
  ) -> (position: Int, isSpecial: Bool) {
    let raw = UnsafeRawPointer(base)
    var position = from
    var special: UInt64 = 0
    while position < end {
      let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      let angle = hasByte(word, 0x3C)
      let found = hasByte(word, 0x26) | hasControl(word) | (word & flaggingHigh)
      if angle != 0 {
        let bit = angle.trailingZeroBitCount
        let at = position + bit / 8
        if at >= end { return finish(base, position, end, special, flaggingHigh) }
        // Bits below the hit belong to the bytes before it.
        return (at, special | (found & ((1 << UInt64(bit - 7)) &- 1)) != 0)
      }
      if position + 8 > end { return finish(base, position, end, special, flaggingHigh) }
      special |= found
      position += 8
    }
    return (end, special != 0)
  }

  static let flagHigh = highs

  @inline(__always)
  private static func hasByte(_ word: UInt64, _ byte: UInt64) -> UInt64 {
    let difference = word ^ (byte &* ones)
    return (difference &- ones) & ~difference & highs
  }

  @inline(__always)
  private static func hasControl(_ word: UInt64) -> UInt64 {
    (word &- 0x20 &* ones) & ~word & highs
  }

  /// The last few bytes before `end`, one by one.
  private static func finish(
    _ base: UnsafeMutablePointer<UInt8>, _ from: Int, _ end: Int, _ special: UInt64, _ flaggingHigh: UInt64
  ) -> (position: Int, isSpecial: Bool) {
    var isSpecial = special != 0
    for position in from..<end {
      let byte = base[position]
      if byte == 0x3C { return (position, isSpecial) }
      if byte == 0x26 || byte < 0x20 || (flaggingHigh != 0 && byte >= 0x80) { isSpecial = true }
    }
    return (end, isSpecial)
  }
}

/// A token's kind; its position is in the tokenizer's fields until the next token.
enum XMLToken {
  /// The window holds no complete token: append more and ask again.
  case needsMore
  /// `<name ...>`, or `<name .../>` when `isSelfClosing` (no end tag follows then).
  case startTag
  /// When `isImplied`, the element's end tag is missing: that of an outer element was read.
  case endTag
  /// An end tag without an open element.
  case strayEndTag
  /// Characters between tags, references not resolved. Never empty.
  case text
  /// The content of a CDATA section; nothing in it is markup.
  case cdata
}

/// Byte classes of names. Non-ASCII bytes count as name characters, whatever XML allows.
enum XMLNameByte {
  @inline(__always)
  static func isStart(_ byte: UInt8) -> Bool {
    (byte | 0x20) &- UInt8(ascii: "a") < 26 || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ":") || byte >= 0x80
  }

  @inline(__always)
  static func isInside(_ byte: UInt8) -> Bool {
    isStart(byte) || byte &- UInt8(ascii: "0") < 10 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
  }

  @inline(__always)
  static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
  }

  /// True for a byte that may follow the `<` of a tag, comment, section or instruction.
  @inline(__always)
  static func mayFollowAngle(_ byte: UInt8) -> Bool {
    isStart(byte) || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "!") || byte == UInt8(ascii: "?")
  }

  static func equalWithoutCase(_ left: UInt8, _ right: UInt8) -> Bool {
    func lowercased(_ byte: UInt8) -> UInt8 { byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte }
    return lowercased(left) == lowercased(right)
  }
}
