import Core

/// Turns raw character data into clean UTF-8: resolves references, converts windows-1255, and replaces control
/// characters (line breaks inside names among them) with spaces.
struct FieldText {
  /// Convert bytes from 0x80 on from windows-1255.
  var convertsHigh = false
  private(set) var strayAmpersands = 0
  private(set) var badCharacters = 0

  /// Most bytes that `count` bytes can become: a windows-1255 byte or a short reference becomes three.
  static func room(for count: Int) -> Int { count * 3 + 8 }

  /// - Parameter resolving: false inside CDATA, where `&` is an ordinary character.
  /// - Returns: the number of bytes written.
  mutating func clean(
    _ source: UnsafeBufferPointer<UInt8>, resolving: Bool, into target: UnsafeMutablePointer<UInt8>
  ) -> Int {
    guard let base = UnsafeRawPointer(source.baseAddress) else { return 0 }
    let table = Windows1255.utf8
    let high = convertsHigh
    var read = 0
    var written = 0
    while read < source.count {
      if read &+ 8 <= source.count {
        let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: read, as: UInt64.self))
        let special = Self.special(word, flaggingHigh: high ? TextScan.flagHigh : 0)
        // The whole word is stored before the plain part is known: the target has room.
        UnsafeMutableRawPointer(target + written).storeBytes(of: word.littleEndian, as: UInt64.self)
        if special == 0 {
          read &+= 8
          written &+= 8
          continue
        }
        let plain = special.trailingZeroBitCount / 8
        read &+= plain
        written &+= plain
      }
      let byte = base.load(fromByteOffset: read, as: UInt8.self)
      if high, byte >= 0x80 {
        // Hebrew words are runs of such bytes.
        var byte = byte
        repeat {
          let packed = table[Int(byte &- 0x80)]
          if packed == Self.undefined { badCharacters += 1 }
          UnsafeMutableRawPointer(target + written).storeBytes(of: packed.littleEndian, as: UInt32.self)
          written &+= Int(packed >> 24)
          read &+= 1
          byte = read < source.count ? base.load(fromByteOffset: read, as: UInt8.self) : 0
        } while byte >= 0x80
        continue
      }
      if byte == UInt8(ascii: "&"), resolving {
        if let (scalar, length) = Self.reference(source, read) {
          written += writeUTF8(scalar < 0x20 ? 0x20 : scalar, to: target + written)
          read += length
          continue
        }
        strayAmpersands += 1
      }
      target[written] = byte < 0x20 ? 0x20 : byte
      written += 1
      read += 1
    }
    return written
  }

  /// U+FFFD as ``Windows1255/utf8`` has it.
  private static let undefined: UInt32 = 0x03BD_BFEF

  /// The high bit of each byte that is `&`, a control character, or flagged as high; bits above the lowest set one may
  /// be wrong.
  @inline(__always)
  private static func special(_ word: UInt64, flaggingHigh: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let ampersand = word ^ (ones &* 0x26)
    let found = ((ampersand &- ones) & ~ampersand) | ((word &- ones &* 0x20) & ~word)
    return (found & TextScan.flagHigh) | (word & flaggingHigh)
  }

  /// The character of the reference at `start`, and the reference's length; nil for anything but the five predefined
  /// entities and numeric references. An invalid number becomes U+FFFD.
  private static func reference(_ source: UnsafeBufferPointer<UInt8>, _ start: Int) -> (UInt32, Int)? {
    // "&#x0010FFFF;" is the longest sensible reference.
    let limit = min(source.count, start + 12)
    guard let end = (start..<limit).first(where: { source[$0] == UInt8(ascii: ";") }) else { return nil }
    let name = source[(start + 1)..<end]
    let length = end - start + 1
    if name.first == UInt8(ascii: "#") {
      let isHexadecimal = name.dropFirst().first == UInt8(ascii: "x")
      let digits = name.dropFirst(isHexadecimal ? 2 : 1)
      guard !digits.isEmpty else { return nil }
      var value: UInt32 = 0
      for digit in digits {
        guard let number = Hex.value(digit), isHexadecimal || number < 10 else { return nil }
        value = min(value &* (isHexadecimal ? 16 : 10) &+ UInt32(number), 0x110000)
      }
      return (value == 0 ? 0xFFFD : value, length)
    }
    for (entity, character) in entities where name.elementsEqual(entity.utf8) {
      return (UInt32(character.value), length)
    }
    return nil
  }

  private static let entities: [(String, Unicode.Scalar)] = [
    ("amp", "&"), ("quot", "\""), ("apos", "'"), ("lt", "<"), ("gt", ">"),
  ]
}
