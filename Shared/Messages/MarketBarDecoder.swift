import Values

/// Reads ``MarketBar`` messages without building values for their texts. Reuse one decoder for many messages.
///
/// More lenient than ``MarketBar/init(decoding:limits:)`` in what a bar must hold, because consumers keep what there
/// is: any number of the numbers may be missing or null. Needed are `symbol`, `interval`, and `datetime` or
/// `observed_at`.
package struct MarketBarDecoder: ~Copyable {
  private let limits: JSONReader.Limits
  private var scratch = IngestScratch()

  package init(limits: JSONReader.Limits = .init()) { self.limits = limits }

  /// Reads one message, the whole of `bytes`. The view lives until the next call.
  @_lifetime(copy bytes, &self)
  package mutating func decode(_ bytes: RawSpan) throws(DecodingFailure) -> MarketBarView {
    scratch.clear()
    var reader = try JSONReader(bytes, limits: limits)
    var fields = MarketBar.Fields()
    try fields.read(from: &reader, scratch: &scratch)
    return MarketBarView(bytes, scratch.bytes, fields)
  }

  /// Reads only where a bar belongs: its symbol and its time. The rest has to be well-formed JSON and no more.
  package mutating func address(of bytes: RawSpan) throws(DecodingFailure) -> MarketBarAddress {
    scratch.clear()
    var reader = try JSONReader(bytes, limits: limits)
    let table = MarketBar.Fields.table
    var symbol = IngestText()
    var (local, zoned, observed): (LocalDateTime?, Timestamp?, Timestamp?)
    var cursor = try reader.beginObject()
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
  /// On the exchange's clocks, as ``MarketBarView/datetime``.
  package let datetime: LocalDateTime
}

/// A bar that is being read.
package typealias MarketBarView = MessageView<MarketBar.Fields>

extension MarketBarView {
  package var symbol: RawSpan { @_lifetime(copy self) get { fields.symbol.bytes(message, scratch) } }
  package var exchange: RawSpan? { @_lifetime(copy self) get { fields.exchange.bytesOrNull(message, scratch) } }
  package var interval: RawSpan { @_lifetime(copy self) get { fields.interval.bytes(message, scratch) } }
  /// On the exchange's clocks. When the message had a `datetime` with an offset, or only `observed_at`, as written
  /// there.
  package var datetime: LocalDateTime { fields.datetime }
  /// The instant, when the message says it; else it follows from `datetime` by the rules of the exchange's zone.
  package var observedAt: Timestamp? { fields.observedAt }
  /// UTC.
  package var ingestedAt: LocalDateTime? { fields.ingestedAt }
  package var open: ExactDecimal? { fields.open }
  package var high: ExactDecimal? { fields.high }
  package var low: ExactDecimal? { fields.low }
  package var close: ExactDecimal? { fields.close }
  package var volume: ExactDecimal? { fields.volume }
  package var value: ExactDecimal? { fields.value }
  /// Which price `value` is.
  package var field: RawSpan? { @_lifetime(copy self) get { fields.field.bytesOrNull(message, scratch) } }
  package var flags: MarketBar.Flags { fields.flags }

  func missing(_ name: String) -> DecodingFailure {
    DecodingFailure(
      .missingField, at: message.byteCount, "a required field is missing or null", field: name)
  }
}

extension MarketBar {
  /// The fields of a bar that is being read.
  package struct Fields {
    enum Field: String, CaseIterable {
      case symbol, exchange, interval, datetime
      case open, high, low, close, volume
      case value, field
      case ingestedAt = "ingestion_timestamp"
      case observedAt = "observed_at"
      case flags
    }
    static let table = FieldTable(Field.self)
    private static let required = table.mask(.symbol, .interval)

    var symbol = IngestText(), exchange = IngestText(), interval = IngestText(), field = IngestText()
    var datetime = LocalDateTime.epoch
    var observedAt: Timestamp?
    var ingestedAt: LocalDateTime?
    var open: ExactDecimal?, high: ExactDecimal?, low: ExactDecimal?, close: ExactDecimal?
    var volume: ExactDecimal?, value: ExactDecimal?
    var flags: MarketBar.Flags = []

    mutating func read(
      from reader: inout JSONReader, scratch: inout IngestScratch
    ) throws(DecodingFailure) {
      let table = Self.table
      var local: LocalDateTime?
      var zoned: Timestamp?
      var cursor = try reader.beginObject()
      while let name = try reader.nextField(&cursor, of: table) {
        switch name {
        case .symbol: symbol = try scratch.text(&reader)
        case .exchange: exchange = try scratch.textOrNull(&reader)
        case .interval: interval = try scratch.text(&reader)
        case .datetime: if !reader.isNull() { (local, zoned) = try reader.dateTime(field: name.rawValue) }
        case .open: open = try reader.decimalOrNull(field: name.rawValue)
        case .high: high = try reader.decimalOrNull(field: name.rawValue)
        case .low: low = try reader.decimalOrNull(field: name.rawValue)
        case .close: close = try reader.decimalOrNull(field: name.rawValue)
        case .volume: volume = try reader.decimalOrNull(field: name.rawValue)
        case .value: value = try reader.decimalOrNull(field: name.rawValue)
        case .field: field = try scratch.textOrNull(&reader)
        case .ingestedAt:
          if !reader.isNull() { ingestedAt = try reader.utcDateTime(field: name.rawValue) }
        case .observedAt: observedAt = try reader.timestampOrNull(field: name.rawValue)
        case .flags: flags = try Self.flags(from: &reader)
        }
      }
      try reader.require(Self.required, in: cursor, of: table)
      try reader.finish()
      if symbol.count == 0 { throw reader.missingField("symbol") }
      observedAt = observedAt ?? zoned
      guard let datetime = local ?? observedAt.map(LocalDateTime.init) else { throw reader.missingField("datetime") }
      self.datetime = datetime
    }

    /// Names that are not known yet are passed over.
    private static func flags(from reader: inout JSONReader) throws(DecodingFailure) -> MarketBar.Flags {
      if reader.isNull() { return [] }
      var flags: MarketBar.Flags = []
      var array = try reader.beginArray()
      while try reader.nextElement(&array) {
        let text = try reader.string()
        for (flag, name) in MarketBar.Flags.names where text == "\(name)" { flags.insert(flag) }
      }
      return flags
    }
  }
}

extension JSONReader {
  /// A date and time in a string: without an offset it is UTC, with one it is converted.
  fileprivate mutating func utcDateTime(field: String) throws(DecodingFailure) -> LocalDateTime {
    let (local, zoned) = try dateTime(field: field)
    return zoned.flatMap { LocalDateTime(microseconds: $0.microseconds) } ?? local
  }
}
