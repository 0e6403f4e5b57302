import Core
import Glibc
import Messages
import Postgres
import Values

/// The limits of storable messages. Beyond them an element is refused, or, for the header, the message.
package enum StagingLimits {
  /// Chain, store and item code: parts of keys. Three of them and the rest of an index entry must fit into the 2,704
  /// bytes of a PostgreSQL index row.
  package static let keyBytes = 64
  package static let masterIDBytes = 256
  /// Names, manufacturers, units. The longest name in the published files has about 200 bytes.
  package static let textBytes = 2_000
  /// Row numbers are 4-byte integers in PostgreSQL.
  package static let rows = 0...Int64(Int32.max)
  /// Of observations and predictions: 1990 to 2100, exclusive.
  static let times: Range<Int64> = 631_152_000_000_000..<4_102_444_800_000_000
  /// Prices are published since 2014. Each month in files becomes a partition, so impossible times are refused: the
  /// limits allow twelve partitions a year until now.
  package static let oldestFile: Int64 = 1_388_534_400_000_000
  /// How far a portal's clock may be ahead. A file from further ahead would also supersede all correct later ones.
  package static let clockSkew: Int64 = 2 * 86_400_000_000

  /// Steps ahead of a prediction.
  package static let predictionSteps: Int64 = 1_000
  package static let flags = 32

  @inline(__always)
  static func checkKey(_ bytes: RawSpan, _ field: String, _ index: Int? = nil) throws(DecodingFailure) {
    guard bytes.byteCount > 0 else { throw DecodingFailure(.badValue, at: 0, "empty", field: field, item: index) }
    try checkText(bytes, field, index, limit: keyBytes)
  }

  /// PostgreSQL's text cannot contain NUL.
  @inline(__always)
  static func checkText(
    _ bytes: RawSpan, _ field: String, _ index: Int? = nil, limit: Int = textBytes
  ) throws(DecodingFailure) {
    guard bytes.byteCount <= limit else {
      throw DecodingFailure(.badValue, at: 0, "longer than can be stored", field: field, item: index)
    }
    let hasNUL = bytes.withUnsafeBytes { raw in
      raw.baseAddress.map { memchr($0, 0, raw.count) != nil } ?? false
    }
    if hasNUL {
      throw DecodingFailure(.badValue, at: 0, "has a NUL character, which cannot be stored", field: field, item: index)
    }
  }

  static func checkText(
    _ text: String?, _ field: String, _ index: Int? = nil, limit: Int = textBytes
  ) throws(DecodingFailure) {
    guard let text else { return }
    try checkText(Array(text.utf8).span.bytes, field, index, limit: limit)
  }

  static func checkFlags(_ flags: [String]) throws(DecodingFailure) {
    guard flags.count <= Self.flags else { throw DecodingFailure(.badValue, at: 0, "more than 32", field: "flags") }
    for flag in flags { try checkText(flag, "flags", limit: keyBytes) }
  }

  static func checkTime(_ time: Timestamp, _ field: String) throws(DecodingFailure) {
    guard times.contains(time.microseconds) else {
      throw DecodingFailure(.badTimestamp, at: 0, "not between 1990 and 2100", field: field)
    }
  }

  /// - Parameter now: microseconds since 1970.
  package static func checkFileTime(_ time: Timestamp, now: Int64 = WallClock.microseconds()) throws(DecodingFailure) {
    guard time.microseconds >= oldestFile else {
      throw DecodingFailure(.badTimestamp, at: 0, "before 2014", field: "file_time")
    }
    guard time.microseconds <= now + clockSkew else {
      throw DecodingFailure(.badTimestamp, at: 0, "more than two days in the future", field: "file_time")
    }
  }

  /// The 128 bits of 32 hexadecimal digits.
  static func id(_ text: RawSpan, _ field: String = "file_id") throws(DecodingFailure) -> FileID {
    guard let id = FileID(text) else {
      throw DecodingFailure(.badValue, at: 0, "not 32 hexadecimal digits", field: field)
    }
    return id
  }
}

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
