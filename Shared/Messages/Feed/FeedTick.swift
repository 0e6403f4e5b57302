import Catalogue
import Values

/// One event of a market feed, as the provider sent it: a trade, a quote, a status, a correction, a cancel.
///
/// `market-ticks`, key and order `symbol`. Three times, in nanoseconds since 1970, UTC, as JSON integers beyond 2^53:
/// `event_ns`, when it happened; `published_ns`, when the consolidated feed published it, where that is another time;
/// `known_ns`, when the streamer received it. Prices and sizes are JSON numbers with the digits of the provider, sizes
/// in the provider's unit (Polygon's quotes count round lots). A field that a kind does not have is left out.
///
/// A trade is named by symbol, `exchange`, `trf` and `id`; where the provider gives no id (options of Polygon) by
/// symbol, `exchange`, `sequence`, `event_ns`, `price` and `size`. An event may come twice, once live and once with
/// `refill`, the id of the gap that it fills: its names are equal then.
package struct FeedTick: Message {
  package enum Kind: String, CaseIterable, Sendable, JSONValue {
    case trade, quote
    /// Trading of the symbol halts, resumes: `code`, `reason_code`.
    case status
    /// The band that prices have to stay in: `limit_up`, `limit_down`.
    case luld
    /// The trade `original_id` was wrong; `id`, `price`, `size` and `conditions` are right.
    case correction
    /// The trade `id` did not happen; `action` is `C` for a cancel and `E` for an error.
    case cancel
  }

  package static let topic = Topics.marketTicks
  package static var shapes: [FieldShape] {
    FeedTickDecoder.fields.shapes(required: FeedTickDecoder.required, decimalsAreNumbers: true)
  }

  /// What the texts of `fields` are places in.
  private var texts: [UInt8] = []
  package private(set) var fields = FeedTickFields()

  /// - Parameters:
  ///   - symbol: the canonical one, see the module Feeds.
  ///   - feed: `polygon-stocks`, `polygon-options`, `alpaca-stocks`, `alpaca-options`.
  package init(_ kind: Kind, symbol: String, feed: String, eventNs: Int64, knownNs: Int64) {
    fields.kind = kind
    (fields.eventNs, fields.knownNs) = (eventNs, knownNs)
    self[\.symbol] = symbol
    self[\.feed] = feed
  }

  package subscript(_ text: WritableKeyPath<FeedTickFields, IngestText>) -> String? {
    get {
      guard fields[keyPath: text].isPresent else { return nil }
      return String(decoding: texts[fields[keyPath: text].range], as: UTF8.self)
    }
    set {
      guard let newValue else { return fields[keyPath: text] = IngestText() }
      let start = texts.count
      texts += newValue.utf8
      fields[keyPath: text] = IngestText(start..<texts.count)
    }
  }

  package subscript<Value>(_ field: WritableKeyPath<FeedTickFields, Value>) -> Value {
    get { fields[keyPath: field] }
    set { fields[keyPath: field] = newValue }
  }

  /// The strings of `conditions` or `original_conditions`.
  package func strings(_ list: WritableKeyPath<FeedTickFields, IngestText>) -> [String] {
    guard let json = self[list] else { return [] }
    let bytes = Array(json.utf8)
    do {
      var coder = try FieldCoder(reading: bytes.span.bytes, limits: JSONReader.Limits())
      return try coder.readList()
    } catch { return [] }
  }

  package mutating func set(_ list: WritableKeyPath<FeedTickFields, IngestText>, _ strings: [String]) {
    var writer = JSONWriter()
    strings.write(to: &writer)
    self[list] = String(decoding: writer.array(), as: UTF8.self)
  }

  package var key: [UInt8] { Array(texts[fields.symbol.range]) }

  package func encode(into writer: inout JSONWriter) {
    FeedTickView(texts.span.bytes, texts.span.bytes, fields).encode(into: &writer)
  }

  package init(decoding bytes: RawSpan, limits: JSONReader.Limits = JSONReader.Limits()) throws(DecodingFailure) {
    var decoder = FeedTickDecoder(limits: limits)
    self.init(try decoder.decode(bytes))
  }

  /// A copy of an event that is being read.
  package init(_ view: FeedTickView) {
    var fields = view.fields
    var texts: [UInt8] = []
    for path in FeedTickFields.texts {
      guard let text = view.text(fields[keyPath: path]) else { continue }
      let start = texts.count
      text.withUnsafeBytes { texts += $0 }
      fields[keyPath: path] = IngestText(start..<texts.count)
    }
    (self.texts, self.fields) = (texts, fields)
  }

  package static func == (left: Self, right: Self) -> Bool { left.encoded() == right.encoded() }
  package func hash(into hasher: inout Hasher) { hasher.combine(encoded()) }
}

/// The values of a ``FeedTick``; its texts are places in the bytes that they were read from.
package struct FeedTickFields: Sendable {
  package var kind = FeedTick.Kind.trade
  package var symbol = IngestText(), feed = IngestText()
  package var eventNs: Int64 = 0, knownNs: Int64 = 0
  package var publishedNs: Int64?
  /// The provider's code of the exchange: a number of Polygon's, a letter of Alpaca's.
  package var exchange = IngestText()
  package var id = IngestText()
  /// Ascending and unique within a symbol, with holes.
  package var sequence: Int64?
  /// The trade reporting facility of a trade off the exchanges.
  package var trf: Int64?
  package var price: ExactDecimal?, size: ExactDecimal?
  /// JSON arrays of strings.
  package var conditions = IngestText(), originalConditions = IngestText()
  package var tape = IngestText()
  package var bid: ExactDecimal?, bidSize: ExactDecimal?, ask: ExactDecimal?, askSize: ExactDecimal?
  package var bidExchange = IngestText(), askExchange = IngestText()
  package var originalID = IngestText()
  package var originalPrice: ExactDecimal?, originalSize: ExactDecimal?
  package var action = IngestText()
  package var code = IngestText(), message = IngestText(), reasonCode = IngestText(), reason = IngestText()
  package var limitUp: ExactDecimal?, limitDown: ExactDecimal?
  /// Of a band; JSON array of strings.
  package var indicators = IngestText()
  /// The id of the gap that the event fills; absent of live ones.
  package var refill = IngestText()

  package init() {}

  static var texts: [WritableKeyPath<FeedTickFields, IngestText>] {
    [
      \.symbol, \.feed, \.exchange, \.id, \.conditions, \.originalConditions, \.tape, \.bidExchange, \.askExchange,
      \.originalID, \.action, \.code, \.message, \.reasonCode, \.reason, \.indicators, \.refill,
    ]
  }
}

extension IngestText {
  /// In an array that holds the texts.
  var range: Range<Int> { Int(offset)..<(Int(offset) + max(Int(count), 0)) }
}
