/// UTF-16 to UTF-8, over chunk boundaries.
struct UTF16Transcoder {
  let isBigEndian: Bool
  /// The first byte of a code unit whose second byte is not there yet.
  private var half: UInt8?
  private var leadSurrogate: UInt32?
  /// Surrogates without their partner, each written as U+FFFD.
  private(set) var badCharacters = 0

  init(isBigEndian: Bool) { self.isBigEndian = isBigEndian }

  /// Room `target` must have for `count` bytes of input: three bytes of UTF-8 for each unit, and what was held.
  static func room(for count: Int) -> Int { count / 2 * 3 + 8 }

  /// - Returns: how many bytes were written.
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
