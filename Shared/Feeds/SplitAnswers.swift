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
    let tree = try JSONTree(page, limits: .init(maxBytes: 64 << 20))
    let actions = tree["corporate_actions"]?.fields?.sorted { $0.key < $1.key }.map(\.value)
    let lists = [tree["results"], tree["data"]].compactMap { $0 } + (actions ?? [])
    guard !lists.isEmpty || actions != nil || tree["status"]?.text == "OK" else {
      throw question.feed == .alphaVantage
        ? FeedRefusal(.rateLimited, "Alpha Vantage sends a message in place of splits", retryAfter: .seconds(60))
        : FeedRefusal(.unreadable, "the answer has no splits")
    }
    let rows = lists.flatMap { $0.items ?? [] }
    let splits = rows.compactMap { split($0, question, knownNs) }
    return (splits, (tree["next_url"] ?? tree["next_page_token"])?.text, rows.count - splits.count)
  }

  private static func split(_ row: JSONTree, _ question: SplitQuestion, _ knownNs: Int64) -> StockSplit? {
    func first(_ names: String...) -> JSONTree? { names.lazy.compactMap { row[$0] }.first }
    let name = first("ticker", "symbol")?.text ?? question.symbols.first ?? ""
    guard let symbol = SymbolNames.canonical(name, from: question.feed.dialect),
      let date = first("execution_date", "ex_date", "effective_date")?.text,
      let to = first("split_to", "new_rate", "split_factor")?.decimal
    else { return nil }
    let split = StockSplit(
      symbol: symbol, executionDate: date, splitFrom: first("split_from", "old_rate")?.decimal ?? ExactDecimal(1),
      splitTo: to, source: question.feed.rawValue, knownNs: knownNs)
    return split.problem == nil ? split : nil
  }
}
