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
