import Core
import Values

/// A buffer of line protocol. Source: InfluxDB 1.8, "Line protocol reference".
struct LineBuffer: Sendable {
  private(set) var bytes: [UInt8] = []

  var count: Int { bytes.count }

  mutating func clear() { bytes.removeAll(keepingCapacity: true) }
  mutating func rewind(to count: Int) { bytes.removeSubrange(count...) }
  mutating func append(_ byte: UInt8) { bytes.append(byte) }
  mutating func append(_ other: [UInt8]) { bytes.append(contentsOf: other) }
  mutating func append(_ span: RawSpan) { span.withUnsafeBytes { bytes.append(contentsOf: $0) } }

  /// A tag key, tag value or field key: commas, equal signs and blanks are escaped. Control characters have no form in
  /// line protocol, and servers disagree about a backslash: those are percent-encoded. So is a percent sign before two
  /// hexadecimal digits, so that distinct names stay distinct.
  mutating func appendKey(_ span: RawSpan) {
    span.withUnsafeBytes { text in
      guard text.contains(where: Self.needsCare) else { return bytes.append(contentsOf: text) }
      for (index, byte) in text.enumerated() {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: "="), UInt8(ascii: " "):
          bytes.append(UInt8(ascii: "\\"))
          bytes.append(byte)
        case 0..<0x20, 0x7f, UInt8(ascii: "\\"): PercentEncoding.append(byte, to: &bytes)
        case UInt8(ascii: "%"):
          let isCode = index + 2 < text.count && text[(index + 1)...(index + 2)].allSatisfy { Hex.value($0) != nil }
          if isCode { PercentEncoding.append(byte, to: &bytes) } else { bytes.append(byte) }
        default: bytes.append(byte)
        }
      }
    }
  }

  private static func needsCare(_ byte: UInt8) -> Bool {
    switch byte {
    case 0...0x20, 0x7f, UInt8(ascii: ","), UInt8(ascii: "="), UInt8(ascii: "\\"), UInt8(ascii: "%"): true
    default: false
    }
  }

  /// A string field: in quotes, with quotes and backslashes escaped.
  mutating func appendString(_ span: RawSpan) {
    bytes.append(UInt8(ascii: "\""))
    span.withUnsafeBytes { text in
      for byte in text {
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
        bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  mutating func append(_ value: Int64) {
    var digits: InlineArray<20, UInt8> = .init(repeating: 0)
    var position = 20
    var rest = value.magnitude
    repeat {
      position -= 1
      digits[position] = UInt8(truncatingIfNeeded: rest % 10) + 0x30
      rest /= 10
    } while rest > 0
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    for index in position..<20 { bytes.append(digits[index]) }
  }
}

/// Numbers of records, as numbers or as text, in the form of line protocol.
enum NumberText {
  /// Appends the digits as written where line protocol has the same form, else the shortest text of the same value.
  /// - Returns: false, with nothing appended, for text that is not a finite number.
  static func appendFloat(_ text: RawSpan, to line: inout LineBuffer) -> Bool {
    if let exact = ExactDecimal(parsing: text) {
      line.append(Array(exact.description.utf8))
      return true
    }
    guard let number = Double(decimal: text) else { return false }
    line.append(Array("\(number)".utf8))
    return true
  }

  /// - Returns: false, with nothing appended, for text that is not a whole number of 64 bits.
  static func appendInteger(_ text: RawSpan, to line: inout LineBuffer) -> Bool {
    let value: Int64
    if let exact = ExactDecimal(parsing: text)?.normalized {
      guard exact.scale == 0 else { return false }
      value = exact.mantissa
    } else {
      guard let whole = Int64(string(text)) else { return false }
      value = whole
    }
    line.append(value)
    line.append(UInt8(ascii: "i"))
    return true
  }

  static func hasExponent(_ number: RawSpan) -> Bool {
    number.withUnsafeBytes { bytes in bytes.contains { $0 | 0x20 == UInt8(ascii: "e") } }
  }

  private static func string(_ text: RawSpan) -> String {
    text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }
}
