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
      case .trade: try tick(.trade, Self.trade, bytes, knownNs, to: &visitor)
      case .quote: try tick(.quote, Self.quote, bytes, knownNs, to: &visitor)
      case .second: try bar("1s", Self.bar, bytes, knownNs, to: &visitor)
      case .minute: try bar("1m", Self.bar, bytes, knownNs, to: &visitor)
      case .band: try tick(.luld, Self.band, bytes, knownNs, to: &visitor)
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

  // MARK: - kinds

  private static let trade = FeedShape(
    ["sym": .symbol, "x": .exchange, "i": .id, "z": .tape, "p": .price, "s": .whole, "ds": .size, "c": .conditions,
     "t": .published, "q": .sequence, "trfi": .trf, "trft": .facility],
    required: ["sym", "p", "t"])
  private static let quote = FeedShape(
    ["sym": .symbol, "bx": .bidExchange, "bp": .bid, "bs": .bidSize, "ax": .askExchange, "ap": .ask, "as": .askSize,
     "c": .conditions, "i": .indicators, "t": .published, "q": .sequence, "z": .tape],
    required: ["sym", "t"])
  private static let band = FeedShape(
    ["T": .symbol, "h": .limitUp, "l": .limitDown, "i": .indicators, "z": .tape, "t": .published, "q": .sequence],
    required: ["T", "t"])
  private static let bar = FeedShape(
    ["sym": .symbol, "v": .whole, "dv": .volume, "vw": .vwap, "o": .open, "c": .close, "h": .high, "l": .low,
     "s": .start],
    required: ["sym", "v", "o", "c", "h", "l", "s"])

  /// The consolidated feed's time is the event's unless another is known.
  private mutating func tick<Visitor: FeedVisitor>(
    _ kind: FeedTick.Kind, _ shape: FeedShape, _ bytes: RawSpan, _ knownNs: Int64, of symbol: String? = nil,
    to visitor: inout Visitor
  ) throws(DecodingFailure) {
    var (fields, facilityNs) = try element.tick(kind, shape, bytes, knownNs, of: symbol)
    let published = fields.publishedNs ?? 0
    if let facilityNs, facilityNs > 0 { fields.eventNs = facilityNs } else {
      (fields.eventNs, fields.publishedNs) = (published, nil)
    }
    try element.check(max(published, fields.eventNs), knownNs: knownNs, field: "t")
    visitor.take(FeedTickView(bytes, element.scratch.bytes, fields))
  }

  private mutating func bar<Visitor: FeedVisitor>(
    _ interval: String, _ shape: FeedShape, _ bytes: RawSpan, _ knownNs: Int64, to visitor: inout Visitor
  ) throws(DecodingFailure) {
    let fields = try element.bar(interval, shape, bytes, knownNs, of: nil)
    visitor.take(FeedBarView(bytes, element.scratch.bytes, fields))
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
      let (symbol, interval) = (question.symbols[0], question.interval)
      switch question.channel {
      case .trades: try tick(.trade, Self.past, bytes, knownNs, of: symbol, to: &visitor)
      case .quotes: try tick(.quote, Self.past, bytes, knownNs, of: symbol, to: &visitor)
      default:
        var bar = try element.bar(interval.rawValue, Self.pastBar, bytes, knownNs, of: symbol)
        bar.values.isRunning = interval.isRunning(from: bar.values.startNs, at: knownNs)
        visitor.take(FeedBarView(bytes, element.scratch.bytes, bar))
      }
    } catch {
      visitor.refuse(error)
    }
  }

  /// Trades and quotes. The stream does not have the time of the participant.
  private static let past = FeedShape(
    ["conditions": .conditions, "exchange": .exchange, "id": .id, "participant_timestamp": .nothing, "price": .price,
     "sequence_number": .sequence, "sip_timestamp": .published, "size": .size, "tape": .tape, "trf_id": .trf,
     "trf_timestamp": .facility, "ask_price": .ask, "ask_size": .askSize, "ask_exchange": .askExchange,
     "bid_price": .bid, "bid_size": .bidSize, "bid_exchange": .bidExchange, "indicators": .indicators],
    required: ["sip_timestamp"])
  /// The stream does not have the number of trades: with it the same bar would look like another one.
  private static let pastBar = FeedShape(
    ["v": .volume, "vw": .vwap, "o": .open, "c": .close, "h": .high, "l": .low, "t": .start, "n": .nothing],
    required: ["v", "o", "c", "h", "l", "t"])

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
