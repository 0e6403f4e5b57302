import Core
import Postgres
import Values

/// Values of messages as fields of COPY.
extension BinaryCopyRows {
  @inline(__always)
  mutating func textOrNull(_ text: RawSpan?) {
    if let text { self.text(text) } else { null() }
  }

  mutating func textOrNull(_ text: String?) {
    if let text { self.text(text) } else { null() }
  }

  @inline(__always)
  mutating func decimal(_ number: ExactDecimal) { numeric(mantissa: number.mantissa, scale: Int(number.scale)) }

  @inline(__always)
  mutating func decimalOrNull(_ number: ExactDecimal?) {
    if let number { decimal(number) } else { null() }
  }

  @inline(__always)
  mutating func time(_ time: Timestamp) { timestamptz(unixMicroseconds: time.microseconds) }

  @inline(__always)
  mutating func timeOrNull(_ time: Timestamp?) {
    if let time { self.time(time) } else { null() }
  }

  @inline(__always)
  mutating func boolOrNull(_ value: Bool?) {
    if let value { bool(value) } else { null() }
  }

  mutating func integerOrNull(_ value: Int64?) {
    if let value { int8(value) } else { null() }
  }

  mutating func texts(_ texts: [String]) {
    beginTextArray(count: texts.count)
    for text in texts { self.text(text) }
    endTextArray()
  }

  mutating func id(_ id: FileID) { uuid(high: id.high, low: id.low) }
}

/// The id of a file, or of a prediction: 32 hexadecimal digits in messages, a `uuid` in tables.
struct FileID: Hashable, Sendable {
  var high: UInt64 = 0
  var low: UInt64 = 0

  /// - Returns: nil unless `text` is 32 hexadecimal digits.
  init?(_ text: RawSpan) {
    guard text.byteCount == 32 else { return nil }
    for index in 0..<32 {
      guard let value = Hex.value(text.unsafeLoad(fromByteOffset: index, as: UInt8.self)) else { return nil }
      if index < 16 { high = high << 4 | UInt64(value) } else { low = low << 4 | UInt64(value) }
    }
  }
}
