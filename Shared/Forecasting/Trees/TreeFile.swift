/// Checks bytes before XGBoost reads them. Its UBJ reader (https://ubjson.org, in XGBoost's dialect) trusts every
/// length and reads beyond the end of a truncated file; its JSON reader trusts the nesting depth.
struct TreeFile {
  static let maxDepth = 64

  private let bytes: UnsafeRawBufferPointer
  private var place = 0

  static func isWhole(_ bytes: [UInt8]) -> Bool {
    guard bytes.count > 2, bytes[0] == UInt8(ascii: "{") else { return false }
    // XGBoost tells the two formats apart by the second byte.
    if bytes[1] == UInt8(ascii: "\"") { return isShallowJSON(bytes) }
    return bytes.withUnsafeBytes { buffer in
      var file = TreeFile(bytes: buffer)
      return file.skipValue(depth: 0) && file.place == buffer.count
    }
  }

  private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  private static func isShallowJSON(_ bytes: [UInt8]) -> Bool {
    var depth = 0
    var isString = false, isEscaped = false
    for byte in bytes {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\"") {
        isString.toggle()
      } else if isString {
        isEscaped = byte == UInt8(ascii: "\\")
      } else if byte | 0x20 == UInt8(ascii: "{") {
        // `{` and `[` differ in one bit, and so do `}` and `]`.
        depth += 1
        if depth > maxDepth { return false }
      } else if byte | 0x20 == UInt8(ascii: "}") {
        depth -= 1
      }
    }
    return depth == 0 && !isString
  }

  private mutating func next() -> UInt8? {
    guard place < bytes.count else { return nil }
    place += 1
    return bytes[place - 1]
  }

  private mutating func skip(_ count: Int) -> Bool {
    guard count >= 0, count <= bytes.count - place else { return false }
    place += count
    return true
  }

  /// `L` and a big-endian count of eight bytes; each counted item takes `unit` bytes or more.
  private mutating func length(unit: Int) -> Int? {
    guard next() == UInt8(ascii: "L"), bytes.count - place >= 8 else { return nil }
    let raw = Int64(bigEndian: bytes.loadUnaligned(fromByteOffset: place, as: Int64.self))
    place += 8
    guard raw >= 0, raw <= Int64((bytes.count - place) / unit) else { return nil }
    return Int(raw)
  }

  private static func size(_ type: UInt8) -> Int? {
    switch type {
    case UInt8(ascii: "i"), UInt8(ascii: "U"), UInt8(ascii: "C"): 1
    case UInt8(ascii: "I"): 2
    case UInt8(ascii: "l"), UInt8(ascii: "d"): 4
    case UInt8(ascii: "L"), UInt8(ascii: "D"): 8
    default: nil
    }
  }

  private mutating func skipString() -> Bool {
    guard let count = length(unit: 1) else { return false }
    return skip(count)
  }

  private mutating func skipValue(depth: Int) -> Bool {
    guard depth < Self.maxDepth, let type = next() else { return false }
    if let size = Self.size(type) { return skip(size) }
    switch type {
    case UInt8(ascii: "Z"), UInt8(ascii: "T"), UInt8(ascii: "F"): return true
    case UInt8(ascii: "S"): return skipString()
    case UInt8(ascii: "{"): return skipObject(depth: depth)
    case UInt8(ascii: "["): return skipArray(depth: depth)
    default: return false
    }
  }

  private mutating func skipObject(depth: Int) -> Bool {
    while place < bytes.count {
      if bytes[place] == UInt8(ascii: "}") { return skip(1) }
      guard skipString(), skipValue(depth: depth + 1) else { return false }
    }
    return false
  }

  private mutating func skipArray(depth: Int) -> Bool {
    guard place < bytes.count else { return false }
    switch bytes[place] {
    case UInt8(ascii: "$"):
      place += 1
      guard let type = next(), let size = Self.size(type), next() == UInt8(ascii: "#"),
        let count = length(unit: size)
      else { return false }
      return skip(count * size)
    case UInt8(ascii: "#"):
      place += 1
      guard let count = length(unit: 1) else { return false }
      for _ in 0..<count where !skipValue(depth: depth + 1) { return false }
      return true
    default:
      while place < bytes.count {
        if bytes[place] == UInt8(ascii: "]") { return skip(1) }
        guard skipValue(depth: depth + 1) else { return false }
      }
      return false
    }
  }
}
