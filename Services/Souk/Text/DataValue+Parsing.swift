import Foundation

extension DataValue {
  /// Reads JSON, as Foundation judges what that is; fields keep their order and numbers their digits.
  /// - Returns: nil for bytes that are no JSON, or that are nested more than 100 deep.
  init?(parsing bytes: [UInt8]) {
    // The judge of what is JSON; what follows only builds the value.
    guard (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil else { return nil }
    var parser = Parser(bytes: bytes)
    guard let value = parser.value(depth: 0) else { return nil }
    self = value
  }

  private struct Parser {
    let bytes: [UInt8]
    var position = 0

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skip() {
      while let byte = next, [0x20, 0x09, 0x0a, 0x0d, UInt8(ascii: ","), UInt8(ascii: ":")].contains(byte) {
        position += 1
      }
    }

    mutating func value(depth: Int) -> DataValue? {
      skip()
      guard depth < 100, let first = next else { return nil }
      switch first {
      case UInt8(ascii: "{"):
        position += 1
        var fields: [Field] = []
        while true {
          skip()
          if next == UInt8(ascii: "}") { break }
          guard let name = string(), let value = value(depth: depth + 1) else { return nil }
          fields.append(Field(name, value))
        }
        position += 1
        return .object(fields)
      case UInt8(ascii: "["):
        position += 1
        var elements: [DataValue] = []
        while true {
          skip()
          if next == UInt8(ascii: "]") { break }
          guard let element = value(depth: depth + 1) else { return nil }
          elements.append(element)
        }
        position += 1
        return .list(elements)
      case UInt8(ascii: "\""): return string().map { .text($0) }
      default: return word()
      }
    }

    /// With its escapes resolved, by the judge.
    private mutating func string() -> String? {
      let start = position
      guard next == UInt8(ascii: "\"") else { return nil }
      position += 1
      while let byte = next, byte != UInt8(ascii: "\"") { position += byte == UInt8(ascii: "\\") ? 2 : 1 }
      guard position < bytes.count else { return nil }
      position += 1
      let raw = bytes[start..<position]
      if !raw.contains(UInt8(ascii: "\\")) { return String(decoding: raw.dropFirst().dropLast(), as: UTF8.self) }
      return (try? JSONSerialization.jsonObject(with: Data(raw), options: .fragmentsAllowed)) as? String
    }

    private mutating func word() -> DataValue? {
      let start = position
      while let byte = next, !" \t\r\n,]}".utf8.contains(byte) { position += 1 }
      let text = String(decoding: bytes[start..<position], as: UTF8.self)
      switch text {
      case "": return nil
      case "null": return .null
      case "true": return .bool(true)
      case "false": return .bool(false)
      default: return Int64(text).map { .integer($0) } ?? .literal(text)
      }
    }
  }
}
