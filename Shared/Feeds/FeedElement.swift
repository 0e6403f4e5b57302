import Messages
import Values

/// What the decoders of both providers share: the texts that were made, the name of the feed, the checks of stamps.
struct FeedElement: ~Copyable {
  let feed: Feed
  /// An event later than it is known is refused: it would be the newest of its series for ever.
  let maxSkewNs: Int64
  var scratch = IngestScratch()
  let feedName: IngestText
  private let base: Int

  init(_ feed: Feed, maxSkewNs: Int64) {
    self.feed = feed
    self.maxSkewNs = maxSkewNs
    feedName = scratch.append(feed.rawValue)
    base = scratch.count
  }

  /// Gives each element of a JSON frame, which is one object or an array of them.
  static func forEach(of frame: RawSpan, _ body: (RawSpan) -> Void) throws(DecodingFailure) {
    var reader = try JSONReader(frame, limits: .init(maxBytes: 64 << 20))
    if reader.startsObject { return body(frame) }
    var array = try reader.beginArray()
    while try reader.nextElement(&array) {
      let start = reader.offset
      try reader.skipValue()
      body(frame.extracting(start..<reader.offset))
    }
    try reader.finish()
  }

  /// Forgets the texts of the element before.
  mutating func begin() { scratch.rewind(to: base) }

  func check(_ eventNs: Int64, knownNs: Int64, field: @autoclosure () -> String) throws(DecodingFailure) {
    guard eventNs > 0, eventNs <= knownNs + maxSkewNs else {
      throw DecodingFailure(.badTimestamp, at: 0, "a time that is not yet, or none", field: field())
    }
  }

  /// The canonical form of the symbol that the reader is at.
  mutating func symbol(_ reader: inout JSONReader, in bytes: RawSpan) throws(DecodingFailure) -> IngestText {
    let text = try scratch.text(&reader)
    return try canonical(text, in: bytes, at: reader.offset)
  }

  private mutating func canonical(
    _ text: IngestText, in bytes: RawSpan, at offset: Int
  ) throws(DecodingFailure) -> IngestText {
    switch form(of: text, in: bytes) {
    case .canonical: return text
    case .option: return text.dropping(2)
    case .other(let symbol): return scratch.append(symbol)
    case .none: throw DecodingFailure(.badValue, at: offset, "no symbol", field: "symbol")
    }
  }

  private enum SymbolForm {
    case canonical
    /// Behind `O:`.
    case option
    case other(String)
    case none
  }

  private func form(of text: IngestText, in bytes: RawSpan) -> SymbolForm {
    let name = text.bytes(bytes, scratch.bytes)
    guard name.byteCount > 0 else { return .none }
    if feed == .polygonOptions, name.byteCount > 2, name.unsafeLoad(fromByteOffset: 0, as: UInt8.self) == 0x4f,
      name.unsafeLoad(fromByteOffset: 1, as: UInt8.self) == 0x3a
    { return .option }
    var isPlain = true
    for index in 0..<name.byteCount {
      let byte = name.unsafeLoad(fromByteOffset: index, as: UInt8.self)
      isPlain = isPlain && (0x41...0x5a ~= byte || 0x30...0x39 ~= byte || byte == 0x2e)
    }
    if isPlain { return .canonical }
    let written = name.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    return SymbolNames.canonical(written, from: feed.dialect).map { .other($0) } ?? .none
  }

  /// A number or a string, as text.
  mutating func word(_ reader: inout JSONReader) throws(DecodingFailure) -> IngestText {
    if reader.isNull() { return IngestText() }
    guard reader.kind == .number else { return try scratch.text(&reader) }
    let start = reader.offset
    _ = try reader.integer()
    return IngestText(start..<reader.offset)
  }

  /// Conditions, which come as numbers, strings, or one string, as a JSON array of strings.
  mutating func words(_ reader: inout JSONReader, in bytes: RawSpan) throws(DecodingFailure) -> IngestText {
    if reader.isNull() { return IngestText() }
    if reader.startsArray {
      var peek = try JSONReader(bytes.extracting(reader.offset..<bytes.byteCount))
      var array = try peek.beginArray()
      if try !peek.nextElement(&array) || peek.kind == .string { return try scratch.strings(&reader) }
    }
    let start = scratch.count
    scratch.append(UInt8(ascii: "["))
    if reader.startsArray {
      var array = try reader.beginArray()
      while try reader.nextElement(&array) {
        if array.count > 1 { scratch.append(UInt8(ascii: ",")) }
        scratch.append(UInt8(ascii: "\""))
        _ = scratch.append(try reader.integer())
        scratch.append(UInt8(ascii: "\""))
      }
    } else {
      // As it stands, escapes and all.
      let from = reader.offset
      if reader.kind == .number {
        scratch.append(UInt8(ascii: "\""))
        _ = scratch.append(try reader.integer())
        scratch.append(UInt8(ascii: "\""))
      } else {
        _ = try reader.slice()
        _ = scratch.append(bytes.extracting(from..<reader.offset))
      }
    }
    scratch.append(UInt8(ascii: "]"))
    return scratch.text(from: start)
  }

  /// Nanoseconds, from a number by its magnitude or a text by RFC 3339.
  mutating func stamp(
    _ reader: inout JSONReader, in bytes: RawSpan
  ) throws(DecodingFailure) -> Int64 {
    let start = reader.offset
    if reader.kind == .number {
      guard let stamp = FeedStamp.nanoseconds(try reader.integer()) else {
        throw DecodingFailure(.badTimestamp, at: start, "not a time before 2262")
      }
      return stamp
    }
    let text = try scratch.text(&reader)
    guard let stamp = FeedStamp.nanoseconds(rfc3339: text.bytes(bytes, scratch.bytes)) else {
      throw DecodingFailure(.badTimestamp, at: start, "not an RFC 3339 time with an offset")
    }
    return stamp
  }

  /// Beyond the digits of a decimal it is the shortest of the same fraction: vwap comes with all of a double's.
  func decimal(_ reader: inout JSONReader, field: String? = nil) throws(DecodingFailure) -> ExactDecimal? {
    let start = reader.offset
    switch try reader.cell() {
    case .absent: return nil
    case .number(let number): return number
    case .unreadable: throw DecodingFailure(.badNumber, at: start, "no number", field: field)
    }
  }

  func requireSymbol(_ text: IngestText) throws(DecodingFailure) {
    guard text.isPresent else {
      throw DecodingFailure(.missingField, at: 0, "a required field is missing or null", field: "symbol")
    }
  }

  func need(_ value: ExactDecimal?, _ field: @autoclosure () -> String) throws(DecodingFailure) -> ExactDecimal {
    guard let value else {
      throw DecodingFailure(.missingField, at: 0, "a required field is missing or null", field: field())
    }
    return value
  }
}
