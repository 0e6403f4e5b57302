

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

/// The part of the text in memory: bytes are appended after `end`, read from `position`, and discarded at the front.
/// One allocation serves a file of any size.
struct TextWindow: ~Copyable {
  /// Bytes that may be read (not used) before `base` and after `end`, so that words and vectors need no tail code.
  static let padding = 32

  let base: UnsafeMutablePointer<UInt8>
  let capacity: Int
  /// The next byte to read.
  var position = 0
  /// After the last byte of complete, valid text.
  var end = 0
  /// After the last byte: a character cut by a chunk lies between `end` and here.
  var filled = 0
  /// Bytes and line breaks discarded so far.
  private(set) var discarded = 0
  private var discardedLines = 0

  init(capacity: Int) {
    self.capacity = capacity
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity + 2 * Self.padding)
    memory.initialize(repeating: 0, count: capacity + 2 * Self.padding)
    base = memory + Self.padding
  }

  deinit { (base - Self.padding).deallocate() }

  var free: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: base + filled, count: capacity - filled)
  }

  /// Discards everything before `keep` and moves the rest to the front.
  /// - Returns: the decrease of offsets into the window.
  mutating func discard(before keep: Int) -> Int {
    guard keep > 0 else { return 0 }
    discardedLines += Self.lineBreaks(base, keep)
    discarded += keep
    base.update(from: base + keep, count: filled - keep)
    position -= keep
    end -= keep
    filled -= keep
    return keep
  }

  /// Bytes from the start of the text, and the 1-based line.
  func place(of offset: Int) -> (offset: Int, line: Int) {
    (discarded + offset, discardedLines + Self.lineBreaks(base, offset) + 1)
  }

  func defect(_ outcome: PriceFileOutcome, code: String, _ message: String, at offset: Int) -> FileDefect {
    let place = place(of: offset)
    return FileDefect(outcome, code: code, message, offset: place.offset, line: place.line)
  }

  private static func lineBreaks(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int {
    let raw = UnsafeRawPointer(start)
    let breaks = SIMD16<UInt8>(repeating: UInt8(ascii: "\n"))
    let ones = SIMD16<UInt8>(repeating: 1)
    var total = 0
    var position = 0
    while position + 16 <= count {
      // Each lane counts one column of up to 255 vectors.
      var lanes = SIMD16<UInt8>(repeating: 0)
      let blockEnd = min(position + 255 * 16, count - 15)
      while position < blockEnd {
        let bytes = raw.loadUnaligned(fromByteOffset: position, as: SIMD16<UInt8>.self)
        lanes &+= ones.replacing(with: 0, where: bytes .!= breaks)
        position &+= 16
      }
      for lane in 0..<16 { total += Int(lanes[lane]) }
    }
    while position < count {
      if start[position] == UInt8(ascii: "\n") { total += 1 }
      position += 1
    }
    return total
  }
}
