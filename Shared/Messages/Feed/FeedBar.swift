import Catalogue
import Values

/// A bar of a market feed, or a later state of it.
///
/// `market-bars`, key and order `symbol`. A bar is named by symbol, feed, `interval` and `start_ns`; a later one of the
/// same name replaces the earlier one whole. `revision` is 0 of the first that the streamer saw and counts its changes.
/// Raw prices: splits are applied when they are read. A minute without a trade has no bar. A field that the provider
/// does not give is left out. Times are nanoseconds since 1970, UTC, numbers have the digits of the provider.
package struct FeedBar: Message {
  package static let topic = Topics.marketBars

  /// The canonical symbol.
  package var symbol: String
  package var feed: String
  /// `1s`, `1m`, `5m`, `15m`, `30m`, `1h`, `1d`.
  package var interval: String
  package var values: FeedBarValues

  package init(symbol: String, feed: String, interval: String, values: FeedBarValues) {
    self.symbol = symbol
    self.feed = feed
    self.interval = interval
    self.values = values
  }

  package static var shapes: [FieldShape] {
    FeedBarDecoder.fields.shapes(required: FeedBarDecoder.required, decimalsAreNumbers: true)
  }

  package var key: [UInt8] { Array(symbol.utf8) }

  package func encode(into writer: inout JSONWriter) {
    let texts = Array((symbol + feed + interval).utf8)
    let ends = (symbol.utf8.count, symbol.utf8.count + feed.utf8.count)
    var fields = FeedBarFields()
    fields.symbol = IngestText(0..<ends.0)
    fields.feed = IngestText(ends.0..<ends.1)
    fields.interval = IngestText(ends.1..<texts.count)
    fields.values = values
    FeedBarView(texts.span.bytes, texts.span.bytes, fields).encode(into: &writer)
  }

  package init(decoding bytes: RawSpan, limits: JSONReader.Limits = JSONReader.Limits()) throws(DecodingFailure) {
    var decoder = FeedBarDecoder(limits: limits)
    let view = try decoder.decode(bytes)
    func text(_ span: RawSpan) -> String { span.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
    self.init(
      symbol: text(view.symbol), feed: text(view.feed), interval: text(view.interval), values: view.fields.values)
  }
}

/// What a bar says, without its texts.
package struct FeedBarValues: Hashable, Sendable {
  package var startNs: Int64
  package var publishedNs: Int64?
  package var knownNs: Int64
  package var open, high, low, close: ExactDecimal
  package var volume: ExactDecimal
  package var vwap: ExactDecimal?
  package var trades: Int64?
  package var revision: Int64 = 0
  /// The interval has not ended: the daily bar of a running day.
  package var isRunning = false
  /// It is from an answer about the past, not from the stream.
  package var isRefill = false

  package init(
    startNs: Int64, knownNs: Int64, open: ExactDecimal, high: ExactDecimal, low: ExactDecimal, close: ExactDecimal,
    volume: ExactDecimal
  ) {
    (self.startNs, self.knownNs, self.volume) = (startNs, knownNs, volume)
    (self.open, self.high, self.low, self.close) = (open, high, low, close)
  }

  /// Equal numbers of the same bar, whenever and however it came.
  package func saysTheSame(as other: Self) -> Bool {
    open == other.open && high == other.high && low == other.low && close == other.close && volume == other.volume
      && vwap == other.vwap && trades == other.trades && isRunning == other.isRunning
  }
}

package struct FeedBarFields: Sendable {
  package var symbol = IngestText(), feed = IngestText(), interval = IngestText()
  package var values = FeedBarValues(startNs: 0, knownNs: 0, open: .zero, high: .zero, low: .zero, close: .zero,
                                     volume: .zero)

  package init() {}

  /// How long an interval is, in nanoseconds.
  package static let lengths: [String: Int64] = [
    "1s": 1_000_000_000, "1m": 60_000_000_000, "5m": 300_000_000_000, "15m": 900_000_000_000,
    "30m": 1_800_000_000_000, "1h": 3_600_000_000_000, "1d": 86_400_000_000_000,
  ]
}

/// A bar that is being read, or about to be written.
package typealias FeedBarView = MessageView<FeedBarFields>

extension FeedBarView {
  /// The same bar with other values.
  @_lifetime(copy self)
  package func with(_ values: FeedBarValues) -> FeedBarView {
    var fields = fields
    fields.values = values
    return FeedBarView(message, scratch, fields)
  }

  package var symbol: RawSpan { @_lifetime(copy self) get { fields.symbol.bytes(message, scratch) } }
  package var feed: RawSpan { @_lifetime(copy self) get { fields.feed.bytes(message, scratch) } }
  package var interval: RawSpan { @_lifetime(copy self) get { fields.interval.bytes(message, scratch) } }

  /// Writes the message `market-bars`.
  package func encode(into writer: inout JSONWriter) {
    let values = fields.values
    writer.beginObject()
    writer.key("symbol")
    writer.string(symbol)
    writer.key("feed")
    writer.string(feed)
    writer.key("interval")
    writer.string(interval)
    writer.key("start_ns")
    writer.integer(values.startNs)
    writer.present("published_ns", values.publishedNs)
    writer.key("known_ns")
    writer.integer(values.knownNs)
    writer.number("open", values.open)
    writer.number("high", values.high)
    writer.number("low", values.low)
    writer.number("close", values.close)
    writer.number("volume", values.volume)
    writer.present("vwap", values.vwap)
    writer.present("trades", values.trades)
    writer.key("revision")
    writer.integer(values.revision)
    if values.isRunning { writer.field("running", true) }
    if values.isRefill { writer.field("refill", true) }
    writer.endObject()
  }
}

/// Reads ``FeedBar`` messages without building values for their texts. Reuse one decoder for many messages.
package struct FeedBarDecoder: ~Copyable {
  private let limits: JSONReader.Limits
  private var scratch = IngestScratch()

  package init(limits: JSONReader.Limits = .init()) { self.limits = limits }

  /// Reads one message, the whole of `bytes`. The view lives until the next call.
  @_lifetime(copy bytes, &self)
  package mutating func decode(_ bytes: RawSpan) throws(DecodingFailure) -> FeedBarView {
    scratch.clear()
    var reader = try JSONReader(bytes, limits: limits)
    var fields = FeedBarFields()
    let table = Self.fields
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: table) {
      switch field {
      case .symbol: fields.symbol = try scratch.text(&reader)
      case .feed: fields.feed = try scratch.text(&reader)
      case .interval: fields.interval = try scratch.text(&reader)
      case .start: fields.values.startNs = try reader.integer()
      case .published: fields.values.publishedNs = try reader.integerOrNull()
      case .known: fields.values.knownNs = try reader.integer()
      case .open: fields.values.open = try reader.decimal(field: field.rawValue)
      case .high: fields.values.high = try reader.decimal(field: field.rawValue)
      case .low: fields.values.low = try reader.decimal(field: field.rawValue)
      case .close: fields.values.close = try reader.decimal(field: field.rawValue)
      case .volume: fields.values.volume = try reader.decimal(field: field.rawValue)
      case .vwap: fields.values.vwap = try reader.decimalOrNull(field: field.rawValue)
      case .trades: fields.values.trades = try reader.integerOrNull()
      case .revision: fields.values.revision = try reader.integer()
      case .running: fields.values.isRunning = try reader.bool()
      case .refill: fields.values.isRefill = try reader.bool()
      }
    }
    try reader.require(Self.required, in: cursor, of: table)
    try reader.finish()
    return FeedBarView(bytes, scratch.bytes, fields)
  }

  /// In the order they are written.
  enum Field: String, DescribedField {
    case symbol, feed, interval
    case start = "start_ns"
    case published = "published_ns"
    case known = "known_ns"
    case open, high, low, close, volume, vwap, trades, revision, running, refill

    var described: (type: any JSONValue.Type, doc: StaticString) {
      switch self {
      case .symbol: (String.self, "The canonical symbol")
      case .feed: (String.self, "`polygon-stocks`, `polygon-options`, `alpaca-stocks`, `alpaca-options`")
      case .interval: (String.self, "Length of the bar: `1s`, `1m`, `5m`, `15m`, `30m`, `1h`, `1d`")
      case .start: (Int64.self, "Beginning of the bar; of a daily one midnight in New York [ns since 1970]")
      case .published: (Int64?.self, "When the feed published it, where that is known [ns since 1970]")
      case .known: (Int64.self, "When the streamer received it [ns since 1970]")
      case .open: (ExactDecimal.self, "First price, not adjusted for splits [USD]")
      case .high: (ExactDecimal.self, "Highest price, not adjusted for splits [USD]")
      case .low: (ExactDecimal.self, "Lowest price, not adjusted for splits [USD]")
      case .close: (ExactDecimal.self, "Last price, not adjusted for splits [USD]")
      case .volume: (ExactDecimal.self, "Traded volume [shares, or contracts of options]")
      case .vwap: (ExactDecimal?.self, "Mean price by volume; left out where the provider gives none [USD]")
      case .trades: (Int64?.self, "How many trades there were; left out where the provider gives none")
      case .revision: (Int64.self, "0 of the first state that the streamer saw; counts its changes")
      case .running: (Bool?.self, "The interval has not ended: the daily bar of a running day")
      case .refill: (Bool?.self, "It is from an answer about the past, not from the stream")
      }
    }
  }
  static let fields = FieldTable(Field.self)
  static let required = fields.mask(.symbol, .feed, .interval, .start, .known, .open, .high, .low, .close, .volume)
}
