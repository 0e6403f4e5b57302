import Schemas

/// Numbers of records, as numbers or as text, in the form that line protocol takes.
enum NumberText {
  /// Appends the digits as they are written where line protocol has the same form, else the shortest text of the same
  /// value.
  /// - Returns: false, with nothing appended, for what is no finite number.
  static func appendFloat(_ text: RawSpan, to line: inout LineBuffer) -> Bool {
    if let exact = ExactDecimal(parsing: text) {
      line.append(Array(exact.description.utf8))
      return true
    }
    guard let number = Double(decimal: text) else { return false }
    line.append(Array("\(number)".utf8))
    return true
  }

  /// - Returns: false, with nothing appended, for what is no whole number within 64 bits.
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
