import COpenSSL

/// Base64 (RFC 4648, section 4), with padding.
package enum Base64 {
  package static func encode(_ bytes: [UInt8]) -> String {
    // Four characters for every three bytes, and a NUL that OpenSSL adds.
    var text = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
    let length = EVP_EncodeBlock(&text, bytes, Int32(bytes.count))
    return String(decoding: text.prefix(Int(length)), as: UTF8.self)
  }

  /// - Returns: nil when the text is not Base64 with its padding.
  package static func decode(_ text: String) -> [UInt8]? {
    let text = Array(text.utf8)
    guard text.count.isMultiple(of: 4), text.count <= Int32.max / 2 else { return nil }
    let padding = text.suffix(2).count { $0 == UInt8(ascii: "=") }
    var bytes = [UInt8](repeating: 0, count: text.count / 4 * 3)
    guard text.dropLast(padding).allSatisfy({ $0 != UInt8(ascii: "=") && $0 > 0x20 }),
          Int(EVP_DecodeBlock(&bytes, text, Int32(text.count))) == bytes.count else { return nil }
    return bytes.dropLast(padding)
  }
}
