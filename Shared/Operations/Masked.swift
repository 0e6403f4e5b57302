import ServiceKit

/// Values of records as they may be printed.
package enum Masked {
  /// JSON with its secrets hidden; bytes that are no JSON as text or in hexadecimal digits.
  package static func value(_ bytes: [UInt8]) -> DataValue {
    if let json = DataValue(parsing: bytes) { return fields(json) }
    if let text = String(validating: bytes, as: UTF8.self) { return .text(text) }
    return .object([.init("hex", .text(bytes.map { hex($0) }.joined()))])
  }

  /// Fields whose names are those of secrets, passwords in URLs, and signatures in queries.
  package static func fields(_ value: DataValue, named name: String = "") -> DataValue {
    switch value {
    case .text(let text): .text(SecretMask.masked(text, of: name == "key" ? "" : name))
    case .list(let elements): .list(elements.map { fields($0, named: name) })
    case .object(let all): .object(all.map { .init($0.name, fields($0.value, named: $0.name)) })
    default: value
    }
  }

  package static func hex(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }
}

/// Bytes as people read them: offset, hexadecimal digits, text.
package enum HexDump {
  package static func lines(_ bytes: [UInt8], most: Int) -> [String] {
    let shown = bytes.prefix(most)
    var lines = stride(from: 0, to: shown.count, by: 16).map { start in
      let row = shown[start..<min(start + 16, shown.count)]
      let digits = row.map { Masked.hex($0) }.joined(separator: " ")
      let text = row.map { (0x20..<0x7f).contains($0) ? Character(UnicodeScalar($0)) : "." }
      let offset = String(start, radix: 16)
      return String(repeating: "0", count: max(0, 6 - offset.count)) + offset + "  " + digits.padded(to: 47) + "  "
        + String(text)
    }
    if bytes.count > most { lines.append("… \(counted(bytes.count - most, "byte")) more") }
    return lines
  }
}
