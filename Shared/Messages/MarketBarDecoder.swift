import Values

/// Reads only where a ``MarketBar`` belongs: its symbol and its time. Reuse one decoder for many messages.
///
/// The rest of a message has to be well-formed JSON and no more, because a consumer keeps the bytes as they are.
package struct MarketBarDecoder: ~Copyable {
  private let limits: JSONReader.Limits
  private var scratch = IngestScratch()

  /// All fields, as written: those that are known in their order are the fastest to skip.
  private enum Field: String, CaseIterable {
    case symbol, exchange, interval, datetime
    case open, high, low, close, volume
    case value, field
    case ingestedAt = "ingestion_timestamp"
    case observedAt = "observed_at"
    case flags
  }
  private static let fields = FieldTable(Field.self)

  package init(limits: JSONReader.Limits = .init()) { self.limits = limits }

  package mutating func address(of bytes: RawSpan) throws(DecodingFailure) -> MarketBarAddress {
    scratch.clear()
    var reader = try JSONReader(bytes, limits: limits)
    var symbol = IngestText()
    var (local, zoned, observed): (LocalDateTime?, Timestamp?, Timestamp?)
    var cursor = try reader.beginObject()
    let table = Self.fields
    while let name = try reader.nextField(&cursor, of: table) {
      switch name {
      case .symbol: symbol = try scratch.text(&reader)
      case .datetime: if !reader.isNull() { (local, zoned) = try reader.dateTime(field: name.rawValue) }
      case .observedAt: observed = try reader.timestampOrNull(field: name.rawValue)
      default: try reader.skipValue()
      }
    }
    try reader.finish()
    if symbol.count <= 0 { throw reader.missingField("symbol") }
    guard let datetime = local ?? (observed ?? zoned).map(LocalDateTime.init) else {
      throw reader.missingField("datetime")
    }
    let text = symbol.bytes(bytes, scratch.bytes).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    return MarketBarAddress(symbol: text, datetime: datetime)
  }
}

/// Where a bar belongs.
package struct MarketBarAddress: Hashable, Sendable {
  /// Never empty.
  package let symbol: String
  /// On the exchange's clocks. When the message has a `datetime` with an offset, or only `observed_at`, as written
  /// there.
  package let datetime: LocalDateTime
}
