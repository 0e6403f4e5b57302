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
    /// Pieces traded; nil where the source has none, as for some indices.
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

    static let names: [(flag: Flags, name: StaticString)] = [
      (.inconsistentRange, "inconsistent_range"), (.refilled, "refilled"), (.nonPositivePrice, "non_positive_price"),
    ]
  }

  /// As the exchange writes it, without the exchange: `COMI`.
  package var symbol: String
  package var exchange: String?
  /// `Daily`, `Weekly`, `Monthly`, `1 Minute`, `5 Minute`, `30 Minute`.
  package var interval: String
  /// The bar's opening on the exchange's own clocks, Africa/Cairo.
  package var datetime: LocalDateTime
  package var values: Values
  /// When the producer took it over, UTC.
  package var ingestedAt: LocalDateTime?
  /// The instant of `datetime`, with the offset that was in force.
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

  package func encode(into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("symbol", symbol)
    if let exchange {
      writer.field("exchange", exchange)
    }
    writer.field("interval", interval)
    writer.field("datetime", datetime)
    switch values {
    case .candle(let candle):
      writer.number("open", candle.open)
      writer.number("high", candle.high)
      writer.number("low", candle.low)
      writer.number("close", candle.close)
      writer.number("volume", candle.volume)
    case .value(let value, let field):
      writer.number("value", value)
      writer.field("field", field)
    }
    if let ingestedAt {
      writer.field("ingestion_timestamp", ingestedAt)
    }
    if let observedAt {
      writer.field("observed_at", observedAt)
    }
    if !flags.isEmpty {
      writer.key("flags")
      writer.beginArray()
      for (flag, name) in Flags.names where flags.contains(flag) { writer.string("\(name)") }
      writer.endArray()
    }
    writer.endObject()
  }

  package init(
    decoding bytes: RawSpan, limits: JSONReader.Limits = JSONReader.Limits()
  ) throws(DecodingFailure) {
    var decoder = MarketBarDecoder(limits: limits)
    let view = try decoder.decode(bytes)
    let values: Values
    if let value = view.value {
      guard let field = view.field else { throw view.missing("field") }
      values = .value(value, field: String(utf8: field))
    } else {
      guard let open = view.open else { throw view.missing("open") }
      guard let high = view.high else { throw view.missing("high") }
      guard let low = view.low else { throw view.missing("low") }
      guard let close = view.close else { throw view.missing("close") }
      values = .candle(Candle(open: open, high: high, low: low, close: close, volume: view.volume))
    }
    var exchange: String?
    if let text = view.exchange { exchange = String(utf8: text) }
    self.init(
      symbol: String(utf8: view.symbol), exchange: exchange, interval: String(utf8: view.interval),
      datetime: view.datetime, values: values, ingestedAt: view.ingestedAt, observedAt: view.observedAt,
      flags: view.flags)
  }
}

extension String {
  /// A copy of text that was validated before.
  fileprivate init(utf8 bytes: RawSpan) {
    self = bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }
}
