import Core
import Messages
import Values

/// The chart JSON of Yahoo Finance (`/v8/finance/chart/<symbol>`):
///
///     {"chart": {"result": [{"meta": {"currency": "USD", "regularMarketPrice": 3.9, "regularMarketTime": 1700000000,
///                                     "dataGranularity": "1h", "gmtoffset": -18000,
///                                     "tradingPeriods": [[{"start": ..., "end": ...}]],
///                                     "currentTradingPeriod": {"regular": {"start": ..., "end": ...}}},
///                            "timestamp": [...], "indicators": {"quote": [{"close": [...]}]}}],
///                "error": null}}
///
/// A timestamp is the opening of its bar; the close belongs to the bar's end. Bars without trades have `null`. Some
/// currencies are hundredths (`GBp`).
struct YahooChart {
  private let result: JSONTree
  private let meta: JSONTree
  private let currency: String?
  /// An index is counted in points, despite its currency.
  private let unit: String?
  private let periods: [ClosedRange<Int64>]
  /// The exchange's present offset, in seconds east of UTC.
  private let offset: Int64
  private var quotes = Quotes()

  static func quotes(_ tree: JSONTree) throws(FetchError) -> Quotes {
    guard let chart = tree["chart"] else {
      throw ProviderMessage(in: tree)?.failure() ?? .unreadable("it has no chart")
    }
    if let error = chart["error"], error.fields != nil { throw failure(error) }
    guard let result = chart["result"]?.items?.first, let meta = result["meta"], meta.fields != nil else {
      throw .unreadable("the chart has no result")
    }
    var reader = YahooChart(result, meta)
    try reader.readBars()
    reader.add(meta["regularMarketTime"]?.text, meta["regularMarketPrice"], isOfPeriod: false)
    return reader.quotes
  }

  private static func failure(_ error: JSONTree) -> FetchError {
    let message = ProviderMessage(in: .object(["error": error])) ?? ProviderMessage("")
    return switch error["code"]?.text {
    case "Not Found": message.failure(status: 404)
    case "Bad Request", "Unprocessable Entity": message.failure(status: 422)
    case "Unauthorized", "Forbidden": message.failure(status: 401)
    case "Too Many Requests": message.failure(status: 429)
    default: message.failure()
    }
  }

  private init(_ result: JSONTree, _ meta: JSONTree) {
    self.result = result
    self.meta = meta
    currency = meta["currency"]?.text
    unit = meta["instrumentType"]?.text == "INDEX" ? "index points" : nil
    offset = meta["gmtoffset"]?.text.flatMap { Int64($0) } ?? 0
    // With pre- and post-market bars the periods are an object of lists; each list has one list per day.
    var trees: [JSONTree] = []
    for part in [meta["tradingPeriods"], meta["currentTradingPeriod"]].compactMap({ $0 }) {
      trees += part.fields.map { Array($0.values) } ?? part.items ?? []
    }
    var periods: [ClosedRange<Int64>] = []
    while let tree = trees.popLast() {
      if let items = tree.items { trees += items }
      if let start = Self.seconds(tree["start"]), let end = Self.seconds(tree["end"]), start < end {
        periods.append(start...end)
      }
    }
    self.periods = periods
  }

  private static func seconds(_ tree: JSONTree?) -> Int64? { tree?.text.flatMap { Int64($0) } }

  private mutating func readBars() throws(FetchError) {
    let times = result["timestamp"]?.items ?? []
    let closes = result["indicators"]?["quote"]?.items?.first?["close"]?.items ?? []
    guard times.count == closes.count else { throw .unreadable("it has different numbers of prices and times") }
    let starts = times.map { Self.seconds($0) }
    guard let span = span(starts.compactMap { $0 }) else {
      if closes.contains(where: { $0 != .null }) { quotes.lose("it does not give the length of its bars") }
      return
    }
    for (start, close) in zip(starts, closes) where close != .null {
      guard let start else {
        quotes.lose("a bar has no readable time")
        continue
      }
      add("\(end(of: start, span))", close, isOfPeriod: true)
    }
  }

  private mutating func add(_ time: String?, _ value: JSONTree?, isOfPeriod: Bool) {
    guard let value, value != .null, let time else { return }
    guard let at = QuoteText.time(time, in: nil), let price = value.text.flatMap({ ExactDecimal(approximating: $0) })
    else {
      quotes.lose("a time or a price is not a number")
      return
    }
    quotes.add(Quote(value: price, observedAt: at, currency: currency, unit: unit, isOfPeriod: isOfPeriod))
  }

  // MARK: - End of a bar

  private enum Span {
    case seconds(Int64)
    case session
    case months(Int)
  }

  /// The length of the bars; without `dataGranularity` the shortest time between two.
  private func span(_ starts: [Int64]) -> Span? {
    switch meta["dataGranularity"]?.text {
    case "1d": return .session
    case "1wk": return .seconds(7 * 86_400)
    case "1mo": return .months(1)
    case "3mo": return .months(3)
    case let text?:
      let units: [Character: Int64] = ["m": 60, "h": 3_600, "d": 86_400]
      guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()), (1...1_000).contains(count)
      else { return nil }
      return .seconds(count * unit)
    case nil:
      return zip(starts, starts.dropFirst()).map { $1 - $0 }.filter { $0 > 0 }.min().map { .seconds($0) }
    }
  }

  /// Seconds since 1970. The last row of a running session is not a bar: it is the latest price at its own time.
  private func end(of start: Int64, _ span: Span) -> Int64 {
    if let last = Self.seconds(meta["regularMarketTime"]), start >= last { return start }
    if periods.contains(where: { $0.upperBound == start }), !periods.contains(where: { $0.lowerBound == start }) {
      return start
    }
    switch span {
    case .seconds(let length):
      let end = start + length
      let period = length < 86_400 ? periods.first { $0.lowerBound <= start && start < $0.upperBound } : nil
      return period.map { min(end, $0.upperBound) } ?? end
    case .session:
      let regular = meta["currentTradingPeriod"]?["regular"]
      guard let from = Self.seconds(regular?["start"]), let to = Self.seconds(regular?["end"]),
        (1...86_400).contains(to - from)
      else { return start + 86_400 }
      return start + (to - from)
    case .months(let count):
      let (day, time) = (start + offset).quotientAndRemainder(dividingBy: 86_400)
      let date = CivilDate(daysSinceEpoch: day)
      let month = date.month - 1 + count
      let end = CivilDate.daysSinceEpoch(year: date.year + month / 12, month: month % 12 + 1, day: date.day)
      return end * 86_400 + time - offset
    }
  }
}
