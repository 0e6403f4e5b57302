/// Strict UTF-8 validation (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF), fast where the
/// text is ASCII or has sequences of two bytes, as Hebrew has.
enum UTF8Checker {
  struct Result {
    /// Bytes of complete, valid characters from the start.
    var validCount: Int
    /// True when the next byte cannot be UTF-8; false when the text only ends inside a character.
    var isInvalid: Bool
    /// True when one of them is not ASCII.
    var hasNonASCII: Bool
  }

  /// - Parameter start: the first byte of a character.
  static func check(_ start: UnsafePointer<UInt8>, count: Int) -> Result {
    let raw = UnsafeRawPointer(start)
    var position = 0
    var hasNonASCII = false
    while true {
      position = skipASCII(raw, position, count)
      if position == count { return Result(validCount: count, isInvalid: false, hasNonASCII: hasNonASCII) }
      hasNonASCII = skipShort(raw, &position, count) || hasNonASCII
      if position == count { continue }
      // One character by the general rules; also the end of the text and everything of three or four bytes.
      let length = characterLength(start + position, count - position)
      guard length > 0 else { return Result(validCount: position, isInvalid: length < 0, hasNonASCII: hasNonASCII) }
      if length > 1 { hasNonASCII = true }
      position += length
    }
  }

  private static let highs: UInt64 = 0x8080_8080_8080_8080

  @inline(__always)
  private static func word(_ raw: UnsafeRawPointer, _ offset: Int) -> UInt64 {
    UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  @inline(__always)
  private static func skipASCII(_ raw: UnsafeRawPointer, _ from: Int, _ count: Int) -> Int {
    var position = from
    while position + 32 <= count {
      let any = word(raw, position) | word(raw, position + 8) | word(raw, position + 16) | word(raw, position + 24)
      if any & highs != 0 { break }
      position += 32
    }
    while position + 8 <= count {
      let high = word(raw, position) & highs
      if high != 0 { return position + high.trailingZeroBitCount / 8 }
      position += 8
    }
    while position < count, raw.load(fromByteOffset: position, as: UInt8.self) < 0x80 { position += 1 }
    return position
  }

  /// Skips words of one- and two-byte characters, from the start of a character to the start of one, until a word holds
  /// anything else or only ASCII.
  /// - Returns: true when it skipped a non-ASCII character.
  @inline(__always)
  private static func skipShort(_ raw: UnsafeRawPointer, _ position: inout Int, _ count: Int) -> Bool {
    let from = position
    // 0x80 in the lowest byte when the byte before the word is a lead byte that lacks its continuation.
    var pending: UInt64 = 0
    while position + 8 <= count {
      let word = word(raw, position)
      let high = word & highs
      if high == 0, pending == 0 { break }
      // Bits 6 and 5 of each byte, moved to where bit 7 was.
      let lead = high & (word << 1)
      let continuation = high & ~(word << 1)
      let longLead = lead & (word << 2)
      // 0xC0 and 0xC1 would be overlong: bits 1 to 4 of a lead must not all be 0. The sums stay within a byte.
      let isLongEnough = (word & 0x1E1E_1E1E_1E1E_1E1E) &+ 0x7E7E_7E7E_7E7E_7E7E
      if longLead | (lead & ~isLongEnough) | (continuation ^ (lead << 8 | pending)) != 0 { break }
      pending = lead >> 56
      position += 8
    }
    let hasMoved = position > from
    if pending != 0 { position -= 1 }
    return hasMoved
  }

  /// - Returns: the length of the valid character at `start`; 0 when it is cut off by the end; -1 when invalid.
  static func characterLength(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int {
    let lead = start[0]
    if lead < 0x80 { return 1 }
    let length: Int
    // The second byte's range excludes overlong forms (E0, F0), surrogates (ED) and what is too large (F4).
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch lead {
    case 0xC2...0xDF: length = 2
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: length = 3
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    case 0xF1...0xF3: length = 4
    default: return -1
    }
    guard count > 1 else { return 0 }
    guard second ~= start[1] else { return -1 }
    for index in 2..<max(2, length) {
      guard index < count else { return 0 }
      guard start[index] & 0xC0 == 0x80 else { return -1 }
    }
    return length
  }
}
