/// The encoding of a file, as detected: declarations are wrong too often and are ignored.
package enum TextEncoding: String, Hashable, Sendable {
  case utf8 = "utf-8"
  /// UTF-8 with a byte order mark.
  case utf8Marked = "utf-8-sig"
  case utf16LittleEndian = "utf-16le"
  case utf16BigEndian = "utf-16be"
  /// Any file without a mark that is not valid UTF-8 from end to end.
  case windows1255 = "windows-1255"

  var isUTF16: Bool { self == .utf16LittleEndian || self == .utf16BigEndian }

  /// Recognises a byte order mark, or UTF-16 without one by its `<`.
  /// - Parameter bytes: the first four bytes of the text, fewer when it is shorter.
  /// - Returns: nil for UTF-8 or windows-1255, which only the rest can tell apart; `markLength` bytes are to be
  ///   skipped.
  static func detect(_ bytes: UnsafeRawBufferPointer) -> (encoding: TextEncoding?, markLength: Int) {
    if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { return (.utf8Marked, 3) }
    guard bytes.count >= 2 else { return (nil, 0) }
    let angle = UInt8(ascii: "<")
    return switch (bytes[0], bytes[1]) {
    case (0xFF, 0xFE): (.utf16LittleEndian, 2)
    case (0xFE, 0xFF): (.utf16BigEndian, 2)
    case (angle, 0): (.utf16LittleEndian, 0)
    case (0, angle): (.utf16BigEndian, 0)
    default: (nil, 0)
    }
  }
}

/// Transcodes UTF-16 to UTF-8 across chunk boundaries.
struct UTF16Transcoder {
  let isBigEndian: Bool
  /// The first byte of a code unit whose second byte is still to come.
  private var half: UInt8?
  private var leadSurrogate: UInt32?
  /// Unpaired surrogates, each written as U+FFFD.
  private(set) var badCharacters = 0

  init(isBigEndian: Bool) { self.isBigEndian = isBigEndian }

  /// Room that `target` needs for `count` bytes of input: three bytes of UTF-8 for each unit, and what was held.
  static func room(for count: Int) -> Int { count / 2 * 3 + 8 }

  /// - Returns: the number of bytes written.
  mutating func transcode(_ source: UnsafeRawBufferPointer, into target: UnsafeMutablePointer<UInt8>) -> Int {
    var written = 0
    for byte in source {
      guard let first = half else {
        half = byte
        continue
      }
      half = nil
      let unit = isBigEndian ? UInt32(first) << 8 | UInt32(byte) : UInt32(byte) << 8 | UInt32(first)
      if let lead = leadSurrogate {
        leadSurrogate = nil
        if 0xDC00...0xDFFF ~= unit {
          let scalar = 0x10000 + (lead - 0xD800) << 10 + (unit - 0xDC00)
          written += writeUTF8(scalar, to: target + written)
          continue
        }
        badCharacters += 1
        written += writeUTF8(0xFFFD, to: target + written)
      }
      switch unit {
      case 0xD800...0xDBFF: leadSurrogate = unit
      case 0xDC00...0xDFFF:
        badCharacters += 1
        written += writeUTF8(0xFFFD, to: target + written)
      default: written += writeUTF8(unit, to: target + written)
      }
    }
    return written
  }
}

/// Writes a scalar as UTF-8 and returns the number of bytes (1 to 4). Surrogates become U+FFFD.
func writeUTF8(_ scalar: UInt32, to target: UnsafeMutablePointer<UInt8>) -> Int {
  var count = 0
  for byte in UTF8.encode(Unicode.Scalar(scalar) ?? "\u{FFFD}") ?? UTF8.encodedReplacementCharacter {
    target[count] = byte
    count += 1
  }
  return count
}
