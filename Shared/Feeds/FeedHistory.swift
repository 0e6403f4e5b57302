import Core
import Messages
import Values

/// Where a feed is asked about the past: one question of Alpaca's is about all symbols, one of Polygon's about one.
package struct FeedQuestion: Hashable, Sendable {
  package let feed: Feed
  package let channel: FeedChannel
  /// Canonical.
  package let symbols: [String]
  package let range: ClosedRange<Int64>

  package init(feed: Feed, channel: FeedChannel, symbols: [String], range: ClosedRange<Int64>) {
    self.feed = feed
    self.channel = channel
    self.symbols = symbols
    self.range = range
  }

  /// Longest list of symbols in one question.
  package static let symbolsAtOnce = 100

  /// The questions of a range, in nanoseconds since 1970; channels without a history are left out.
  package static func all(
    _ feed: Feed, _ channels: Set<FeedChannel>, of symbols: [String], in range: ClosedRange<Int64>
  ) -> [FeedQuestion] {
    channels.intersection(feed.history).sorted().flatMap { channel in
      let size = feed.isPolygon ? 1 : symbolsAtOnce
      return stride(from: 0, to: symbols.count, by: size).map { start in
        let some = Array(symbols[start..<min(symbols.count, start + size)])
        return FeedQuestion(feed: feed, channel: channel, symbols: some, range: range)
      }
    }
  }

  /// Path and query of its first page.
  package var path: String {
    let names = symbols.map { PercentEncoding.encode(SymbolNames.name(of: $0, for: feed.dialect)) }
    guard feed.isPolygon else {
      let folder = feed.hasOptions ? "/v1beta1/options" : "/v2/stocks"
      let (start, end) = (Self.rfc3339(range.lowerBound), Self.rfc3339(range.upperBound))
      let kind = channel == .bars ? "&timeframe=1Min" + (feed.hasOptions ? "" : "&adjustment=raw") : ""
      return "\(folder)/\(channel.rawValue)?symbols=\(names.joined(separator: ","))&start=\(start)&end=\(end)"
        + "&limit=10000&sort=asc" + kind
    }
    guard channel == .bars else {
      return "/v3/\(channel.rawValue)/\(names[0])?timestamp.gte=\(range.lowerBound)&timestamp.lte=\(range.upperBound)"
        + "&order=asc&limit=50000"
    }
    let (from, to) = (range.lowerBound / 1_000_000, range.upperBound / 1_000_000)
    return "/v2/aggs/ticker/\(names[0])/range/1/minute/\(from)/\(to)?adjusted=false&sort=asc&limit=50000"
  }

  /// Path and query behind the host of a page that the answer names.
  /// - Parameter next: Alpaca's token, or Polygon's URL.
  package func path(of next: String) -> String {
    guard feed.isPolygon else { return path + "&page_token=" + PercentEncoding.encode(next) }
    guard let scheme = next.range(of: "://") else { return next }
    let rest = next[scheme.upperBound...]
    return String(rest.firstIndex(of: "/").map { rest[$0...] } ?? "/")
  }

  private static func rfc3339(_ nanoseconds: Int64) -> String {
    let (seconds, rest) = nanoseconds.flooredDivision(by: 1_000_000_000)
    let whole = Timestamp(microseconds: seconds * 1_000_000)?.description.dropLast() ?? ""
    return "\(whole).\(zeroPadded(rest, 9))Z"
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
