import Values

extension JSONReader {
  /// The value as a string, in place, validated.
  @inline(__always)
  package mutating func slice() throws(DecodingFailure) -> Slice {
    guard peek() == UInt8(ascii: "\"") else { throw unexpected("expected a string") }
    position += 1
    return try scanString()
  }

  /// The value as a string.
  package mutating func string() throws(DecodingFailure) -> String {
    text(try slice())
  }

  /// The value as a string, or nil for `null`.
  package mutating func stringOrNull() throws(DecodingFailure) -> String? {
    isNull() ? nil : text(try slice())
  }

  /// The value as one of the strings of `Value`; others are `bad_value`.
  package mutating func value<Value: RawRepresentable<String>>(
    _: Value.Type, field: String
  ) throws(DecodingFailure) -> Value {
    let start = position
    guard let value = Value(rawValue: try string()) else {
      throw DecodingFailure(.badValue, at: start, "not one of the values that are allowed here", field: field)
    }
    return value
  }

  /// The text of a slice of this reader, with its escapes resolved.
  package func text(_ slice: Slice) -> String {
    if slice.isEscaped {
      return String(unsafeUninitializedCapacity: slice.count) { unescape(slice, to: $0.baseAddress!) }
    }
    return bytes.extracting(slice.offset..<(slice.offset + slice.count)).withUnsafeBytes { text in
      // The scan has validated it, so it is not done again.
      String(copying: UTF8Span(unchecked: text.bindMemory(to: UInt8.self).span))
    }
  }

  /// Resolves the escapes of a slice.
  /// - Parameter target: has room for `slice.count` bytes, which is always enough.
  /// - Returns: how many bytes were written.
  func unescape(_ slice: Slice, to target: UnsafeMutablePointer<UInt8>) -> Int {
    var read = slice.offset
    let end = slice.offset + slice.count
    var written = 0
    while read < end {
      let byte = bytes.byte(read)
      guard byte == UInt8(ascii: "\\") else {
        target[written] = byte
        written += 1
        read += 1
        continue
      }
      let escape = bytes.byte(read + 1)
      read += 2
      switch escape {
      case UInt8(ascii: "n"): target[written] = 0x0a
      case UInt8(ascii: "r"): target[written] = 0x0d
      case UInt8(ascii: "t"): target[written] = 0x09
      case UInt8(ascii: "b"): target[written] = 0x08
      case UInt8(ascii: "f"): target[written] = 0x0c
      case UInt8(ascii: "u"):
        var scalar = UInt32(hexadecimal(at: read))
        read += 4
        if scalar & 0xfc00 == 0xd800 {
          // The scan has made sure that `\uDC00...\uDFFF` follows.
          scalar = 0x10000 + (scalar & 0x3ff) << 10 + UInt32(hexadecimal(at: read + 2) & 0x3ff)
          read += 6
        }
        written += encode(scalar, to: target + written)
        continue
      default: target[written] = escape  // quote, backslash, slash
      }
      written += 1
    }
    return written
  }

  /// Reads a string's contents up to and with its closing quote; the opening one is already read.
  mutating func scanString() throws(DecodingFailure) -> Slice {
    let start = position
    let end = bytes.byteCount
    var position = start
    var isEscaped = false
    while true {
      while position + 8 <= end {
        let special = needsAttention(bytes.word(position))
        guard special == 0 else {
          position += special.trailingZeroBitCount >> 3
          break
        }
        position += 8
      }
      guard position < end else { throw DecodingFailure(.malformedJSON, at: end, "the message ends within a string") }
      switch bytes.byte(position) {
      case UInt8(ascii: "\""):
        self.position = position + 1
        return Slice(offset: start, count: position - start, isEscaped: isEscaped)
      case UInt8(ascii: "\\"):
        isEscaped = true
        position = try scanEscape(at: position)
      case 0x80...:
        while position + 8 <= end, bytes.isFourPairs(bytes.word(position)) { position += 8 }
        while position < end, bytes.byte(position) >= 0x80 {
          let sequence = bytes.utf8SequenceLength(at: position)
          guard sequence > 0 else { throw DecodingFailure(.invalidUTF8, at: position, "malformed UTF-8") }
          position += sequence
        }
      case 0..<0x20:
        throw DecodingFailure(.malformedJSON, at: position, "an unescaped control character in a string")
      default:
        position += 1
      }
    }
  }

  /// Validates the escape at `start`, a pair of surrogates as one, and returns the place after it.
  @inline(never)
  private func scanEscape(at start: Int) throws(DecodingFailure) -> Int {
    guard start + 1 < bytes.byteCount else {
      throw DecodingFailure(.malformedJSON, at: bytes.byteCount, "the message ends within an escape")
    }
    switch bytes.byte(start + 1) {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      return start + 2
    case UInt8(ascii: "u"): break
    default: throw DecodingFailure(.malformedJSON, at: start, "an escape that JSON does not have")
    }
    let unit = try unitOfEscape(at: start)
    guard unit & 0xf800 == 0xd800 else { return start + 6 }
    let next = start + 6
    guard unit < 0xdc00, next + 1 < bytes.byteCount, bytes.byte(next) == UInt8(ascii: "\\"),
      bytes.byte(next + 1) == UInt8(ascii: "u"), try unitOfEscape(at: next) & 0xfc00 == 0xdc00
    else { throw DecodingFailure(.malformedJSON, at: start, "half of a surrogate pair") }
    return next + 6
  }

  /// The UTF-16 code unit of the `\uXXXX` at `start`.
  private func unitOfEscape(at start: Int) throws(DecodingFailure) -> UInt16 {
    guard start + 6 <= bytes.byteCount else {
      throw DecodingFailure(.malformedJSON, at: bytes.byteCount, "the message ends within an escape")
    }
    for offset in (start + 2)..<(start + 6) {
      switch bytes.byte(offset) {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
        UInt8(ascii: "A")...UInt8(ascii: "F"): continue
      default: throw DecodingFailure(.malformedJSON, at: start, "an escape needs four hexadecimal digits")
      }
    }
    return hexadecimal(at: start + 2)
  }

  /// Four hexadecimal digits that were validated before.
  private func hexadecimal(at offset: Int) -> UInt16 {
    var value: UInt16 = 0
    for position in offset..<(offset + 4) {
      let digit = bytes.byte(position)
      // '0'...'9' have bit 0x40 clear; letters have it set and their low four bits count from 1.
      value = value << 4 | UInt16(digit & 0x40 == 0 ? digit & 0xf : digit & 0xf + 9)
    }
    return value
  }

  /// A key that the word comparison did not find: unknown, escaped, or too near the end of the buffer.
  @inline(never)
  mutating func slowKey(_ names: FieldNames) throws(DecodingFailure) -> Int? {
    let slice = try scanString()
    if slice.isEscaped { return names.index(of: text(slice).utf8) }
    return bytes.extracting(slice.offset..<(slice.offset + slice.count)).withUnsafeBytes { names.index(of: $0) }
  }
}

/// Writes a Unicode scalar as UTF-8 and returns how many bytes it took.
@inline(__always)
private func encode(_ scalar: UInt32, to target: UnsafeMutablePointer<UInt8>) -> Int {
  func low(_ shift: UInt32) -> UInt8 { 0x80 | UInt8(truncatingIfNeeded: scalar >> shift) & 0x3f }
  switch scalar {
  case 0..<0x80:
    target[0] = UInt8(truncatingIfNeeded: scalar)
    return 1
  case 0x80..<0x800:
    target[0] = 0xc0 | UInt8(truncatingIfNeeded: scalar >> 6)
    target[1] = low(0)
    return 2
  case 0x800..<0x10000:
    target[0] = 0xe0 | UInt8(truncatingIfNeeded: scalar >> 12)
    target[1] = low(6)
    target[2] = low(0)
    return 3
  default:
    target[0] = 0xf0 | UInt8(truncatingIfNeeded: scalar >> 18)
    target[1] = low(12)
    target[2] = low(6)
    target[3] = low(0)
    return 4
  }
}
