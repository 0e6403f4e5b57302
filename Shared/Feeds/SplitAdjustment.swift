import Core
import Messages
import Values

/// Makes the bars of a symbol comparable over its splits. Pure.
///
/// A bar before the execution date of a split is worth what its shares became: prices times `split_from / split_to`,
/// volumes times the inverse, one rounding for all splits together. Dividends change nothing.
package struct SplitAdjustment: Sendable {
  /// For bars before a date, prices are multiplied by `numerator / denominator`; descending by date.
  private struct Step: Sendable {
    let before: CivilDate
    let numerator: Int128
    let denominator: Int128
  }
  private let steps: [Step]

  /// Digits behind the point that an adjusted number has at most.
  package static let digits = 6

  /// - Parameters:
  ///   - splits: of one symbol.
  ///   - asOf: later splits are passed over; nil for all.
  /// - Throws: `Failure` of class data when the factors cannot be computed exactly.
  package init(_ splits: [StockSplit], asOf: CivilDate? = nil) throws(Failure) {
    var steps: [Step] = []
    var (numerator, denominator): (Int128, Int128) = (1, 1)
    let dated = splits.compactMap { split in CivilDate(split.executionDate).map { (date: $0, split: split) } }
    for (date, split) in dated.sorted(by: { $0.date > $1.date }) where asOf.map({ date <= $0 }) ?? true {
      guard split.problem == nil else { throw Self.failure(split.symbol) }
      let scale = max(split.splitFrom.scale, split.splitTo.scale)
      var product = [(numerator, split.splitFrom), (denominator, split.splitTo)].map { value, factor in
        value.multipliedReportingOverflow(by: Int128(factor.mantissa) * Self.power(Int(scale - factor.scale)))
      }
      if product.contains(where: \.overflow) { throw Self.failure(split.symbol) }
      let divisor = Self.commonDivisor(product[0].partialValue, product[1].partialValue)
      for index in product.indices { product[index].partialValue /= divisor }
      (numerator, denominator) = (product[0].partialValue, product[1].partialValue)
      steps.append(Step(before: date, numerator: numerator, denominator: denominator))
    }
    self.steps = steps
  }

  private static func failure(_ symbol: String) -> Failure {
    Failure(.data, code: "bad_splits", "the splits of \(symbol) cannot be multiplied")
  }

  package var isEmpty: Bool { steps.isEmpty }

  /// What the splits behind a bar make of its numbers.
  package struct Factor: Sendable {
    fileprivate let numerator: Int128
    fileprivate let denominator: Int128

    /// - Returns: nil when the number does not fit a decimal.
    package func price(_ value: ExactDecimal) -> ExactDecimal? {
      SplitAdjustment.scaled(value, numerator, denominator)
    }
    package func volume(_ value: ExactDecimal) -> ExactDecimal? {
      SplitAdjustment.scaled(value, denominator, numerator)
    }
  }

  /// Of a bar that begins then, nanoseconds since 1970; nil when no split came after it.
  package func factor(at startNs: Int64) -> Factor? {
    let date = BarPeriods.date(of: startNs)
    return steps.last { date < $0.before }.map { Factor(numerator: $0.numerator, denominator: $0.denominator) }
  }

  /// - Returns: the bar as it is when no split came after it; nil when a number does not fit a decimal.
  package func adjusted(_ bar: FeedBarValues) -> FeedBarValues? {
    guard let factor = factor(at: bar.startNs) else { return bar }
    guard let open = factor.price(bar.open), let high = factor.price(bar.high), let low = factor.price(bar.low),
      let close = factor.price(bar.close), let volume = factor.volume(bar.volume)
    else { return nil }
    var adjusted = bar
    (adjusted.open, adjusted.high, adjusted.low, adjusted.close) = (open, high, low, close)
    adjusted.volume = volume
    adjusted.vwap = bar.vwap.flatMap(factor.price)
    return adjusted
  }

  /// The value times a fraction, rounded half to even where it has more than `digits` digits behind the point.
  static func scaled(_ value: ExactDecimal, _ numerator: Int128, _ denominator: Int128) -> ExactDecimal? {
    let unit = power(digits)
    let (product, isTooLarge) = Int128(value.mantissa).multipliedReportingOverflow(by: numerator)
    let (dividend, isTooLong) = product.multipliedReportingOverflow(by: unit)
    let (divisor, isTooFine) = denominator.multipliedReportingOverflow(by: power(Int(value.scale)))
    guard !isTooLarge, !isTooLong, !isTooFine else { return nil }
    var (quotient, rest) = dividend.magnitude.quotientAndRemainder(dividingBy: divisor.magnitude)
    let twice = rest * 2
    if twice > divisor.magnitude || twice == divisor.magnitude && quotient % 2 == 1 { quotient += 1 }
    guard let mantissa = Int64(exactly: quotient) else { return nil }
    return ExactDecimal(mantissa: dividend < 0 ? -mantissa : mantissa, scale: digits)?.normalized
  }

  private static func power(_ exponent: Int) -> Int128 { (0..<exponent).reduce(1) { power, _ in power * 10 } }

  private static func commonDivisor(_ left: Int128, _ right: Int128) -> Int128 {
    var (left, right) = (left, right)
    while right != 0 { (left, right) = (right, left % right) }
    return left
  }
}

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
