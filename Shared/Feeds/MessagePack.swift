import Messages
import Values

/// MessagePack, as far as feeds use it, turned into JSON: one reader of events serves both forms.
///
/// Numbers with a fraction become their shortest decimals, timestamps (extension -1) whole nanoseconds since 1970.
/// Source: the MessagePack specification (msgpack.org), formats and the timestamp extension type.
package struct MessagePack: ~Copyable, ~Escapable {
  private let bytes: RawSpan
  private var position = 0

  /// Appends one value, the whole of `bytes`, to `writer`.
  /// - Throws: `malformed_json` for what is cut off or has no JSON form, `too_deep`.
  package static func transcode(_ bytes: RawSpan, into writer: inout JSONWriter) throws(DecodingFailure) {
    var reader = MessagePack(bytes)
    try reader.value(into: &writer, depth: 0)
    guard reader.position == bytes.byteCount else { throw reader.malformed("more bytes after the end of the message") }
  }

  @_lifetime(copy bytes)
  private init(_ bytes: RawSpan) { self.bytes = bytes }

  private func malformed(_ reason: StaticString) -> DecodingFailure {
    DecodingFailure(.malformedJSON, at: position, reason)
  }

  private mutating func number<Value: FixedWidthInteger & BitwiseCopyable>(
    _: Value.Type = Value.self
  ) throws(DecodingFailure) -> Value {
    let size = MemoryLayout<Value>.size
    guard position + size <= bytes.byteCount else { throw malformed("the message ends in the middle") }
    defer { position += size }
    return Value(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: position, as: Value.self))
  }

  private mutating func take(_ count: Int) throws(DecodingFailure) -> Range<Int> {
    guard count >= 0, position + count <= bytes.byteCount else { throw malformed("the message ends in the middle") }
    defer { position += count }
    return position..<position + count
  }

  private mutating func value(into writer: inout JSONWriter, depth: Int) throws(DecodingFailure) {
    guard depth < 16 else { throw DecodingFailure(.tooDeep, at: position, "nested too deeply") }
    let start = position
    let format: UInt8 = try number()
    switch format {
    case 0x00...0x7f: writer.integer(Int64(format))
    case 0xe0...0xff: writer.integer(Int64(Int8(bitPattern: format)))
    case 0x80...0x8f: try map(Int(format & 0x0f), into: &writer, depth)
    case 0x90...0x9f: try array(Int(format & 0x0f), into: &writer, depth)
    case 0xa0...0xbf: try text(Int(format & 0x1f), into: &writer)
    case 0xc0: writer.null()
    case 0xc2, 0xc3: writer.bool(format == 0xc3)
    case 0xca: try fraction(Double(Float(bitPattern: number())), isSingle: true, into: &writer)
    case 0xcb: try fraction(Double(bitPattern: number()), isSingle: false, into: &writer)
    case 0xcc: writer.integer(Int64(try number(UInt8.self)))
    case 0xcd: writer.integer(Int64(try number(UInt16.self)))
    case 0xce: writer.integer(Int64(try number(UInt32.self)))
    case 0xcf:
      let whole: UInt64 = try number()
      if let value = Int64(exactly: whole) { writer.integer(value) } else { writer.raw(Array("\(whole)".utf8)) }
    case 0xd0: writer.integer(Int64(try number(Int8.self)))
    case 0xd1: writer.integer(Int64(try number(Int16.self)))
    case 0xd2: writer.integer(Int64(try number(Int32.self)))
    case 0xd3: writer.integer(try number(Int64.self))
    case 0xd4...0xd8: try extended(1 << Int(format - 0xd4), into: &writer)
    case 0xc7: try extended(Int(try number(UInt8.self)), into: &writer)
    case 0xc8: try extended(Int(try number(UInt16.self)), into: &writer)
    case 0xd9: try text(Int(try number(UInt8.self)), into: &writer)
    case 0xda: try text(Int(try number(UInt16.self)), into: &writer)
    case 0xdb: try text(Int(try number(UInt32.self)), into: &writer)
    case 0xdc: try array(Int(try number(UInt16.self)), into: &writer, depth)
    case 0xdd: try array(Int(try number(UInt32.self)), into: &writer, depth)
    case 0xde: try map(Int(try number(UInt16.self)), into: &writer, depth)
    case 0xdf: try map(Int(try number(UInt32.self)), into: &writer, depth)
    default: throw DecodingFailure(.malformedJSON, at: start, "a format that feeds do not use")
    }
  }

  private mutating func text(_ count: Int, into writer: inout JSONWriter) throws(DecodingFailure) {
    writer.string(bytes.extracting(try take(count)))
  }

  private mutating func array(_ count: Int, into writer: inout JSONWriter, _ depth: Int) throws(DecodingFailure) {
    writer.beginArray()
    for _ in 0..<count { try value(into: &writer, depth: depth + 1) }
    writer.endArray()
  }

  private mutating func map(_ count: Int, into writer: inout JSONWriter, _ depth: Int) throws(DecodingFailure) {
    writer.beginObject()
    for _ in 0..<count {
      let format: UInt8 = try number()
      let length = switch format {
      case 0xa0...0xbf: Int(format & 0x1f)
      case 0xd9: Int(try number(UInt8.self))
      case 0xda: Int(try number(UInt16.self))
      default: throw malformed("the key of a map is a text")
      }
      writer.key(bytes.extracting(try take(length)))
      try value(into: &writer, depth: depth + 1)
    }
    writer.endObject()
  }

  private func fraction(
    _ number: Double, isSingle: Bool, into writer: inout JSONWriter
  ) throws(DecodingFailure) {
    guard number.isFinite else { throw malformed("a number that is not finite") }
    // A single has its own shortest decimal: 0.1, not the 0.10000000149 that it is.
    let decimal = isSingle ? ExactDecimal("\(Float(number))") : ExactDecimal(shortest: number)
    if let decimal { writer.number(decimal) } else { writer.raw(Array("\(number)".utf8)) }
  }

  /// The three forms of a timestamp: seconds; 30 bits of nanoseconds and 34 of seconds; both whole.
  private mutating func extended(_ count: Int, into writer: inout JSONWriter) throws(DecodingFailure) {
    let start = position
    let kind: Int8 = try number()
    let (seconds, nanoseconds): (Int64, Int64)
    switch (kind, count) {
    case (-1, 4): (seconds, nanoseconds) = (Int64(try number(UInt32.self)), 0)
    case (-1, 8):
      let both: UInt64 = try number()
      (seconds, nanoseconds) = (Int64(both & 0x3_ffff_ffff), Int64(both >> 34))
    case (-1, 12): (nanoseconds, seconds) = (Int64(try number(UInt32.self)), try number(Int64.self))
    default: throw DecodingFailure(.malformedJSON, at: start, "an extension that is no timestamp")
    }
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow, nanoseconds < 1_000_000_000 else {
      throw DecodingFailure(.badTimestamp, at: start, "beyond the years that nanoseconds reach")
    }
    writer.integer(scaled &+ nanoseconds)
  }
}

extension JSONWriter {
  fileprivate mutating func raw(_ json: [UInt8]) { raw(json.span.bytes) }
}

/// Writes the few forms of which requests are made.
package struct MessagePackText {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package mutating func map(_ count: Int) { length(count, fix: 0x80, most: 15, wide: 0xde) }
  package mutating func array(_ count: Int) { length(count, fix: 0x90, most: 15, wide: 0xdc) }
  package mutating func text(_ text: String) {
    length(text.utf8.count, fix: 0xa0, most: 31, wide: 0xda)
    bytes += text.utf8
  }

  /// - Precondition: `count` is below 65,536.
  private mutating func length(_ count: Int, fix: UInt8, most: Int, wide: UInt8) {
    if count <= most { return bytes.append(fix | UInt8(count)) }
    bytes += [wide, UInt8(truncatingIfNeeded: count >> 8), UInt8(truncatingIfNeeded: count)]
  }
}
