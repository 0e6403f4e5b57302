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

/// windows-1255, the Hebrew code page: ASCII below 0x80, this table above.
///
/// Source: unicode.org, Mappings/VENDORS/MICSFT/WINDOWS/CP1255.TXT. Positions it leaves undefined are U+FFFD.
enum Windows1255 {
  /// The character of byte `0x80 + index`; all lie in the Basic Multilingual Plane.
  static let high: [UInt16] = [
    0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
    0x02C6, 0x2030, 0xFFFD, 0x2039, 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD,
    0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
    0x02DC, 0x2122, 0xFFFD, 0x203A, 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD,
    0x00A0, 0x00A1, 0x00A2, 0x00A3, 0x20AA, 0x00A5, 0x00A6, 0x00A7,
    0x00A8, 0x00A9, 0x00D7, 0x00AB, 0x00AC, 0x00AD, 0x00AE, 0x00AF,
    0x00B0, 0x00B1, 0x00B2, 0x00B3, 0x00B4, 0x00B5, 0x00B6, 0x00B7,
    0x00B8, 0x00B9, 0x00F7, 0x00BB, 0x00BC, 0x00BD, 0x00BE, 0x00BF,
    0x05B0, 0x05B1, 0x05B2, 0x05B3, 0x05B4, 0x05B5, 0x05B6, 0x05B7,
    0x05B8, 0x05B9, 0xFFFD, 0x05BB, 0x05BC, 0x05BD, 0x05BE, 0x05BF,
    0x05C0, 0x05C1, 0x05C2, 0x05C3, 0x05F0, 0x05F1, 0x05F2, 0x05F3,
    0x05F4, 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD,
    0x05D0, 0x05D1, 0x05D2, 0x05D3, 0x05D4, 0x05D5, 0x05D6, 0x05D7,
    0x05D8, 0x05D9, 0x05DA, 0x05DB, 0x05DC, 0x05DD, 0x05DE, 0x05DF,
    0x05E0, 0x05E1, 0x05E2, 0x05E3, 0x05E4, 0x05E5, 0x05E6, 0x05E7,
    0x05E8, 0x05E9, 0x05EA, 0xFFFD, 0xFFFD, 0x200E, 0x200F, 0xFFFD,
  ]

  /// UTF-8 of byte `0x80 + index`: its one to three bytes in the low ones, their number in the highest.
  nonisolated(unsafe) static let utf8: UnsafePointer<UInt32> = {
    let table = UnsafeMutablePointer<UInt32>.allocate(capacity: 128)
    var bytes = [UInt8](repeating: 0, count: 4)
    for index in 0..<128 {
      let count = bytes.withUnsafeMutableBufferPointer { writeUTF8(UInt32(high[index]), to: $0.baseAddress!) }
      let packed = (0..<count).reduce(UInt32(count) << 24) { $0 | UInt32(bytes[$1]) << UInt32(8 * $1) }
      (table + index).initialize(to: packed)
    }
    return UnsafePointer(table)
  }()
}
