/// How a text is cut into words, over its UTF-8 bytes.
enum TextWords {
  /// Calls `body` with the range of each run of characters that are no white space.
  @inline(__always)
  static func forEachWord(of text: [UInt8], _ body: (Range<Int>) -> Void) {
    var start = -1
    var index = 0
    while index < text.count {
      let length = blankLength(text, index)
      if length > 0 {
        if start >= 0 { body(start..<index) }
        start = -1
        index += length
      } else {
        if start < 0 { start = index }
        index += 1
      }
    }
    if start >= 0 { body(start..<text.count) }
  }

  /// How many bytes the white space at `index` has; 0 for another character. White space as Python's `str.split` has
  /// it: with the separators U+001C to U+001F.
  @inline(__always)
  private static func blankLength(_ text: [UInt8], _ index: Int) -> Int {
    let byte = text[index]
    if byte < 0x80 { return byte == 0x20 || (0x09...0x0d).contains(byte) || (0x1c...0x1f).contains(byte) ? 1 : 0 }
    guard index + 1 < text.count else { return 0 }
    let second = text[index + 1]
    // U+0085, U+00A0.
    if byte == 0xc2 { return second == 0x85 || second == 0xa0 ? 2 : 0 }
    guard byte >= 0xe1, byte <= 0xe3, index + 2 < text.count else { return 0 }
    let third = text[index + 2]
    switch (byte, second) {
    // U+1680.
    case (0xe1, 0x9a): return third == 0x80 ? 3 : 0
    // U+2000 to U+200A, U+2028, U+2029, U+202F.
    case (0xe2, 0x80): return (0x80...0x8a).contains(third) || [0xa8, 0xa9, 0xaf].contains(third) ? 3 : 0
    // U+205F.
    case (0xe2, 0x81): return third == 0x9f ? 3 : 0
    // U+3000.
    case (0xe3, 0x80): return third == 0x80 ? 3 : 0
    default: return 0
    }
  }

  @inline(__always)
  static func isPunctuation(_ byte: UInt8) -> Bool {
    (0x21...0x2f).contains(byte) || (0x3a...0x40).contains(byte) || (0x5b...0x60).contains(byte)
      || (0x7b...0x7e).contains(byte)
  }

  @inline(__always)
  static func isLetter(_ byte: UInt8) -> Bool { byte >= 0x80 || (0x61...0x7a).contains(byte | 0x20) }
  /// How many bytes the character at `index` has that belongs to no word: ASCII but letters and digits, and the
  /// typographic marks U+2000 to U+207F; 0 for a byte of a word.
  @inline(__always)
  static func markLength(_ text: [UInt8], _ index: Int) -> Int {
    let byte = text[index]
    if byte < 0x80 { return isLetter(byte) || isDigit(byte) ? 0 : 1 }
    guard byte == 0xe2, index + 2 < text.count, text[index + 1] & 0xfe == 0x80 else { return 0 }
    return 3
  }

  /// `'` or U+2019.
  @inline(__always)
  static func isApostrophe(_ text: [UInt8], _ index: Int) -> Bool {
    text[index] == 0x27
      || text[index] == 0xe2 && index + 2 < text.count && text[index + 1] == 0x80 && text[index + 2] == 0x99
  }
  @inline(__always)
  static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
  @inline(__always)
  static func isUpper(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte) }

  /// Appends the lower case of a part of `text`.
  /// - Returns: whether it has letters with a case and all of those are upper case.
  @inline(__always)
  static func lowercase(_ text: [UInt8], _ range: Range<Int>, into lower: inout [UInt8]) -> Bool {
    var (hasUpper, hasLower) = (false, false)
    for index in range {
      let byte = text[index]
      if byte >= 0x80 { return lowercaseBeyondASCII(text, range, into: &lower) }
      if isUpper(byte) { hasUpper = true }
      if (0x61...0x7a).contains(byte) { hasLower = true }
      lower.append(isUpper(byte) ? byte | 0x20 : byte)
    }
    return hasUpper && !hasLower
  }

  private static func lowercaseBeyondASCII(
    _ text: [UInt8], _ range: Range<Int>, into lower: inout [UInt8]
  ) -> Bool {
    lower.removeAll(keepingCapacity: true)
    var (hasUpper, hasLower) = (false, false)
    for scalar in String(decoding: text[range], as: UTF8.self).unicodeScalars {
      let properties = scalar.properties
      if properties.isUppercase { hasUpper = true }
      if properties.isLowercase || properties.generalCategory == .titlecaseLetter { hasLower = true }
      lower += properties.lowercaseMapping.utf8
    }
    return hasUpper && !hasLower
  }
}
