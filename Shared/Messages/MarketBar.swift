import Catalogue
import Values

/// One bar of one instrument, new or changed.
///
/// `egx_market_data`, key and order `symbol`. Two forms, which readers tell by their fields: a candle
/// (`open`, `high`, `low`, `close`, `volume`) and, for series that have only one price, a value
/// (`value`, `field`). Numbers are JSON numbers with the digits of the source.
///
/// The forms are those of an older producer whose readers live on, so a field that is unknown is left out and not
/// written as `null`; only `volume`, which every candle has, is.
package struct MarketBar: Message {
  package enum Values: Hashable, Sendable {
    case candle(Candle)
    /// One price; `field` says which of a candle's it is.
    case value(ExactDecimal, field: String)
  }

  package struct Candle: Hashable, Sendable {
    package var open, high, low, close: ExactDecimal
    package var volume: ExactDecimal?

    package init(
      open: ExactDecimal, high: ExactDecimal, low: ExactDecimal, close: ExactDecimal, volume: ExactDecimal?
    ) {
      self.open = open
      self.high = high
      self.low = low
      self.close = close
      self.volume = volume
    }

    /// `low <= open, close <= high`.
    package var isConsistent: Bool {
      low <= min(open, close) && max(open, close) <= high
    }
  }

  /// What a producer found odd about a bar; it is published all the same.
  package struct Flags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Not `low <= open, close <= high`.
    package static let inconsistentRange = Flags(rawValue: 1)
    /// Missed when it was live and fetched afterwards.
    package static let refilled = Flags(rawValue: 2)

    /// A price of zero or below: wrong of most instruments, and real of some, as of oil in April 2020.
    package static let nonPositivePrice = Flags(rawValue: 4)

    static let names: [(flag: Flags, name: String)] = [
      (.inconsistentRange, "inconsistent_range"), (.refilled, "refilled"), (.nonPositivePrice, "non_positive_price"),
    ]
  }

  package var symbol: String
  package var exchange: String?
  package var interval: String
  package var datetime: LocalDateTime
  package var values: Values
  package var ingestedAt: LocalDateTime?
  package var observedAt: Timestamp?
  package var flags: Flags

  package static let topic = Topics.marketData

  package init(
    symbol: String, exchange: String?, interval: String, datetime: LocalDateTime, values: Values,
    ingestedAt: LocalDateTime? = nil, observedAt: Timestamp? = nil, flags: Flags = []
  ) {
    self.symbol = symbol
    self.exchange = exchange
    self.interval = interval
    self.datetime = datetime
    self.values = values
    self.ingestedAt = ingestedAt
    self.observedAt = observedAt
    self.flags = flags
  }

  package var key: [UInt8] { Array(symbol.utf8) }

  package static var shapes: [FieldShape] { BarFields.shapes }

  package func encode(into writer: inout JSONWriter) { BarFields(self).write(to: &writer) }

  package init(decoding bytes: RawSpan, limits: JSONReader.Limits = JSONReader.Limits()) throws(DecodingFailure) {
    var coder = try FieldCoder(reading: bytes, limits: limits)
    let fields = try BarFields.read(from: &coder)
    try coder.reader.finish()
    self = try fields.bar(coder.reader)
  }
}

/// The fields of both forms.
private struct BarFields: FieldwiseObject {
  var symbol = "", interval = ""
  var exchange: String?
  var datetime: BarTime?, ingestedAt: BarTime?
  var open: ExactDecimal?, high: ExactDecimal?, low: ExactDecimal?, close: ExactDecimal?, volume: ExactDecimal?
  var value: ExactDecimal?
  var field: String?
  var observedAt: Timestamp?
  var flags: MarketBar.Flags = []

  static let blank = Self()
  static let fields = ObjectFields(blank)

  mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("symbol", &symbol, "As the exchange writes it, without the exchange: `COMI`")
    try coder.field("exchange", &exchange, "The exchange: `EGX`", when: exchange != nil)
    try coder.required("interval", &interval, "`Daily`, `Weekly`, `Monthly`, `1 Minute`, `5 Minute`, `30 Minute`")
    try coder.field("datetime", &datetime, "Opening of the bar on the clocks of the exchange, Africa/Cairo")
    try coder.number("open", &open, "First price [EGP; points of an index]", when: value == nil)
    try coder.number("high", &high, "Highest price [EGP; points of an index]", when: value == nil)
    try coder.number("low", &low, "Lowest price [EGP; points of an index]", when: value == nil)
    try coder.number("close", &close, "Last price [EGP; points of an index]", when: value == nil)
    try coder.number(
      "volume", &volume,
      "Traded volume; null where the source has none, as of some indices [shares]", when: value == nil)
    try coder.number(
      "value", &value, "The price of a series that has only one [EGP; points of an index]", when: value != nil)
    try coder.field("field", &field, "Which price of a candle `value` is", when: value != nil)
    try coder.field("ingestion_timestamp", &ingestedAt, "When the producer received it, UTC", when: ingestedAt != nil)
    try coder.field(
      "observed_at", &observedAt,
      "The instant of `datetime`, with the offset that was in force", when: observedAt != nil)
    try coder.field(
      "flags", &flags,
      "What is odd about it: `inconsistent_range`, `refilled`, `non_positive_price`", when: !flags.isEmpty)
  }
}

extension BarFields {
  init(_ bar: MarketBar) {
    (symbol, interval, exchange) = (bar.symbol, bar.interval, bar.exchange)
    (datetime, ingestedAt) = (BarTime(local: bar.datetime), bar.ingestedAt.map { BarTime(local: $0) })
    (observedAt, flags) = (bar.observedAt, bar.flags)
    switch bar.values {
    case .candle(let candle):
      (open, high, low, close) = (candle.open, candle.high, candle.low, candle.close)
      volume = candle.volume
    case .value(let price, let name): (value, field) = (price, name)
    }
  }

  /// - Parameter reader: at the end of the message.
  func bar(_ reader: borrowing JSONReader) throws(DecodingFailure) -> MarketBar {
    if symbol.isEmpty { throw reader.missingField("symbol") }
    let observedAt = observedAt ?? datetime?.zoned
    guard let local = datetime?.local ?? observedAt.map(LocalDateTime.init) else {
      throw reader.missingField("datetime")
    }
    let values: MarketBar.Values
    if let value {
      guard let field else { throw reader.missingField("field") }
      values = .value(value, field: field)
    } else {
      guard let open else { throw reader.missingField("open") }
      guard let high else { throw reader.missingField("high") }
      guard let low else { throw reader.missingField("low") }
      guard let close else { throw reader.missingField("close") }
      values = .candle(.init(open: open, high: high, low: low, close: close, volume: volume))
    }
    return MarketBar(
      symbol: symbol, exchange: exchange, interval: interval, datetime: local, values: values,
      ingestedAt: ingestedAt?.utc, observedAt: observedAt, flags: flags)
  }
}

/// A date and time, with an offset or without.
private struct BarTime: JSONValue {
  /// On the clocks that the text is about.
  var local: LocalDateTime
  /// The instant; nil without an offset.
  var zoned: Timestamp?

  /// Without an offset it is UTC, with one it is converted.
  var utc: LocalDateTime { zoned.flatMap { LocalDateTime(microseconds: $0.microseconds) } ?? local }

  func write(to writer: inout JSONWriter) { writer.string(local) }

  static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self {
    let (local, zoned) = try coder.reader.dateTime(field: coder.name)
    return Self(local: local, zoned: zoned)
  }
}

extension MarketBar.Flags: WrappingJSONValue {
  package static var wrapping: JSONWrapping { .list(String.self) }

  package func write(to writer: inout JSONWriter) {
    Self.names.filter { contains($0.flag) }.map(\.name).write(to: &writer)
  }

  /// Names that are not known yet are skipped.
  package static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self {
    let names: [String] = try coder.readList()
    return Self.names.reduce(into: []) { flags, known in
      if names.contains(known.name) { flags.insert(known.flag) }
    }
  }
}
