/// The encoding a file turned out to be in. Declarations are ignored: they are wrong too often.
package enum TextEncoding: String, Hashable, Sendable {
  case utf8 = "utf-8"
  /// UTF-8 with a byte order mark.
  case utf8Marked = "utf-8-sig"
  case utf16LittleEndian = "utf-16le"
  case utf16BigEndian = "utf-16be"
  /// Any file that is not valid UTF-8 from end to end and has no mark.
  case windows1255 = "windows-1255"

  var isUTF16: Bool { self == .utf16LittleEndian || self == .utf16BigEndian }

  /// Recognises a byte order mark, or UTF-16 without one by its `<`.
  /// - Parameter bytes: the first four bytes of the text, fewer when it is shorter.
  /// - Returns: nil when UTF-8 or windows-1255, which only the rest can tell; `markLength` bytes are to be skipped.
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
