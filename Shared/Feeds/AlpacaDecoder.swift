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
      case "t": try tick(.trade, Self.trade, bytes, knownNs, to: &visitor)
      case "q": try tick(.quote, Self.quote, bytes, knownNs, to: &visitor)
      case "b", "u": try bar("1m", bytes, knownNs, to: &visitor) { _ in false }
      // The bar of the day comes each minute while the day lasts.
      case "d": try bar("1d", bytes, knownNs, to: &visitor) { _ in true }
      case "s": try tick(.status, Self.status, bytes, knownNs, to: &visitor)
      case "l": try tick(.luld, Self.band, bytes, knownNs, to: &visitor)
      case "c": try tick(.correction, Self.correction, bytes, knownNs, to: &visitor)
      case "x": try tick(.cancel, Self.trade, bytes, knownNs, to: &visitor)
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
      case .trades: try tick(.trade, Self.trade, bytes, knownNs, of: symbol, to: &visitor)
      case .quotes: try tick(.quote, Self.quote, bytes, knownNs, of: symbol, to: &visitor)
      default:
        let interval = question.interval
        try bar(interval.rawValue, bytes, knownNs, of: symbol, to: &visitor) {
          interval.isRunning(from: $0, at: knownNs)
        }
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

  // MARK: - kinds

  /// A trade or its cancel.
  private static let trade = FeedShape(
    ["i": .id, "S": .symbol, "x": .exchange, "p": .price, "s": .size, "c": .conditions, "t": .event, "z": .tape,
     "a": .action],
    required: ["p", "t"])
  private static let quote = FeedShape(
    ["S": .symbol, "bx": .bidExchange, "bp": .bid, "bs": .bidSize, "ax": .askExchange, "ap": .ask, "as": .askSize,
     "c": .conditions, "t": .event, "z": .tape],
    required: ["t"])
  private static let status = FeedShape(
    ["S": .symbol, "sc": .code, "sm": .message, "rc": .reasonCode, "rm": .reason, "t": .event, "z": .tape],
    required: ["S", "sc", "t"])
  private static let band = FeedShape(
    ["S": .symbol, "u": .limitUp, "d": .limitDown, "i": .indicators, "t": .event, "z": .tape], required: ["S", "t"])
  private static let correction = FeedShape(
    ["S": .symbol, "x": .exchange, "oi": .originalID, "op": .originalPrice, "os": .originalSize,
     "oc": .originalConditions, "ci": .id, "cp": .price, "cs": .size, "cc": .conditions, "t": .event, "z": .tape],
    required: ["S", "oi", "ci", "cp", "t"])
  private static let bar = FeedShape(
    ["S": .symbol, "o": .open, "h": .high, "l": .low, "c": .close, "v": .volume, "t": .start, "n": .trades,
     "vw": .vwap],
    required: ["o", "h", "l", "c", "v", "t"])

  private mutating func tick<Visitor: FeedVisitor>(
    _ kind: FeedTick.Kind, _ shape: FeedShape, _ bytes: RawSpan, _ knownNs: Int64, of symbol: String? = nil,
    to visitor: inout Visitor
  ) throws(DecodingFailure) {
    let fields = try element.tick(kind, shape, bytes, knownNs, of: symbol).fields
    try element.requireSymbol(fields.symbol)
    try element.check(fields.eventNs, knownNs: knownNs, field: "t")
    visitor.take(FeedTickView(bytes, element.scratch.bytes, fields))
  }

  private mutating func bar<Visitor: FeedVisitor>(
    _ interval: String, _ bytes: RawSpan, _ knownNs: Int64, of symbol: String? = nil, to visitor: inout Visitor,
    isRunning: (_ startNs: Int64) -> Bool
  ) throws(DecodingFailure) {
    var bar = try element.bar(interval, Self.bar, bytes, knownNs, of: symbol)
    bar.values.isRunning = isRunning(bar.values.startNs)
    visitor.take(FeedBarView(bytes, element.scratch.bytes, bar))
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
