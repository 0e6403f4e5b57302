import Messages
import Values

/// A message of TradingView, as far as it is about bars.
package enum ServerMessage: Hashable, Sendable {
  /// The first frame, which greets.
  case hello
  case symbolResolved(session: String)
  case symbolError(session: String, text: String)
  /// Bars of one session: all that were asked for, or (`isUpdate`) those that just changed.
  /// - `lost`: bars that could not be read.
  case bars(session: String, [SourceBar], isUpdate: Bool, lost: Losses = Losses())
  /// - `end`: there are no older bars.
  case seriesCompleted(session: String, mode: String, end: Bool)
  case seriesError(session: String, text: String)
  case criticalError(session: String, text: String)
  case protocolError(text: String)
  /// Anything else, which is passed over.
  case other(String)

  /// - Throws: `DecodingFailure` for what is not JSON of the protocol's form.
  package init(parsing payload: [UInt8], maxBytes: Int) throws(DecodingFailure) {
    self = try Self.read(payload.span.bytes, JSONReader.Limits(maxBytes: maxBytes, maxDepth: 24))
  }

  private static let names = FieldNames(["m", "p"])

  private static func read(_ bytes: RawSpan, _ limits: JSONReader.Limits) throws(DecodingFailure) -> ServerMessage {
    // Fields of an object have no order, and the meaning of `p` depends on `m`.
    var method: String?
    var reader = try JSONReader(bytes, limits: limits)
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, among: names) {
      if field == 0 { method = try reader.string() } else { try reader.skipValue() }
    }
    try reader.finish()
    guard let method else { return .hello }
    var second = try JSONReader(bytes, limits: limits)
    var message = ServerMessage.other(method)
    cursor = try second.beginObject()
    while let field = try second.nextField(&cursor, among: names) {
      if field == 1 { message = try read(method, &second) } else { try second.skipValue() }
    }
    return message
  }

  private static func read(_ method: String, _ reader: inout JSONReader) throws(DecodingFailure) -> ServerMessage {
    switch method {
    case "timescale_update", "du":
      let (session, bars, lost) = try readBars(&reader)
      return .bars(session: session, bars, isUpdate: method == "du", lost: lost)
    case "series_completed":
      let texts = try readTexts(&reader, objectAt: 4)
      return .seriesCompleted(
        session: texts.first ?? "", mode: texts.count > 2 ? texts[2] : "", end: texts.last == "data_completed=end")
    case "symbol_resolved": return .symbolResolved(session: try readTexts(&reader).first ?? "")
    case "symbol_error":
      let texts = try readTexts(&reader)
      return .symbolError(session: texts.first ?? "", text: texts.dropFirst(2).joined(separator: ", "))
    case "series_error":
      let texts = try readTexts(&reader)
      return .seriesError(session: texts.first ?? "", text: texts.dropFirst(3).joined(separator: ", "))
    case "critical_error":
      let texts = try readTexts(&reader)
      return .criticalError(session: texts.first ?? "", text: texts.dropFirst().joined(separator: ", "))
    case "protocol_error": return .protocolError(text: try readTexts(&reader).joined(separator: ", "))
    case let other where other.hasSuffix("_error") && other != "study_error":
      // Errors that are not documented: what was asked will not come. Studies are not asked for, and bars come
      // without them.
      let texts = try readTexts(&reader)
      let text = [other] + texts.dropFirst()
      return .seriesError(session: texts.first ?? "", text: text.joined(separator: ", "))
    default:
      try reader.skipValue()
      return .other(method)
    }
  }

  /// The strings of `p`, in their order.
  /// - Parameter objectAt: the place of an object whose `data_completed` is added as `data_completed=<value>`.
  private static func readTexts(_ reader: inout JSONReader, objectAt: Int = -1) throws(DecodingFailure) -> [String] {
    var texts: [String] = []
    var array = try reader.beginArray()
    var place = 0
    while try reader.nextElement(&array) {
      if reader.kind == .string {
        texts.append(try reader.string())
      } else if place == objectAt, !reader.isNull() {
        var cursor = try reader.beginObject()
        while try reader.nextField(&cursor, among: completion) != nil {
          if reader.kind == .string { texts.append("data_completed=" + (try reader.string())) } else {
            try reader.skipValue()
          }
        }
      } else {
        try reader.skipValue()
      }
      place += 1
    }
    return texts
  }

  private static let completion = FieldNames(["data_completed"])
  private static let series = FieldNames([ClientMessage.seriesID])
  private static let seriesBars = FieldNames(["s"])
  private static let barValues = FieldNames(["v"])

  /// `[session, {"s1": {"s": [{"i": 0, "v": [time, open, high, low, close, volume]}, …]}}, …]`
  private static func readBars(_ reader: inout JSONReader) throws(DecodingFailure) -> (String, [SourceBar], Losses) {
    var session = ""
    var bars: [SourceBar] = []
    var lost = Losses()
    var array = try reader.beginArray()
    var place = 0
    while try reader.nextElement(&array) {
      switch place {
      case 0: session = try reader.string()
      case 1:
        var outer = try reader.beginObject()
        while try reader.nextField(&outer, among: series) != nil {
          if reader.isNull() { continue }
          var inner = try reader.beginObject()
          while try reader.nextField(&inner, among: seriesBars) != nil {
            if reader.isNull() { continue }
            var list = try reader.beginArray()
            while try reader.nextElement(&list) {
              if let bar = try readBar(&reader, list.count, &lost) { bars.append(bar) }
            }
          }
        }
      default: try reader.skipValue()
      }
      place += 1
    }
    return (session, bars, lost)
  }

  /// Five numbers, or six with the volume: indices have none.
  /// - Parameter number: of the bar in its frame, from 1.
  /// - Returns: nil for a bar without a price, and for one that cannot be read, which is counted.
  private static func readBar(
    _ reader: inout JSONReader, _ number: Int, _ lost: inout Losses
  ) throws(DecodingFailure) -> SourceBar? {
    guard reader.startsObject else {
      try reader.skipValue()
      lost.add("bar \(number) of a frame is no object")
      return nil
    }
    var cells: [JSONReader.Cell] = []
    var cursor = try reader.beginObject()
    while try reader.nextField(&cursor, among: barValues) != nil {
      guard reader.startsArray else {
        try reader.skipValue()
        continue
      }
      var values = try reader.beginArray()
      while try reader.nextElement(&values) {
        if cells.count < 6 { cells.append(try reader.cell()) } else { try reader.skipValue() }
      }
    }
    let numbers = cells.map { cell -> ExactDecimal? in if case .number(let number) = cell { number } else { nil } }
    guard cells.count >= 5, !cells.contains(.unreadable), let time = numbers[0].flatMap(SourceBar.seconds) else {
      lost.add("bar \(number) of a frame does not hold a time and four or five numbers")
      return nil
    }
    guard let open = numbers[1], let high = numbers[2], let low = numbers[3], let close = numbers[4] else { return nil }
    return SourceBar(
      time: time,
      candle: .init(open: open, high: high, low: low, close: close, volume: numbers.count > 5 ? numbers[5] : nil))
  }
}
