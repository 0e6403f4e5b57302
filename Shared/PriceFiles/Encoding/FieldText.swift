/// Turns the raw bytes of character data into clean UTF-8: references resolved, windows-1255 converted, control
/// characters (line breaks within names among them) replaced by blanks.
struct FieldText {
  /// `flagHigh` converts bytes of 0x80 and above from windows-1255.
  var convertsHigh = false
  private(set) var strayAmpersands = 0
  private(set) var badCharacters = 0

  /// The most bytes `count` bytes can become: a windows-1255 byte or a short reference becomes three.
  static func room(for count: Int) -> Int { count * 3 + 4 }

  /// - Parameter resolving: false inside CDATA, where `&` is a character like any other.
  /// - Returns: how many bytes were written.
  mutating func clean(
    _ source: UnsafeBufferPointer<UInt8>, resolving: Bool, into target: UnsafeMutablePointer<UInt8>
  ) -> Int {
    var read = 0
    var written = 0
    while read < source.count {
      let byte = source[read]
      if byte == UInt8(ascii: "&"), resolving {
        if let (scalar, length) = Self.reference(source, read) {
          written += writeUTF8(scalar < 0x20 ? 0x20 : scalar, to: target + written)
          read += length
          continue
        }
        strayAmpersands += 1
      }
      if byte >= 0x80, convertsHigh {
        let scalar = Windows1255.high[Int(byte) - 0x80]
        if scalar == Windows1255.undefined { badCharacters += 1 }
        written += writeUTF8(UInt32(scalar), to: target + written)
      } else {
        target[written] = byte < 0x20 ? 0x20 : byte
        written += 1
      }
      read += 1
    }
    return written
  }

  /// The character a reference at `start` stands for, and the reference's length; nil when it is none of the five
  /// predefined entities and no numeric reference. A number that is no character stands for U+FFFD.
  private static func reference(_ source: UnsafeBufferPointer<UInt8>, _ start: Int) -> (UInt32, Int)? {
    // "&#x0010FFFF;" is as long as a sensible reference gets.
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
        guard let number = hexadecimal(digit), isHexadecimal || number < 10 else { return nil }
        value = min(value &* (isHexadecimal ? 16 : 10) &+ number, 0x110000)
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

  private static func hexadecimal(_ byte: UInt8) -> UInt32? {
    switch byte {
    case 0x30...0x39: UInt32(byte - 0x30)
    case 0x41...0x46: UInt32(byte - 0x37)
    case 0x61...0x66: UInt32(byte - 0x57)
    default: nil
    }
  }
}
