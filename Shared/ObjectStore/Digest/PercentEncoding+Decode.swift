import HTTP

extension PercentEncoding {
  /// - Returns: nil when an escape is incomplete or the bytes are not UTF-8.
  static func decode(_ text: String) -> String? {
    var out: [UInt8] = []
    var bytes = text.utf8.makeIterator()
    while let byte = bytes.next() {
      guard byte == 0x25 else {
        out.append(byte)
        continue
      }
      guard let high = bytes.next().flatMap(Hex.value), let low = bytes.next().flatMap(Hex.value) else { return nil }
      out.append(high << 4 | low)
    }
    return String(validating: out, as: UTF8.self)
  }
}
