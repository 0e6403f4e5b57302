import Core
import Messages
import Values

/// Reads the frames of Alpaca, as JSON or MessagePack: arrays that mix channels and symbols.
///
/// Reuse one for a connection. A frame is read in place; its events are valid during the visit.
package struct AlpacaDecoder: ~Copyable {
  private var events: AlpacaEvents
  /// A frame of MessagePack as JSON.
  private var json = JSONWriter(capacity: 1 << 14)

  /// - Parameter maxSkew: how much later than now an event may say it is.
  package init(_ feed: Feed, maxSkew: Duration = .seconds(60)) {
    events = AlpacaEvents(feed, maxSkewNs: maxSkew.nanoseconds)
  }

  /// - Parameters:
  ///   - isPacked: it is MessagePack.
  ///   - knownNs: when the frame was received.
  package mutating func decode<Visitor: FeedVisitor>(
    _ frame: RawSpan, isPacked: Bool, knownNs: Int64, to visitor: inout Visitor
  ) {
    guard isPacked else { return events.decode(frame, knownNs, &visitor) }
    json.clear()
    do throws(DecodingFailure) { try MessagePack.transcode(frame, into: &json) } catch { return visitor.refuse(error) }
    Self.read(json, with: &events, knownNs, &visitor)
  }

  private static func read<Visitor: FeedVisitor>(
    _ json: borrowing JSONWriter, with events: inout AlpacaEvents, _ knownNs: Int64, _ visitor: inout Visitor
  ) {
    events.decode(json.bytes, knownNs, &visitor)
  }
}

extension AlpacaDecoder {
  /// Reads a page of an answer about the past, of any number of symbols.
  /// - Returns: the token of the next page, nil behind the last one.
  /// - Throws: when it is no such page; a row that cannot be read is refused alone.
  mutating func page<Visitor: FeedVisitor>(
    _ page: RawSpan, of question: FeedQuestion, knownNs: Int64, to visitor: inout Visitor
  ) throws(DecodingFailure) -> String? {
    try events.page(page, question, knownNs, &visitor)
  }
}

/// The events of frames that are JSON.
private struct AlpacaEvents: ~Copyable {
  private var element: FeedElement

  init(_ feed: Feed, maxSkewNs: Int64) { element = FeedElement(feed, maxSkewNs: maxSkewNs) }

  mutating func decode<Visitor: FeedVisitor>(_ frame: RawSpan, _ knownNs: Int64, _ visitor: inout Visitor) {
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
      case "t":
        let tick = try trade(bytes, .trade, knownNs)
        give(tick, bytes, &visitor)
      case "q":
        let tick = try quote(bytes, knownNs)
        give(tick, bytes, &visitor)
      case "b", "u":
        let bar = try bar(bytes, knownNs, "1m")
        give(bar, bytes, &visitor)
      case "d":
        let bar = try bar(bytes, knownNs, "1d")
        give(bar, bytes, &visitor)
      case "s":
        let tick = try status(bytes, knownNs)
        give(tick, bytes, &visitor)
      case "l":
        let tick = try band(bytes, knownNs)
        give(tick, bytes, &visitor)
      case "c":
        let tick = try correction(bytes, knownNs)
        give(tick, bytes, &visitor)
      case "x":
        let tick = try trade(bytes, .cancel, knownNs)
        give(tick, bytes, &visitor)
      case "success", "error", "subscription": visitor.take(try control(bytes))
      default: visitor.ignore()
      }
    } catch {
      visitor.refuse(error)
    }
  }

  mutating func page<Visitor: FeedVisitor>(
    _ page: RawSpan, _ question: FeedQuestion, _ knownNs: Int64, _ visitor: inout Visitor
  ) throws(DecodingFailure) -> String? {
    let channel = question.channel
    var reader = try JSONReader(page, limits: .init(maxBytes: 64 << 20))
    var (token, hasRows): (String?, Bool) = (nil, false)
    var cursor = try reader.beginObject()
    while let name = try reader.nextName(&cursor) {
      if name == "next_page_token" {
        token = try reader.stringOrNull()
      } else if name == channel.rawValue, reader.startsObject {
        hasRows = true
        var symbols = try reader.beginObject()
        while let symbol = try reader.nextName(&symbols) {
          if reader.isNull() { continue }
          var rows = try reader.beginArray()
          while try reader.nextElement(&rows) {
            let start = reader.offset
            try reader.skipValue()
            row(page.extracting(start..<reader.offset), symbol, question, knownNs, &visitor)
          }
        }
      } else {
        hasRows = hasRows || name == channel.rawValue
        try reader.skipValue()
      }
    }
    try reader.finish()
    guard hasRows else { throw reader.missingField(channel.rawValue) }
    return token
  }

  private mutating func row<Visitor: FeedVisitor>(
    _ bytes: RawSpan, _ symbol: String, _ question: FeedQuestion, _ knownNs: Int64, _ visitor: inout Visitor
  ) {
    element.begin()
    do throws(DecodingFailure) {
      switch question.channel {
      case .trades:
        let tick = try trade(bytes, .trade, knownNs, of: symbol)
        give(tick, bytes, &visitor)
      case .quotes:
        let tick = try quote(bytes, knownNs, of: symbol)
        give(tick, bytes, &visitor)
      default:
        var bar = try bar(bytes, knownNs, question.interval.rawValue, of: symbol)
        bar.values.isRunning = question.interval.isRunning(from: bar.values.startNs, at: knownNs)
        give(bar, bytes, &visitor)
      }
    } catch {
      visitor.refuse(error)
    }
  }

  private enum EventField: String, CaseIterable { case T }
  private static let eventFields = FieldTable(EventField.self)

  private func kind(of bytes: RawSpan) throws(DecodingFailure) -> String {
    var reader = try JSONReader(bytes)
    var cursor = try reader.beginObject()
    guard try reader.nextField(&cursor, of: Self.eventFields) != nil else { throw reader.missingField("T") }
    return try reader.string()
  }

  private func give<Visitor: FeedVisitor>(_ fields: FeedTickFields, _ bytes: RawSpan, _ visitor: inout Visitor) {
    visitor.take(FeedTickView(bytes, element.scratch.bytes, fields))
  }

  private func give<Visitor: FeedVisitor>(_ fields: FeedBarFields, _ bytes: RawSpan, _ visitor: inout Visitor) {
    visitor.take(FeedBarView(bytes, element.scratch.bytes, fields))
  }

  // MARK: - kinds

  private enum TradeField: String, CaseIterable {
    case i, S, x, p, s, c, t, z, a
  }
  private static let tradeFields = FieldTable(TradeField.self)
  private static let tradeRequired = tradeFields.mask(.p, .t)

  /// A trade or its cancel.
  private mutating func trade(
    _ bytes: RawSpan, _ kind: FeedTick.Kind, _ knownNs: Int64, of symbol: String? = nil
  ) throws(DecodingFailure) -> FeedTickFields {
    var reader = try JSONReader(bytes)
    var fields = FeedTickFields()
    if let symbol { fields.symbol = element.scratch.append(symbol) }
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: Self.tradeFields) {
      switch field {
      case .i: fields.id = try element.word(&reader)
      case .S: fields.symbol = try element.symbol(&reader, in: bytes)
      case .x: fields.exchange = try element.word(&reader)
      case .p: fields.price = try element.decimal(&reader, field: "p")
      case .s: fields.size = try element.decimal(&reader, field: "s")
      case .c: fields.conditions = try element.words(&reader, in: bytes)
      case .t: fields.eventNs = try element.stamp(&reader, in: bytes, field: "t")
      case .z: fields.tape = try element.word(&reader)
      case .a: fields.action = try element.word(&reader)
      }
    }
    try reader.require(Self.tradeRequired, in: cursor, of: Self.tradeFields)
    return try finished(fields, kind, knownNs)
  }

  private enum QuoteField: String, CaseIterable {
    case S, bx, bp, bs, ax, ap, `as`, c, t, z
  }
  private static let quoteFields = FieldTable(QuoteField.self)
  private static let quoteRequired = quoteFields.mask(.t)

  private mutating func quote(
    _ bytes: RawSpan, _ knownNs: Int64, of symbol: String? = nil
  ) throws(DecodingFailure) -> FeedTickFields {
    var reader = try JSONReader(bytes)
    var fields = FeedTickFields()
    if let symbol { fields.symbol = element.scratch.append(symbol) }
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: Self.quoteFields) {
      switch field {
      case .S: fields.symbol = try element.symbol(&reader, in: bytes)
      case .bx: fields.bidExchange = try element.word(&reader)
      case .bp: fields.bid = try element.decimal(&reader, field: "bp")
      case .bs: fields.bidSize = try element.decimal(&reader, field: "bs")
      case .ax: fields.askExchange = try element.word(&reader)
      case .ap: fields.ask = try element.decimal(&reader, field: "ap")
      case .as: fields.askSize = try element.decimal(&reader, field: "as")
      case .c: fields.conditions = try element.words(&reader, in: bytes)
      case .t: fields.eventNs = try element.stamp(&reader, in: bytes, field: "t")
      case .z: fields.tape = try element.word(&reader)
      }
    }
    try reader.require(Self.quoteRequired, in: cursor, of: Self.quoteFields)
    return try finished(fields, .quote, knownNs)
  }

  private enum StatusField: String, CaseIterable {
    case S, sc, sm, rc, rm, t, z
  }
  private static let statusFields = FieldTable(StatusField.self)
  private static let statusRequired = statusFields.mask(.S, .sc, .t)

  private mutating func status(_ bytes: RawSpan, _ knownNs: Int64) throws(DecodingFailure) -> FeedTickFields {
    var reader = try JSONReader(bytes)
    var fields = FeedTickFields()
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: Self.statusFields) {
      switch field {
      case .S: fields.symbol = try element.symbol(&reader, in: bytes)
      case .sc: fields.code = try element.word(&reader)
      case .sm: fields.message = try element.word(&reader)
      case .rc: fields.reasonCode = try element.word(&reader)
      case .rm: fields.reason = try element.word(&reader)
      case .t: fields.eventNs = try element.stamp(&reader, in: bytes, field: "t")
      case .z: fields.tape = try element.word(&reader)
      }
    }
    try reader.require(Self.statusRequired, in: cursor, of: Self.statusFields)
    return try finished(fields, .status, knownNs)
  }

  private enum BandField: String, CaseIterable {
    case S, u, d, i, t, z
  }
  private static let bandFields = FieldTable(BandField.self)
  private static let bandRequired = bandFields.mask(.S, .t)

  private mutating func band(_ bytes: RawSpan, _ knownNs: Int64) throws(DecodingFailure) -> FeedTickFields {
    var reader = try JSONReader(bytes)
    var fields = FeedTickFields()
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: Self.bandFields) {
      switch field {
      case .S: fields.symbol = try element.symbol(&reader, in: bytes)
      case .u: fields.limitUp = try element.decimal(&reader, field: "u")
      case .d: fields.limitDown = try element.decimal(&reader, field: "d")
      case .i: fields.indicators = try element.words(&reader, in: bytes)
      case .t: fields.eventNs = try element.stamp(&reader, in: bytes, field: "t")
      case .z: fields.tape = try element.word(&reader)
      }
    }
    try reader.require(Self.bandRequired, in: cursor, of: Self.bandFields)
    return try finished(fields, .luld, knownNs)
  }

  private enum CorrectionField: String, CaseIterable {
    case S, x, oi, op, os, oc, ci, cp, cs, cc, t, z
  }
  private static let correctionFields = FieldTable(CorrectionField.self)
  private static let correctionRequired = correctionFields.mask(.S, .oi, .ci, .cp, .t)

  private mutating func correction(_ bytes: RawSpan, _ knownNs: Int64) throws(DecodingFailure) -> FeedTickFields {
    var reader = try JSONReader(bytes)
    var fields = FeedTickFields()
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: Self.correctionFields) {
      switch field {
      case .S: fields.symbol = try element.symbol(&reader, in: bytes)
      case .x: fields.exchange = try element.word(&reader)
      case .oi: fields.originalID = try element.word(&reader)
      case .op: fields.originalPrice = try element.decimal(&reader, field: "op")
      case .os: fields.originalSize = try element.decimal(&reader, field: "os")
      case .oc: fields.originalConditions = try element.words(&reader, in: bytes)
      case .ci: fields.id = try element.word(&reader)
      case .cp: fields.price = try element.decimal(&reader, field: "cp")
      case .cs: fields.size = try element.decimal(&reader, field: "cs")
      case .cc: fields.conditions = try element.words(&reader, in: bytes)
      case .t: fields.eventNs = try element.stamp(&reader, in: bytes, field: "t")
      case .z: fields.tape = try element.word(&reader)
      }
    }
    try reader.require(Self.correctionRequired, in: cursor, of: Self.correctionFields)
    return try finished(fields, .correction, knownNs)
  }

  private func finished(
    _ fields: FeedTickFields, _ kind: FeedTick.Kind, _ knownNs: Int64
  ) throws(DecodingFailure) -> FeedTickFields {
    var fields = fields
    fields.kind = kind
    fields.feed = element.feedName
    fields.knownNs = knownNs
    try element.requireSymbol(fields.symbol)
    try element.check(fields.eventNs, knownNs: knownNs, field: "t")
    return fields
  }

  private enum BarField: String, CaseIterable {
    case S, o, h, l, c, v, t, n, vw
  }
  private static let barFields = FieldTable(BarField.self)
  private static let barRequired = barFields.mask(.o, .h, .l, .c, .v, .t)

  private mutating func bar(
    _ bytes: RawSpan, _ knownNs: Int64, _ interval: String, of symbol: String? = nil
  ) throws(DecodingFailure) -> FeedBarFields {
    var reader = try JSONReader(bytes)
    var bar = FeedBarFields()
    if let symbol { bar.symbol = element.scratch.append(symbol) }
    var (open, high, low): (ExactDecimal?, ExactDecimal?, ExactDecimal?)
    var (close, volume): (ExactDecimal?, ExactDecimal?)
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: Self.barFields) {
      switch field {
      case .S: bar.symbol = try element.symbol(&reader, in: bytes)
      case .o: open = try element.decimal(&reader, field: "o")
      case .h: high = try element.decimal(&reader, field: "h")
      case .l: low = try element.decimal(&reader, field: "l")
      case .c: close = try element.decimal(&reader, field: "c")
      case .v: volume = try element.decimal(&reader, field: "v")
      case .t: bar.values.startNs = try element.stamp(&reader, in: bytes, field: "t")
      case .n: bar.values.trades = try reader.integerOrNull()
      case .vw: bar.values.vwap = try element.decimal(&reader, field: "vw")
      }
    }
    try reader.require(Self.barRequired, in: cursor, of: Self.barFields)
    bar.values.open = try element.need(open, "o")
    bar.values.high = try element.need(high, "h")
    bar.values.low = try element.need(low, "l")
    bar.values.close = try element.need(close, "c")
    bar.values.volume = try element.need(volume, "v")
    bar.values.knownNs = knownNs
    // The bar of the day comes each minute while the day lasts.
    bar.values.isRunning = interval == "1d"
    bar.feed = element.feedName
    bar.interval = element.scratch.append(interval)
    try element.requireSymbol(bar.symbol)
    try element.check(bar.values.startNs, knownNs: knownNs, field: "t")
    return bar
  }

  private func control(_ bytes: RawSpan) throws(DecodingFailure) -> FeedControl {
    var reader = try JSONReader(bytes)
    var (kind, message, code) = ("", "", Int64(0))
    var lists: [String: [String]] = [:]
    var cursor = try reader.beginObject()
    while let name = try reader.nextName(&cursor) {
      switch name {
      case "T": kind = try reader.string()
      case "msg": message = try reader.stringOrNull() ?? ""
      case "code": code = try reader.integer()
      case _ where reader.startsArray: lists[name] = try reader.strings(atMost: 100_000)
      default: try reader.skipValue()
      }
    }
    switch (kind, message) {
    case ("success", "connected"): return .connected
    case ("success", "authenticated"): return .authenticated
    case ("subscription", _): return .subscriptions(lists)
    case ("error", _): return .alpaca(code: code, message: message)
    default: return .remark(message)
    }
  }
}
