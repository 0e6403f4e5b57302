import Core
import Messages
import Values

/// Reads the frames of Polygon (Massive): arrays that mix channels and symbols.
///
/// Reuse one for a connection. A frame is read in place; its events are valid during the visit.
package struct PolygonDecoder: ~Copyable {
  private var element: FeedElement

  /// - Parameter maxSkew: how much later than now an event may say it is.
  package init(_ feed: Feed, maxSkew: Duration = .seconds(60)) {
    element = FeedElement(feed, maxSkewNs: maxSkew.nanoseconds)
  }

  /// - Parameter knownNs: when the frame was received.
  package mutating func decode<Visitor: FeedVisitor>(_ frame: RawSpan, knownNs: Int64, to visitor: inout Visitor) {
    do throws(DecodingFailure) {
      try FeedElement.forEach(of: frame) { read($0, knownNs, &visitor) }
    } catch {
      visitor.refuse(error)
    }
  }

  private mutating func read<Visitor: FeedVisitor>(_ bytes: RawSpan, _ knownNs: Int64, _ visitor: inout Visitor) {
    element.begin()
    do throws(DecodingFailure) {
      switch try kind(of: bytes) {
      case .trade:
        let tick = try trade(bytes, knownNs)
        give(tick, bytes, &visitor)
      case .quote:
        let tick = try quote(bytes, knownNs)
        give(tick, bytes, &visitor)
      case .second:
        let bar = try bar(bytes, knownNs, "1s", 1)
        give(bar, bytes, &visitor)
      case .minute:
        let bar = try bar(bytes, knownNs, "1m", 60)
        give(bar, bytes, &visitor)
      case .band:
        let tick = try band(bytes, knownNs)
        give(tick, bytes, &visitor)
      case .status: visitor.take(try status(bytes))
      case nil: visitor.ignore()
      }
    } catch {
      visitor.refuse(error)
    }
  }

  private enum Kind: String, CaseIterable {
    case trade = "T"
    case quote = "Q"
    case second = "A"
    case minute = "AM"
    case band = "LULD"
    case status
  }

  private enum EventField: String, CaseIterable { case ev }
  private static let eventFields = FieldTable(EventField.self)

  private func kind(of bytes: RawSpan) throws(DecodingFailure) -> Kind? {
    var reader = try JSONReader(bytes)
    var cursor = try reader.beginObject()
    guard try reader.nextField(&cursor, of: Self.eventFields) != nil else { throw reader.missingField("ev") }
    let slice = try reader.slice()
    let name = bytes.extracting(slice.offset..<slice.offset + slice.count)
    if name.byteCount == 1 {
      switch name.unsafeLoad(fromByteOffset: 0, as: UInt8.self) {
      case UInt8(ascii: "T"): return .trade
      case UInt8(ascii: "Q"): return .quote
      case UInt8(ascii: "A"): return .second
      default: return nil
      }
    }
    return Kind.allCases.first { name.equals($0.rawValue) }
  }

  private func give<Visitor: FeedVisitor>(_ fields: FeedTickFields, _ bytes: RawSpan, _ visitor: inout Visitor) {
    visitor.take(FeedTickView(bytes, element.scratch.bytes, fields))
  }

  private func give<Visitor: FeedVisitor>(_ fields: FeedBarFields, _ bytes: RawSpan, _ visitor: inout Visitor) {
    visitor.take(FeedBarView(bytes, element.scratch.bytes, fields))
  }

  // MARK: - kinds

  private enum TradeField: String, CaseIterable {
    case sym, x, i, z, p, s, ds, c, t, q, trfi, trft
  }
  private static let tradeFields = FieldTable(TradeField.self)
  private static let tradeRequired = tradeFields.mask(.sym, .p, .t)

  private mutating func trade(_ bytes: RawSpan, _ knownNs: Int64) throws(DecodingFailure) -> FeedTickFields {
    var reader = try JSONReader(bytes)
    var fields = FeedTickFields()
    var (whole, facility): (ExactDecimal?, Int64?)
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: Self.tradeFields) {
      switch field {
      case .sym: fields.symbol = try element.symbol(&reader, in: bytes)
      case .x: fields.exchange = try element.word(&reader)
      case .i: fields.id = try element.word(&reader)
      case .z: fields.tape = try element.word(&reader)
      case .p: fields.price = try element.decimal(&reader, field: "p")
      case .s: whole = try element.decimal(&reader, field: "s")
      // With its fraction, which `s` leaves out.
      case .ds: fields.size = try element.decimal(&reader, field: "ds")
      case .c: fields.conditions = try element.words(&reader, in: bytes)
      case .t: fields.publishedNs = try element.stamp(&reader, in: bytes, field: "t")
      case .q: fields.sequence = try reader.integerOrNull()
      case .trfi: fields.trf = try reader.integerOrNull()
      case .trft: facility = reader.isNull() ? nil : try element.stamp(&reader, in: bytes, field: "trft")
      }
    }
    try reader.require(Self.tradeRequired, in: cursor, of: Self.tradeFields)
    fields.size = fields.size ?? whole
    // The facility's own time, of a trade that it reports late.
    return try finished(fields, .trade, facility.flatMap { $0 > 0 ? $0 : nil }, knownNs)
  }

  private enum QuoteField: String, CaseIterable {
    case sym, bx, bp, bs, ax, ap, `as`, c, i, t, q, z
  }
  private static let quoteFields = FieldTable(QuoteField.self)
  private static let quoteRequired = quoteFields.mask(.sym, .t)

  private mutating func quote(_ bytes: RawSpan, _ knownNs: Int64) throws(DecodingFailure) -> FeedTickFields {
    var reader = try JSONReader(bytes)
    var fields = FeedTickFields()
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: Self.quoteFields) {
      switch field {
      case .sym: fields.symbol = try element.symbol(&reader, in: bytes)
      case .bx: fields.bidExchange = try element.word(&reader)
      case .bp: fields.bid = try element.decimal(&reader, field: "bp")
      case .bs: fields.bidSize = try element.decimal(&reader, field: "bs")
      case .ax: fields.askExchange = try element.word(&reader)
      case .ap: fields.ask = try element.decimal(&reader, field: "ap")
      case .as: fields.askSize = try element.decimal(&reader, field: "as")
      case .c: fields.conditions = try element.words(&reader, in: bytes)
      case .i: fields.indicators = try element.words(&reader, in: bytes)
      case .t: fields.publishedNs = try element.stamp(&reader, in: bytes, field: "t")
      case .q: fields.sequence = try reader.integerOrNull()
      case .z: fields.tape = try element.word(&reader)
      }
    }
    try reader.require(Self.quoteRequired, in: cursor, of: Self.quoteFields)
    return try finished(fields, .quote, nil, knownNs)
  }

  private enum BandField: String, CaseIterable {
    case T, h, l, i, z, t, q
  }
  private static let bandFields = FieldTable(BandField.self)
  private static let bandRequired = bandFields.mask(.T, .t)

  private mutating func band(_ bytes: RawSpan, _ knownNs: Int64) throws(DecodingFailure) -> FeedTickFields {
    var reader = try JSONReader(bytes)
    var fields = FeedTickFields()
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: Self.bandFields) {
      switch field {
      case .T: fields.symbol = try element.symbol(&reader, in: bytes)
      case .h: fields.limitUp = try element.decimal(&reader, field: "h")
      case .l: fields.limitDown = try element.decimal(&reader, field: "l")
      case .i: fields.indicators = try element.words(&reader, in: bytes)
      case .z: fields.tape = try element.word(&reader)
      case .t: fields.publishedNs = try element.stamp(&reader, in: bytes, field: "t")
      case .q: fields.sequence = try reader.integerOrNull()
      }
    }
    try reader.require(Self.bandRequired, in: cursor, of: Self.bandFields)
    return try finished(fields, .luld, nil, knownNs)
  }

  /// The consolidated feed's time is the event's unless another is known.
  private func finished(
    _ fields: FeedTickFields, _ kind: FeedTick.Kind, _ event: Int64?, _ knownNs: Int64
  ) throws(DecodingFailure) -> FeedTickFields {
    var fields = fields
    fields.kind = kind
    fields.feed = element.feedName
    fields.knownNs = knownNs
    let published = fields.publishedNs ?? 0
    fields.eventNs = event ?? published
    if event == nil { fields.publishedNs = nil }
    try element.check(max(published, fields.eventNs), knownNs: knownNs, field: "t")
    return fields
  }

  private enum BarField: String, CaseIterable {
    case sym, v, dv, vw, o, c, h, l, s
  }
  private static let barFields = FieldTable(BarField.self)
  private static let barRequired = barFields.mask(.sym, .v, .o, .c, .h, .l, .s)

  private mutating func bar(
    _ bytes: RawSpan, _ knownNs: Int64, _ interval: String, _ seconds: Int64
  ) throws(DecodingFailure) -> FeedBarFields {
    var reader = try JSONReader(bytes)
    var bar = FeedBarFields()
    var (open, high, low, close): (ExactDecimal?, ExactDecimal?, ExactDecimal?, ExactDecimal?)
    var (whole, volume): (ExactDecimal?, ExactDecimal?)
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: Self.barFields) {
      switch field {
      case .sym: bar.symbol = try element.symbol(&reader, in: bytes)
      case .v: whole = try element.decimal(&reader, field: "v")
      // With its fraction.
      case .dv: volume = try element.decimal(&reader, field: "dv")
      case .vw: bar.values.vwap = try element.decimal(&reader, field: "vw")
      case .o: open = try element.decimal(&reader, field: "o")
      case .c: close = try element.decimal(&reader, field: "c")
      case .h: high = try element.decimal(&reader, field: "h")
      case .l: low = try element.decimal(&reader, field: "l")
      case .s: bar.values.startNs = try element.stamp(&reader, in: bytes, field: "s")
      }
    }
    try reader.require(Self.barRequired, in: cursor, of: Self.barFields)
    bar.values.open = try element.need(open, "o")
    bar.values.high = try element.need(high, "h")
    bar.values.low = try element.need(low, "l")
    bar.values.close = try element.need(close, "c")
    bar.values.volume = try element.need(volume ?? whole, "v")
    bar.values.knownNs = knownNs
    bar.feed = element.feedName
    bar.interval = element.scratch.append(interval)
    try element.check(bar.values.startNs, knownNs: knownNs, field: "s")
    return bar
  }

  // MARK: - the past

  private enum PageField: String, CaseIterable {
    case results
    case next = "next_url"
  }
  private static let pageFields = FieldTable(PageField.self)

  /// Reads a page of an answer about the past, of one symbol.
  /// - Returns: where the next page is, nil behind the last one.
  /// - Throws: when it is no such page; a row that cannot be read is refused alone.
  mutating func page<Visitor: FeedVisitor>(
    _ page: RawSpan, of question: FeedQuestion, knownNs: Int64, to visitor: inout Visitor
  ) throws(DecodingFailure) -> String? {
    var reader = try JSONReader(page, limits: .init(maxBytes: 64 << 20))
    var next: String?
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: Self.pageFields) {
      switch field {
      case .next: next = try reader.stringOrNull()
      case .results:
        // Absent or null where there are none.
        if reader.isNull() { continue }
        var rows = try reader.beginArray()
        while try reader.nextElement(&rows) {
          let start = reader.offset
          try reader.skipValue()
          row(page.extracting(start..<reader.offset), question, knownNs, &visitor)
        }
      }
    }
    try reader.finish()
    return next
  }

  private mutating func row<Visitor: FeedVisitor>(
    _ bytes: RawSpan, _ question: FeedQuestion, _ knownNs: Int64, _ visitor: inout Visitor
  ) {
    element.begin()
    do throws(DecodingFailure) {
      let (symbol, channel) = (question.symbols[0], question.channel)
      if channel == .trades || channel == .quotes {
        let tick = try pastTick(bytes, symbol, channel == .trades ? .trade : .quote, knownNs)
        give(tick, bytes, &visitor)
      } else {
        let bar = try pastBar(bytes, symbol, question.interval, knownNs)
        give(bar, bytes, &visitor)
      }
    } catch {
      visitor.refuse(error)
    }
  }

  private enum PastField: String, CaseIterable {
    case conditions, exchange, id
    case participant = "participant_timestamp"
    case price
    case sequence = "sequence_number"
    case sip = "sip_timestamp"
    case size, tape
    case trf = "trf_id"
    case trfTime = "trf_timestamp"
    case ask = "ask_price"
    case askSize = "ask_size"
    case askExchange = "ask_exchange"
    case bid = "bid_price"
    case bidSize = "bid_size"
    case bidExchange = "bid_exchange"
    case indicators
  }
  private static let pastFields = FieldTable(PastField.self)
  private static let pastRequired = pastFields.mask(.sip)

  private mutating func pastTick(
    _ bytes: RawSpan, _ symbol: String, _ kind: FeedTick.Kind, _ knownNs: Int64
  ) throws(DecodingFailure) -> FeedTickFields {
    var reader = try JSONReader(bytes)
    var fields = FeedTickFields()
    fields.symbol = element.scratch.append(symbol)
    var facility: Int64?
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: Self.pastFields) {
      let name = field.rawValue
      switch field {
      case .conditions: fields.conditions = try element.words(&reader, in: bytes)
      case .exchange: fields.exchange = try element.word(&reader)
      case .id: fields.id = try element.word(&reader)
      case .price: fields.price = try element.decimal(&reader, field: name)
      case .sequence: fields.sequence = try reader.integerOrNull()
      case .sip: fields.publishedNs = try element.stamp(&reader, in: bytes, field: name)
      case .size: fields.size = try element.decimal(&reader, field: name)
      case .tape: fields.tape = try element.word(&reader)
      case .trf: fields.trf = try reader.integerOrNull()
      case .trfTime: facility = reader.isNull() ? nil : try element.stamp(&reader, in: bytes, field: name)
      case .ask: fields.ask = try element.decimal(&reader, field: name)
      case .askSize: fields.askSize = try element.decimal(&reader, field: name)
      case .askExchange: fields.askExchange = try element.word(&reader)
      case .bid: fields.bid = try element.decimal(&reader, field: name)
      case .bidSize: fields.bidSize = try element.decimal(&reader, field: name)
      case .bidExchange: fields.bidExchange = try element.word(&reader)
      case .indicators: fields.indicators = try element.words(&reader, in: bytes)
      // The stream does not have it.
      case .participant: try reader.skipValue()
      }
    }
    try reader.require(Self.pastRequired, in: cursor, of: Self.pastFields)
    return try finished(fields, kind, facility.flatMap { $0 > 0 ? $0 : nil }, knownNs)
  }

  private enum PastBarField: String, CaseIterable {
    case v, vw, o, c, h, l, t, n
  }
  private static let pastBarFields = FieldTable(PastBarField.self)
  private static let pastBarRequired = pastBarFields.all & ~pastBarFields.mask(.vw, .n)

  private mutating func pastBar(
    _ bytes: RawSpan, _ symbol: String, _ interval: BarInterval, _ knownNs: Int64
  ) throws(DecodingFailure) -> FeedBarFields {
    var reader = try JSONReader(bytes)
    var bar = FeedBarFields()
    bar.symbol = element.scratch.append(symbol)
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: Self.pastBarFields) {
      let name = field.rawValue
      switch field {
      case .v: bar.values.volume = try element.need(try element.decimal(&reader, field: name), name)
      case .vw: bar.values.vwap = try element.decimal(&reader, field: name)
      case .o: bar.values.open = try element.need(try element.decimal(&reader, field: name), name)
      case .c: bar.values.close = try element.need(try element.decimal(&reader, field: name), name)
      case .h: bar.values.high = try element.need(try element.decimal(&reader, field: name), name)
      case .l: bar.values.low = try element.need(try element.decimal(&reader, field: name), name)
      case .t: bar.values.startNs = try element.stamp(&reader, in: bytes, field: name)
      // The stream does not have it: with it the same bar would look like another one.
      case .n: try reader.skipValue()
      }
    }
    try reader.require(Self.pastBarRequired, in: cursor, of: Self.pastBarFields)
    bar.values.knownNs = knownNs
    bar.feed = element.feedName
    bar.values.isRunning = interval.isRunning(from: bar.values.startNs, at: knownNs)
    bar.interval = element.scratch.append(interval.rawValue)
    try element.check(bar.values.startNs, knownNs: knownNs, field: "t")
    return bar
  }

  private enum StatusField: String, CaseIterable { case status, message }
  private static let statusFields = FieldTable(StatusField.self)

  private func status(_ bytes: RawSpan) throws(DecodingFailure) -> FeedControl {
    var reader = try JSONReader(bytes)
    var (status, message) = ("", "")
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: Self.statusFields) {
      switch field {
      case .status: status = try reader.string()
      case .message: message = try reader.stringOrNull() ?? ""
      }
    }
    return .polygon(status: status, message: message)
  }
}

extension Duration {
  package var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}
