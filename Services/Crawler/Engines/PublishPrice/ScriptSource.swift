/// Finds the value that a script assigns to a name: `const files = [...]`. It understands comments, strings and
/// brackets, and no more of the language.
struct ScriptSource {
  private let bytes: [UInt8]

  init(_ text: String) { bytes = Array(text.utf8) }

  /// The array, object or string assigned to `name` outside all brackets, as written; nil when there is none or it
  /// does not end.
  func value(of name: String) -> [UInt8]? {
    var depth = 0
    var index = 0
    while index < bytes.count {
      if let end = skipped(from: index) {
        index = end
        continue
      }
      switch bytes[index] {
      case Byte.openBrace, Byte.openBracket, Byte.openParenthesis: depth += 1
      case Byte.closeBrace, Byte.closeBracket, Byte.closeParenthesis: depth -= 1
      default: break
      }
      guard Self.isNameByte(bytes[index]) else {
        index += 1
        continue
      }
      let start = index
      while index < bytes.count, Self.isNameByte(bytes[index]) { index += 1 }
      guard depth == 0, bytes[start..<index].elementsEqual(name.utf8) else { continue }
      let equals = afterBlanks(index)
      guard equals < bytes.count, bytes[equals] == Byte.equals else { continue }
      let value = afterBlanks(equals + 1)
      if let end = end(ofValueAt: value) { return Array(bytes[value..<end]) }
    }
    return nil
  }

  /// The text of a string literal, its quotes and escapes removed; nil for anything else.
  static func string(_ literal: [UInt8]) -> String? {
    guard literal.count >= 2, let quote = literal.first, quote == literal.last,
      quote == Byte.single || quote == Byte.double
    else { return nil }
    var out: [UInt8] = []
    var isEscaped = false
    for byte in literal[1..<literal.count - 1] {
      if byte == Byte.backslash, !isEscaped {
        isEscaped = true
      } else {
        out.append(byte)
        isEscaped = false
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// Where the comment or string that begins here ends; nil when none does.
  private func skipped(from index: Int) -> Int? {
    let byte = bytes[index]
    if byte == Byte.single || byte == Byte.double || byte == Byte.back {
      var next = index + 1
      while next < bytes.count, bytes[next] != byte { next += bytes[next] == Byte.backslash ? 2 : 1 }
      return min(next + 1, bytes.count)
    }
    guard byte == Byte.slash, index + 1 < bytes.count else { return nil }
    if bytes[index + 1] == Byte.slash {
      return bytes[index...].firstIndex { $0 == 0x0a || $0 == 0x0d } ?? bytes.count
    }
    guard bytes[index + 1] == Byte.star else { return nil }
    var next = index + 2
    while next + 1 < bytes.count {
      if bytes[next] == Byte.star, bytes[next + 1] == Byte.slash { return next + 2 }
      next += 1
    }
    return bytes.count
  }

  private func end(ofValueAt start: Int) -> Int? {
    guard start < bytes.count else { return nil }
    switch bytes[start] {
    case Byte.single, Byte.double:
      guard let end = skipped(from: start), end > start + 1, bytes[end - 1] == bytes[start] else { return nil }
      return end
    case Byte.openBracket, Byte.openBrace: break
    default: return nil
    }
    var depth = 0
    var index = start
    while index < bytes.count {
      if let end = skipped(from: index) {
        index = end
        continue
      }
      switch bytes[index] {
      case Byte.openBrace, Byte.openBracket: depth += 1
      case Byte.closeBrace, Byte.closeBracket:
        depth -= 1
        if depth == 0 { return index + 1 }
      default: break
      }
      index += 1
    }
    return nil
  }

  private func afterBlanks(_ start: Int) -> Int {
    var index = start
    while index < bytes.count, bytes[index] == 0x20 || (0x09...0x0d).contains(bytes[index]) { index += 1 }
    return index
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"), UInt8(ascii: "$"): true
    default: byte >= 0x80
    }
  }

  private enum Byte {
    static let single = UInt8(ascii: "'")
    static let double = UInt8(ascii: "\"")
    static let back = UInt8(ascii: "`")
    static let backslash = UInt8(ascii: "\\")
    static let slash = UInt8(ascii: "/")
    static let star = UInt8(ascii: "*")
    static let equals = UInt8(ascii: "=")
    static let openBrace = UInt8(ascii: "{")
    static let closeBrace = UInt8(ascii: "}")
    static let openBracket = UInt8(ascii: "[")
    static let closeBracket = UInt8(ascii: "]")
    static let openParenthesis = UInt8(ascii: "(")
    static let closeParenthesis = UInt8(ascii: ")")
  }
}
