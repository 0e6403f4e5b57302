/// Percent-encoding (RFC 3986, section 2.1), with upper-case digits.
package enum PercentEncoding {
  private static let digits = Array("0123456789ABCDEF".utf8)

  /// Encodes everything but the unreserved characters of RFC 3986, as SigV4, form fields and queries want it.
  package static func encode(_ text: String, keepingSlash: Bool = false) -> String {
    encode(text) { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: true
      case 0x2f: keepingSlash
      default: false
      }
    }
  }

  package static func encode(_ text: String, keeping: (UInt8) -> Bool) -> String {
    var out: [UInt8] = []
    for byte in text.utf8 {
      if keeping(byte) { out.append(byte) } else { append(byte, to: &out) }
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// Appends the escape of a byte.
  package static func append(_ byte: UInt8, to out: inout [UInt8]) {
    out.append(UInt8(ascii: "%"))
    out.append(digits[Int(byte >> 4)])
    out.append(digits[Int(byte & 15)])
  }

  /// - Parameter strict: refuses a percent sign that begins no escape; otherwise it stands for itself.
  /// - Returns: nil when an escape is refused, or the bytes are not UTF-8.
  package static func decode(_ text: some StringProtocol, strict: Bool = true) -> String? {
    var out: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      let (first, second) = (rest.first.flatMap(Hex.value), rest.dropFirst().first.flatMap(Hex.value))
      if byte == UInt8(ascii: "%"), let first, let second {
        out.append(first << 4 | second)
        rest = rest.dropFirst(2)
      } else {
        if byte == UInt8(ascii: "%"), strict { return nil }
        out.append(byte)
      }
    }
    return String(validating: out, as: UTF8.self)
  }
}
