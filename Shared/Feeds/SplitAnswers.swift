import Core
import Messages
import Values

/// What a feed is asked about splits; Alpaca many symbols at once.
package struct SplitQuestion: PastQuestion, Hashable {
  package let feed: Feed
  package let symbols: [String]
  /// Alpaca and Polygon leave out the splits before it.
  package let since: CivilDate

  package init(_ feed: Feed, _ symbols: [String], since: CivilDate) {
    self.feed = feed
    self.symbols = symbols
    self.since = since
  }

  package static func all(_ feed: Feed, _ symbols: [String], since: CivilDate) -> [SplitQuestion] {
    stride(from: 0, to: symbols.count, by: feed.symbolsAtOnce).map { start in
      let some = symbols[start..<min(symbols.count, start + feed.symbolsAtOnce)]
      return SplitQuestion(feed, Array(some), since: since)
    }
  }

  package func about(_ symbols: [String]) -> SplitQuestion { SplitQuestion(feed, symbols, since: since) }

  package var path: String {
    let names = symbols.map { PercentEncoding.encode(SymbolNames.name(of: $0, for: feed.dialect)) }
    switch feed {
    case .polygonStocks, .polygonOptions:
      return "/v3/reference/splits?ticker=\(names[0])&execution_date.gte=\(since)&order=asc&limit=1000"
    case .alpacaStocks, .alpacaOptions:
      return "/v1/corporate-actions?symbols=\(names.joined(separator: ","))&types=forward_split,reverse_split"
        + "&start=\(since)&limit=1000&sort=asc"
    case .alphaVantage: return "/query?function=SPLITS&symbol=\(names[0])"
    }
  }

  package func path(of next: String) -> String { feed.path(of: next, after: path) }
}

/// Reads answers about splits.
package enum SplitAnswers {
  /// - Returns: the splits that can be read, what the page says of the next one, and the rows that cannot be read.
  /// - Throws: `DecodingFailure` when it is no such page, `FeedRefusal` for a message in its place.
  package static func read(
    _ page: [UInt8], of question: SplitQuestion, knownNs: Int64
  ) throws -> (splits: [StockSplit], next: String?, refused: Int) {
    var reader = try JSONReader(page.span.bytes, limits: .init(maxBytes: 64 << 20))
    var (splits, next, refused, hasRows) = ([StockSplit](), String?.none, 0, false)
    func take(_ row: Row) {
      guard let split = row.split(question, knownNs) else {
        refused += 1
        return
      }
      splits.append(split)
    }
    var messages: [String] = []
    var cursor = try reader.beginObject()
    while let name = try reader.nextName(&cursor) {
      switch name {
      case "next_url", "next_page_token": next = try reader.stringOrNull()
      case "results", "data":
        hasRows = true
        if !reader.isNull() { try rows(&reader, take) }
      case "corporate_actions":
        hasRows = true
        var kinds = try reader.beginObject()
        while try reader.nextName(&kinds) != nil {
          if !reader.isNull() { try rows(&reader, take) }
        }
      case "status": hasRows = try reader.stringOrNull() == "OK" || hasRows
      default:
        if reader.kind == .string { messages.append(try reader.string()) } else { try reader.skipValue() }
      }
    }
    try reader.finish()
    guard hasRows else {
      throw question.feed == .alphaVantage
        ? FeedRefusal(.rateLimited, "Alpha Vantage sends a message in place of splits", retryAfter: .seconds(60))
        : FeedRefusal(.unreadable, "the answer has no splits")
    }
    return (splits, next, refused)
  }

  private struct Row {
    var symbol: String?
    var date: String?
    var from: ExactDecimal?
    var to: ExactDecimal?

    func split(_ question: SplitQuestion, _ knownNs: Int64) -> StockSplit? {
      let name = symbol ?? question.symbols.first ?? ""
      guard let symbol = SymbolNames.canonical(name, from: question.feed.dialect), let date, let to else { return nil }
      let split = StockSplit(
        symbol: symbol, executionDate: date, splitFrom: from ?? ExactDecimal(1), splitTo: to,
        source: question.feed.rawValue, knownNs: knownNs)
      return split.problem == nil ? split : nil
    }
  }

  private static func rows(_ reader: inout JSONReader, _ take: (Row) -> Void) throws(DecodingFailure) {
    var array = try reader.beginArray()
    while try reader.nextElement(&array) {
      var row = Row()
      var cursor = try reader.beginObject()
      while let name = try reader.nextName(&cursor) {
        switch name {
        case "ticker", "symbol": row.symbol = try reader.stringOrNull()
        case "execution_date", "ex_date", "effective_date": row.date = try reader.stringOrNull()
        case "split_from", "old_rate": row.from = try number(&reader)
        case "split_to", "new_rate", "split_factor": row.to = try number(&reader)
        default: try reader.skipValue()
        }
      }
      take(row)
    }
  }

  private static func number(_ reader: inout JSONReader) throws(DecodingFailure) -> ExactDecimal? {
    if case .number(let number) = try reader.cell() { number } else { nil }
  }
}
