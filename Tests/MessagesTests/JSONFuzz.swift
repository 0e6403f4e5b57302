@testable import Messages

/// Inputs for a JSON reader: valid texts in every spelling, mutations of them, and noise.
enum JSONFuzz {
  /// One third of each kind.
  static func input(_ random: inout Seeded) -> [UInt8] {
    switch random.below(3) {
    case 0: return valid(&random)
    case 1: return mutated(valid(&random), &random)
    default: return noise(&random)
    }
  }

  static func valid(_ random: inout Seeded) -> [UInt8] {
    var bytes: [UInt8] = []
    value(&bytes, depth: 4, &random)
    blanks(&bytes, &random)
    return bytes
  }

  static func mutated(_ bytes: [UInt8], _ random: inout Seeded) -> [UInt8] {
    var bytes = bytes
    for _ in 0...random.below(3) {
      let place = random.below(bytes.count + 1)
      switch random.below(5) {
      case 0 where place < bytes.count: bytes[place] = random.pick(interesting)
      case 1 where place < bytes.count: bytes.remove(at: place)
      case 2: bytes.insert(random.pick(interesting), at: place)
      case 3: bytes.removeSubrange(place..<min(bytes.count, place + random.below(4)))
      default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 1 + random.below(6))], at: place)
      }
    }
    return bytes
  }

  /// Bytes that mean something to a JSON reader, in any order.
  static func noise(_ random: inout Seeded) -> [UInt8] {
    (0..<random.below(12)).map { _ in random.chance(8) ? UInt8(random.below(256)) : random.pick(interesting) }
  }

  private static let interesting = Array("{}[],:\"\\/0123456789.-+eEtrufalsn \t\r\nbD83dC00".utf8)
    + [0x00, 0x01, 0x1f, 0x7f, 0x80, 0x8f, 0x90, 0xbf, 0xc0, 0xc2, 0xd7, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff]

  private static func blanks(_ bytes: inout [UInt8], _ random: inout Seeded) {
    while random.chance(6) { bytes.append(random.pick([0x20, 0x09, 0x0a, 0x0d])) }
  }

  private static func value(_ bytes: inout [UInt8], depth: Int, _ random: inout Seeded) {
    blanks(&bytes, &random)
    switch random.below(depth > 0 ? 8 : 5) {
    case 0: bytes += Array(random.pick(["null", "true", "false"]).utf8)
    case 1, 2: number(&bytes, &random)
    case 3, 4: string(&bytes, &random)
    case 5:
      bytes.append(UInt8(ascii: "["))
      list(&bytes, &random) { bytes, random in value(&bytes, depth: depth - 1, &random) }
      bytes.append(UInt8(ascii: "]"))
    default:
      bytes.append(UInt8(ascii: "{"))
      list(&bytes, &random) { bytes, random in
        blanks(&bytes, &random)
        string(&bytes, &random)
        blanks(&bytes, &random)
        bytes.append(UInt8(ascii: ":"))
        value(&bytes, depth: depth - 1, &random)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }

  private static func list(
    _ bytes: inout [UInt8], _ random: inout Seeded, _ element: (inout [UInt8], inout Seeded) -> Void
  ) {
    let count = random.below(4)
    for index in 0..<count {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      element(&bytes, &random)
      blanks(&bytes, &random)
    }
    if count == 0 { blanks(&bytes, &random) }
  }

  private static func digits(_ bytes: inout [UInt8], _ random: inout Seeded) {
    for _ in 0...random.below(6) { bytes.append(0x30 + UInt8(random.below(10))) }
  }

  private static func number(_ bytes: inout [UInt8], _ random: inout Seeded) {
    if random.chance(3) { bytes.append(UInt8(ascii: "-")) }
    if random.chance(4) {
      bytes.append(UInt8(ascii: "0"))
    } else {
      bytes.append(0x31 + UInt8(random.below(9)))
      if random.chance(2) { digits(&bytes, &random) }
    }
    if random.chance(2) {
      bytes.append(UInt8(ascii: "."))
      digits(&bytes, &random)
    }
    if random.chance(4) {
      bytes.append(random.pick(Array("eE".utf8)))
      if random.chance(2) { bytes.append(random.pick(Array("+-".utf8))) }
      bytes.append(0x30 + UInt8(random.below(10)))
    }
  }

  private static func string(_ bytes: inout [UInt8], _ random: inout Seeded) {
    bytes.append(UInt8(ascii: "\""))
    for _ in 0..<random.below(16) {
      switch random.below(12) {
      case 0: bytes += Array(random.pick(["\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t"]).utf8)
      case 1:
        let escapes = ["\\u0041", "\\u05d0", "\\uFfFf", "\\ud83d\\uDE00", "\\u0000", "\\u20ac"]
        bytes += Array(random.pick(escapes).utf8)
      case 2: bytes += Array(random.pick(["é", "€", "😀", "\u{7f}", "\u{10ffff}", "\u{ffff}"]).utf8)
      case 3, 4, 5: bytes += Array(random.pick(["א", "ב", "שלום", "ת"]).utf8)
      default: bytes.append(random.pick(Array("abc xyz {}[]:,09'/".utf8)))
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}

extension JSONFuzz {
  /// True when an object of a valid text has two members of one name.
  static func hasRepeatedName(_ bytes: [UInt8]) -> Bool {
    guard var reader = try? JSONReader(bytes.span.bytes, limits: .init(maxDepth: 500)) else { return false }
    return (try? repeats(&reader)) ?? false
  }

  private static func repeats(_ reader: inout JSONReader) throws -> Bool {
    var found = false
    if reader.peek() == UInt8(ascii: "[") {
      var cursor = try reader.beginArray()
      while try reader.nextElement(&cursor) { found = try repeats(&reader) || found }
    } else if reader.peek() == UInt8(ascii: "{") {
      var names: Set<String> = []
      var cursor = try reader.beginObject()
      while try reader.nextKey(&cursor) {
        found = !names.insert(reader.text(try reader.scanString())).inserted || found
        try reader.colon()
        found = try repeats(&reader) || found
      }
    } else {
      try reader.skipValue()
    }
    return found
  }

  /// True when a comma and a closing brace or bracket follow each other.
  static func hasTrailingComma(_ bytes: [UInt8]) -> Bool {
    bytes.indices.contains { place in
      guard bytes[place] == UInt8(ascii: ",") else { return false }
      let next = bytes[(place + 1)...].first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
      return next == UInt8(ascii: "}") || next == UInt8(ascii: "]")
    }
  }
}
