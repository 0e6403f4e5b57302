import Values

/// An event that is being read, or about to be written.
package typealias FeedTickView = MessageView<FeedTickFields>

extension FeedTickView {
  package var symbol: RawSpan { @_lifetime(copy self) get { fields.symbol.bytes(message, scratch) } }
  package var feed: RawSpan { @_lifetime(copy self) get { fields.feed.bytes(message, scratch) } }

  @_lifetime(copy self)
  package func text(_ text: IngestText) -> RawSpan? { text.bytesOrNull(message, scratch) }

  /// Writes the message `market-ticks`.
  package func encode(into writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("kind")
    switch fields.kind {
    case .trade: writer.raw("\"trade\"")
    case .quote: writer.raw("\"quote\"")
    case .status: writer.raw("\"status\"")
    case .luld: writer.raw("\"luld\"")
    case .correction: writer.raw("\"correction\"")
    case .cancel: writer.raw("\"cancel\"")
    }
    writer.key("symbol")
    writer.string(symbol)
    writer.key("feed")
    writer.string(feed)
    writer.key("event_ns")
    writer.integer(fields.eventNs)
    writer.present("published_ns", fields.publishedNs)
    writer.key("known_ns")
    writer.integer(fields.knownNs)
    writer.present("exchange", text(fields.exchange))
    writer.present("id", text(fields.id))
    writer.present("sequence", fields.sequence)
    writer.present("trf", fields.trf)
    writer.present("price", fields.price)
    writer.present("size", fields.size)
    writer.present(json: "conditions", text(fields.conditions))
    writer.present("tape", text(fields.tape))
    if fields.kind == .quote {
      writer.present("bid", fields.bid)
      writer.present("bid_size", fields.bidSize)
      writer.present("bid_exchange", text(fields.bidExchange))
      writer.present("ask", fields.ask)
      writer.present("ask_size", fields.askSize)
      writer.present("ask_exchange", text(fields.askExchange))
    } else if fields.kind != .trade {
      encodeRare(into: &writer)
    }
    writer.present("refill", text(fields.refill))
    writer.endObject()
  }

  private func encodeRare(into writer: inout JSONWriter) {
    writer.present("original_id", text(fields.originalID))
    writer.present("original_price", fields.originalPrice)
    writer.present("original_size", fields.originalSize)
    writer.present(json: "original_conditions", text(fields.originalConditions))
    writer.present("action", text(fields.action))
    writer.present("code", text(fields.code))
    writer.present("message", text(fields.message))
    writer.present("reason_code", text(fields.reasonCode))
    writer.present("reason", text(fields.reason))
    writer.present("limit_up", fields.limitUp)
    writer.present("limit_down", fields.limitDown)
    writer.present(json: "indicators", text(fields.indicators))
  }
}

extension JSONWriter {
  @inline(__always)
  mutating func raw(_ json: StaticString) {
    raw(UnsafeRawBufferPointer(start: json.utf8Start, count: json.utf8CodeUnitCount).bytes)
  }

  /// A key and its value, nothing for nil.
  @inline(__always)
  mutating func present(_ name: StaticString, _ value: Int64?) {
    guard let value else { return }
    key(name)
    integer(value)
  }

  /// As a JSON number.
  @inline(__always)
  mutating func present(_ name: StaticString, _ value: ExactDecimal?) {
    guard let value else { return }
    key(name)
    number(value)
  }

  @inline(__always)
  mutating func present(_ name: StaticString, _ text: RawSpan?) {
    guard let text else { return }
    key(name)
    string(text)
  }

  /// - Parameter text: JSON.
  @inline(__always)
  mutating func present(json name: StaticString, _ text: RawSpan?) {
    guard let text else { return }
    key(name)
    raw(text)
  }
}

/// Reads ``FeedTick`` messages without building values for their texts. Reuse one decoder for many messages.
package struct FeedTickDecoder: ~Copyable {
  private let limits: JSONReader.Limits
  private var scratch = IngestScratch()

  package init(limits: JSONReader.Limits = .init()) { self.limits = limits }

  /// Reads one message, the whole of `bytes`. The view lives until the next call.
  @_lifetime(copy bytes, &self)
  package mutating func decode(_ bytes: RawSpan) throws(DecodingFailure) -> FeedTickView {
    scratch.clear()
    var reader = try JSONReader(bytes, limits: limits)
    var fields = FeedTickFields()
    let table = Self.fields
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: table) { try read(field, from: &reader, into: &fields) }
    try reader.require(Self.required, in: cursor, of: table)
    try reader.finish()
    return FeedTickView(bytes, scratch.bytes, fields)
  }

  private mutating func read(
    _ field: Field, from reader: inout JSONReader, into fields: inout FeedTickFields
  ) throws(DecodingFailure) {
    switch field {
    case .kind: fields.kind = try reader.value(FeedTick.Kind.self, field: field.rawValue)
    case .symbol: fields.symbol = try scratch.text(&reader)
    case .feed: fields.feed = try scratch.text(&reader)
    case .event: fields.eventNs = try reader.integer()
    case .published: fields.publishedNs = try reader.integerOrNull()
    case .known: fields.knownNs = try reader.integer()
    case .exchange: fields.exchange = try scratch.textOrNull(&reader)
    case .id: fields.id = try scratch.textOrNull(&reader)
    case .sequence: fields.sequence = try reader.integerOrNull()
    case .trf: fields.trf = try reader.integerOrNull()
    case .price: fields.price = try reader.decimalOrNull(field: field.rawValue)
    case .size: fields.size = try reader.decimalOrNull(field: field.rawValue)
    case .conditions: fields.conditions = try strings(&reader)
    case .tape: fields.tape = try scratch.textOrNull(&reader)
    case .bid: fields.bid = try reader.decimalOrNull(field: field.rawValue)
    case .bidSize: fields.bidSize = try reader.decimalOrNull(field: field.rawValue)
    case .bidExchange: fields.bidExchange = try scratch.textOrNull(&reader)
    case .ask: fields.ask = try reader.decimalOrNull(field: field.rawValue)
    case .askSize: fields.askSize = try reader.decimalOrNull(field: field.rawValue)
    case .askExchange: fields.askExchange = try scratch.textOrNull(&reader)
    case .originalID: fields.originalID = try scratch.textOrNull(&reader)
    case .originalPrice: fields.originalPrice = try reader.decimalOrNull(field: field.rawValue)
    case .originalSize: fields.originalSize = try reader.decimalOrNull(field: field.rawValue)
    case .originalConditions: fields.originalConditions = try strings(&reader)
    case .action: fields.action = try scratch.textOrNull(&reader)
    case .code: fields.code = try scratch.textOrNull(&reader)
    case .message: fields.message = try scratch.textOrNull(&reader)
    case .reasonCode: fields.reasonCode = try scratch.textOrNull(&reader)
    case .reason: fields.reason = try scratch.textOrNull(&reader)
    case .limitUp: fields.limitUp = try reader.decimalOrNull(field: field.rawValue)
    case .limitDown: fields.limitDown = try reader.decimalOrNull(field: field.rawValue)
    case .indicators: fields.indicators = try strings(&reader)
    case .refill: fields.refill = try scratch.textOrNull(&reader)
    }
  }

  private mutating func strings(_ reader: inout JSONReader) throws(DecodingFailure) -> IngestText {
    reader.isNull() ? IngestText() : try scratch.strings(&reader)
  }

  /// In the order they are written.
  enum Field: String, DescribedField {
    case kind, symbol, feed
    case event = "event_ns"
    case published = "published_ns"
    case known = "known_ns"
    case exchange, id, sequence, trf, price, size, conditions, tape, bid
    case bidSize = "bid_size"
    case bidExchange = "bid_exchange"
    case ask
    case askSize = "ask_size"
    case askExchange = "ask_exchange"
    case originalID = "original_id"
    case originalPrice = "original_price"
    case originalSize = "original_size"
    case originalConditions = "original_conditions"
    case action, code, message
    case reasonCode = "reason_code"
    case reason
    case limitUp = "limit_up"
    case limitDown = "limit_down"
    case indicators, refill

    var described: (type: any JSONValue.Type, doc: StaticString) {
      switch self {
      case .kind: (FeedTick.Kind.self, "What happened; fields that a kind does not have are left out")
      case .symbol: (String.self, "The canonical symbol")
      case .feed: (String.self, "`polygon-stocks`, `polygon-options`, `alpaca-stocks`, `alpaca-options`")
      case .event: (Int64.self, "When it happened [ns since 1970]")
      case .published: (Int64?.self, "When the consolidated feed published it, if at another time [ns since 1970]")
      case .known: (Int64.self, "When the streamer received it [ns since 1970]")
      case .exchange: (String?.self, "The provider's code of the exchange: a number of Polygon, a letter of Alpaca")
      case .id: (String?.self, "The provider's id of the trade")
      case .sequence: (Int64?.self, "Ascending and unique within a symbol, with holes")
      case .trf: (Int64?.self, "The trade reporting facility of a trade off the exchanges")
      case .price: (ExactDecimal?.self, "Price; of a correction the right one [USD]")
      case .size: (ExactDecimal?.self, "Size; of a correction the right one [shares, or contracts of options]")
      case .conditions: ([String]?.self, "The provider's codes of conditions of the trade or quote")
      case .tape: (String?.self, "The tape that it was reported on")
      case .bid: (ExactDecimal?.self, "Best bid [USD]")
      case .bidSize: (ExactDecimal?.self, "Size of the bid; Polygon counts round lots [unit of the provider]")
      case .bidExchange: (String?.self, "The provider's code of the exchange of the bid")
      case .ask: (ExactDecimal?.self, "Best ask [USD]")
      case .askSize: (ExactDecimal?.self, "Size of the ask; Polygon counts round lots [unit of the provider]")
      case .askExchange: (String?.self, "The provider's code of the exchange of the ask")
      case .originalID: (String?.self, "Of a correction: id of the trade that was wrong")
      case .originalPrice: (ExactDecimal?.self, "Of a correction: the wrong price [USD]")
      case .originalSize: (ExactDecimal?.self, "Of a correction: the wrong size [shares, or contracts of options]")
      case .originalConditions: ([String]?.self, "Of a correction: the wrong conditions")
      case .action: (String?.self, "Of a cancel: `C` for a cancel, `E` for an error")
      case .code: (String?.self, "Of a status: the provider's code")
      case .message: (String?.self, "Of a status: its code in words")
      case .reasonCode: (String?.self, "Of a status: the code of its reason")
      case .reason: (String?.self, "Of a status: its reason in words")
      case .limitUp: (ExactDecimal?.self, "Of a band: the highest price allowed [USD]")
      case .limitDown: (ExactDecimal?.self, "Of a band: the lowest price allowed [USD]")
      case .indicators: ([String]?.self, "Of a band: the provider's codes")
      case .refill: (String?.self, "Id of the gap that the event fills; left out of live ones")
      }
    }
  }
  static let fields = FieldTable(Field.self)
  static let required = fields.mask(.kind, .symbol, .feed, .event, .known)
}
