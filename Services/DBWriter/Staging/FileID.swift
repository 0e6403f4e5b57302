/// The id of a file, or of a prediction: 32 hexadecimal digits in messages, a `uuid` in tables.
struct FileID: Hashable, Sendable {
  var high: UInt64 = 0
  var low: UInt64 = 0

  /// - Returns: nil unless `text` is 32 hexadecimal digits.
  init?(_ text: RawSpan) {
    guard text.byteCount == 32 else { return nil }
    for index in 0..<32 {
      let digit = text.unsafeLoad(fromByteOffset: index, as: UInt8.self)
      let value: UInt8
      switch digit {
      case 0x30...0x39: value = digit &- 0x30
      case 0x61...0x66: value = digit &- 0x57
      case 0x41...0x46: value = digit &- 0x37
      default: return nil
      }
      if index < 16 { high = high << 4 | UInt64(value) } else { low = low << 4 | UInt64(value) }
    }
  }
}
