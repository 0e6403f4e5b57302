import Core
import Messages
import Values

/// What a feed is asked about the past: one question of Alpaca's is about many symbols, one of the others about one.
package struct FeedQuestion: PastQuestion, Hashable {
  package let feed: Feed
  package let channel: FeedChannel
  /// Of bars.
  package let interval: BarInterval
  /// Canonical.
  package let symbols: [String]
  package let range: ClosedRange<Int64>
  /// The latest hundred bars hold all of the range: Alpha Vantage is asked for those instead of a month.
  package let isRecent: Bool

  package init(
    feed: Feed, channel: FeedChannel, interval: BarInterval = .minute, symbols: [String], range: ClosedRange<Int64>,
    isRecent: Bool = false
  ) {
    self.isRecent = isRecent
    self.feed = feed
    self.channel = channel
    self.interval = interval
    self.symbols = symbols
    self.range = range
  }

  /// The questions of a range, in nanoseconds since 1970; channels without a history are left out.
  package static func all(
    _ feed: Feed, _ channels: Set<FeedChannel>, of symbols: [String], in range: ClosedRange<Int64>
  ) -> [FeedQuestion] {
    channels.intersection(feed.history).sorted().flatMap { channel in
      lists(symbols, for: feed).map { FeedQuestion(feed: feed, channel: channel, symbols: $0, range: range) }
    }
  }

  /// The questions about the bars that start in a range, in nanoseconds since 1970; the earliest first.
  /// - Parameter isRecent: see the property; then no period cuts the range.
  package static func bars(
    _ feed: Feed, _ interval: BarInterval, of symbols: [String], in range: Range<Int64>, isRecent: Bool = false
  ) -> [FeedQuestion] {
    (isRecent ? [range] : BarPeriods(feed, interval).parts(of: range)).flatMap { part in
      lists(symbols, for: feed).map {
        FeedQuestion(
          feed: feed, channel: .bars, interval: interval, symbols: $0,
          range: part.lowerBound...part.upperBound - 1, isRecent: isRecent)
      }
    }
  }

  /// Bars of a question with `isRecent`.
  package static let recentBars: Int64 = 100

  package func about(_ symbols: [String]) -> FeedQuestion {
    FeedQuestion(
      feed: feed, channel: channel, interval: interval, symbols: symbols, range: range, isRecent: isRecent)
  }

  private static func lists(_ symbols: [String], for feed: Feed) -> [[String]] {
    stride(from: 0, to: symbols.count, by: feed.symbolsAtOnce).map { start in
      Array(symbols[start..<min(symbols.count, start + feed.symbolsAtOnce)])
    }
  }

  /// Requests that the answer takes when it has so many bars; pages of Alpaca are shared by all symbols.
  package func requests(ofBars count: Int) -> Int {
    feed == .alphaVantage ? 1 : max(1, (count + feed.barsInPage - 1) / feed.barsInPage)
  }

  /// Path and query of its first page, without the key.
  package var path: String {
    let names = symbols.map { PercentEncoding.encode(SymbolNames.name(of: $0, for: feed.dialect)) }
    switch feed {
    case .alphaVantage: return alphaVantagePath(names[0])
    case .alpacaStocks, .alpacaOptions:
      let folder = feed.hasOptions ? "/v1beta1/options" : "/v2/stocks"
      let (start, end) = (
        RFC3339.text(ns: range.lowerBound, digits: 9), RFC3339.text(ns: range.upperBound, digits: 9))
      let kind = channel == .bars ? "&timeframe=\(alpacaFrame)" + (feed.hasOptions ? "" : "&adjustment=raw") : ""
      return "\(folder)/\(channel.rawValue)?symbols=\(names.joined(separator: ","))&start=\(start)&end=\(end)"
        + "&limit=\(feed.barsInPage)&sort=asc" + kind
    case .polygonStocks, .polygonOptions:
      let limit = feed.barsInPage
      guard channel == .bars else {
        let bounds = "timestamp.gte=\(range.lowerBound)&timestamp.lte=\(range.upperBound)"
        return "/v3/\(channel.rawValue)/\(names[0])?\(bounds)&order=asc&limit=\(limit)"
      }
      let (from, to) = (range.lowerBound / 1_000_000, range.upperBound / 1_000_000)
      let span = interval == .day ? "1/day" : "\(interval.minutes)/minute"
      return "/v2/aggs/ticker/\(names[0])/range/\(span)/\(from)/\(to)?adjusted=false&sort=asc&limit=\(limit)"
    }
  }

  private var alpacaFrame: String {
    switch interval {
    case .day: "1Day"
    case .hour: "1Hour"
    default: "\(interval.minutes)Min"
    }
  }

  /// A month of intraday bars, or all days. `adjusted=true` is the default of the former, and days are always raw.
  private func alphaVantagePath(_ name: String) -> String {
    let date = BarPeriods.date(of: range.lowerBound)
    let what = interval == .day
      ? "TIME_SERIES_DAILY&symbol=\(name)"
      : "TIME_SERIES_INTRADAY&symbol=\(name)&interval=\(interval.minutes)min"
        + (isRecent ? "" : "&month=\(date.year)-\(zeroPadded(Int64(date.month), 2))")
        + "&adjusted=false&extended_hours=true"
    return "/query?function=\(what)&outputsize=\(isRecent ? "compact" : "full")&datatype=json"
  }

  /// Path and query behind the host of a page that the answer names.
  /// - Parameter next: Alpaca's token, or Polygon's URL.
  package func path(of next: String) -> String { feed.path(of: next, after: path) }
}

extension Feed {
  /// Symbols of one question.
  package var symbolsAtOnce: Int { self == .alpacaStocks || self == .alpacaOptions ? 100 : 1 }

  /// The most rows that a page holds. Of Polygon's it is the minutes or days that bars are made of.
  var barsInPage: Int { isPolygon ? 50_000 : 10_000 }
}

extension BarInterval {
  /// Whether a bar is not over: it will change without a late trade.
  func isRunning(from startNs: Int64, at knownNs: Int64) -> Bool {
    // The intraday bars of an answer end with the last whole one.
    self == .day && startNs + nanoseconds > knownNs
  }
}

/// The pieces of time that the bars of a feed are asked for in: months of intraday bars, years of days; all days of
/// Alpha Vantage at once. Pure.
///
/// A month starts at 4:00 UTC of its first day: midnight in New York in summer, 23:00 in winter, when nothing trades.
package struct BarPeriods: Sendable {
  private enum Length { case month, year, all }
  private let length: Length

  package init(_ feed: Feed, _ interval: BarInterval) {
    length = interval != .day ? .month : feed == .alphaVantage ? .all : .year
  }

  private static let shift: Int64 = 4 * 3_600
  private static let second: Int64 = 1_000_000_000

  /// The date in New York of an instant at which there is trading, or at which a day begins there.
  static func date(of nanoseconds: Int64) -> CivilDate {
    let seconds = nanoseconds.flooredDivision(by: second).quotient - shift
    return CivilDate(daysSinceEpoch: seconds.flooredDivision(by: 86_400).quotient)
  }

  /// When the first day of a month begins, in nanoseconds since 1970.
  private static func start(_ year: Int, _ month: Int) -> Int64 {
    (CivilDate.daysSinceEpoch(year: year, month: month, day: 1) * 86_400 + shift) * second
  }

  /// The whole period that an instant is in, and its name: `2026-03`, `2026`, `all`.
  package func period(of nanoseconds: Int64) -> (name: String, range: Range<Int64>) {
    let date = Self.date(of: nanoseconds)
    switch length {
    case .month:
      let isLast = date.month == 12
      let end = Self.start(date.year + (isLast ? 1 : 0), isLast ? 1 : date.month + 1)
      return ("\(date.year)-\(zeroPadded(Int64(date.month), 2))", Self.start(date.year, date.month)..<end)
    case .year: return ("\(date.year)", Self.start(date.year, 1)..<Self.start(date.year + 1, 1))
    case .all: return ("all", 0..<Int64.max)
    }
  }

  /// A range cut at the bounds of periods, the earliest first.
  package func parts(of range: Range<Int64>) -> [Range<Int64>] {
    var parts: [Range<Int64>] = []
    var start = range.lowerBound
    while start < range.upperBound {
      let end = min(period(of: start).range.upperBound, range.upperBound)
      parts.append(start..<end)
      start = end
    }
    return parts
  }
}

extension Feed {
  /// Path and query of a page that an answer names: by a token, or by a URL without the key.
  func path(of next: String, after path: String) -> String {
    guard isPolygon else { return path + "&page_token=" + PercentEncoding.encode(next) }
    guard let scheme = next.range(of: "://") else { return next }
    let rest = next[scheme.upperBound...]
    return String(rest.firstIndex(of: "/").map { rest[$0...] } ?? "/")
  }
}

extension String {
  fileprivate func range(of text: String) -> Range<String.Index>? {
    var place = startIndex
    while place < endIndex {
      if self[place...].hasPrefix(text) { return place..<index(place, offsetBy: text.count) }
      place = index(after: place)
    }
    return nil
  }
}
