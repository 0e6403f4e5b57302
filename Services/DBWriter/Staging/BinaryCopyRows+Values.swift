import Postgres
import Schemas

/// The messages' values as fields of COPY.
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
