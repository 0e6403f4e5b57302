import Core
import Logging

/// One log record, ready to be written.
struct LogRecord {
  var microseconds: Int64
  var level: Logger.Level
  var service: String
  var label: String
  var message: String
  var fields: Logger.Metadata

  /// Names that every record has; metadata of the same name gets `field_` in front rather than shadow them.
  private static let reserved: Set<String> = ["time", "level", "service", "logger", "message"]

  private var time: String { RFC3339.text(ns: microseconds * 1_000, digits: 6) }

  func appendJSON(to line: inout [UInt8]) {
    line.append(contentsOf: "{\"time\":\"".utf8)
    line.append(contentsOf: time.utf8)
    line.append(contentsOf: "\",\"level\":\"".utf8)
    line.append(contentsOf: level.rawValue.utf8)
    line.append(contentsOf: "\",\"service\":".utf8)
    appendJSONString(service, to: &line)
    if label != service {
      line.append(contentsOf: ",\"logger\":".utf8)
      appendJSONString(label, to: &line)
    }
    line.append(contentsOf: ",\"message\":".utf8)
    appendJSONString(message, to: &line)
    for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
      line.append(UInt8(ascii: ","))
      appendJSONString(Self.reserved.contains(key) ? "field_\(key)" : key, to: &line)
      line.append(UInt8(ascii: ":"))
      append(value, to: &line)
    }
    line.append(UInt8(ascii: "}"))
  }

  private func append(_ value: Logger.MetadataValue, to line: inout [UInt8]) {
    switch value {
    case .string(let text): appendJSONString(text, to: &line)
    case .stringConvertible(let value):
      switch value {
      case let number as any BinaryInteger: line.append(contentsOf: "\(number)".utf8)
      case let number as Double where number.isFinite: line.append(contentsOf: "\(number)".utf8)
      case let flag as Bool: line.append(contentsOf: "\(flag)".utf8)
      default: appendJSONString(value.description, to: &line)
      }
    case .array(let values):
      line.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { line.append(UInt8(ascii: ",")) }
        append(value, to: &line)
      }
      line.append(UInt8(ascii: "]"))
    case .dictionary(let values):
      line.append(UInt8(ascii: "{"))
      for (index, (key, value)) in values.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { line.append(UInt8(ascii: ",")) }
        appendJSONString(key, to: &line)
        line.append(UInt8(ascii: ":"))
        append(value, to: &line)
      }
      line.append(UInt8(ascii: "}"))
    }
  }

  /// `2025-01-20T14:30:52.123456Z info  parser: message key=value`, with control characters escaped, so that a
  /// message from outside can neither forge a line nor drive a terminal.
  func appendText(to line: inout [UInt8]) {
    line.append(contentsOf: time.utf8)
    line.append(UInt8(ascii: " "))
    let name = level.rawValue
    line.append(contentsOf: name.utf8)
    line.append(contentsOf: repeatElement(UInt8(ascii: " "), count: max(1, 9 - name.utf8.count)))
    line.append(contentsOf: (label == service ? service : "\(service)/\(label)").utf8)
    line.append(contentsOf: ": ".utf8)
    appendPrintable(message, to: &line)
    for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
      line.append(UInt8(ascii: " "))
      appendPrintable(key, to: &line)
      line.append(UInt8(ascii: "="))
      let text = value.description
      if text.isEmpty || text.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) {
        appendJSONString(text, to: &line)
      } else {
        appendPrintable(text, to: &line)
      }
    }
  }

  private func appendPrintable(_ text: String, to line: inout [UInt8]) {
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) {
      line.append(contentsOf: text.utf8)
    } else {
      var quoted: [UInt8] = []
      appendJSONString(text, to: &quoted)
      line.append(contentsOf: quoted.dropFirst().dropLast())
    }
  }
}

/// Appends text as a JSON string (RFC 8259, section 7), in quotes.
func appendJSONString(_ text: String, to bytes: inout [UInt8]) {
  let hex = StaticString("0123456789abcdef")
  bytes.append(UInt8(ascii: "\""))
  for byte in text.utf8 {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"):
      bytes.append(UInt8(ascii: "\\"))
      bytes.append(byte)
    case 0x0A: bytes.append(contentsOf: "\\n".utf8)
    case 0x0D: bytes.append(contentsOf: "\\r".utf8)
    case 0x09: bytes.append(contentsOf: "\\t".utf8)
    case 0..<0x20, 0x7F:
      bytes.append(contentsOf: "\\u00".utf8)
      bytes.append(hex.utf8Start[Int(byte >> 4)])
      bytes.append(hex.utf8Start[Int(byte & 15)])
    default: bytes.append(byte)
    }
  }
  bytes.append(UInt8(ascii: "\""))
}
