import Core
import Messages
import Values

/// What a feed of options is asked for a snapshot of all contracts on one underlying.
package struct ChainQuestion: PastQuestion, Hashable {
  package let feed: Feed
  /// Canonical.
  package let underlying: String

  package init(_ feed: Feed, _ underlying: String) { (self.feed, self.underlying) = (feed, underlying) }

  package var symbols: [String] { [underlying] }

  package var path: String {
    let dialect: SymbolNames.Dialect = feed.isPolygon ? .polygon : .alpaca
    let name = PercentEncoding.encode(SymbolNames.name(of: underlying, for: dialect))
    return feed.isPolygon ? "/v3/snapshot/options/\(name)?limit=250" : "/v1beta1/options/snapshots/\(name)?limit=1000"
  }

  package func path(of next: String) -> String { feed.path(of: next, after: path) }
  package func about(_ symbols: [String]) -> ChainQuestion { ChainQuestion(feed, symbols.first ?? underlying) }
}

/// Reads snapshots of option chains.
package enum ChainAnswers {
  /// - Parameters:
  ///   - openInterestDay: the day of the open interest, which the answer does not say.
  /// - Returns: the contracts that can be read, what the page says of the next one, and the rows that cannot be read.
  /// - Throws: `DecodingFailure` when it is no such page, `FeedRefusal` for a message in its place.
  package static func read(
    _ page: [UInt8], of question: ChainQuestion, openInterestDay: String
  ) throws -> (contracts: [OptionChain.Contract], next: String?, refused: Int) {
    let tree = try JSONTree(page, limits: .init(maxBytes: 64 << 20))
    guard tree["results"] != nil || tree["snapshots"] != nil || tree["status"]?.text == "OK" else {
      throw FeedRefusal(.unreadable, "the answer has no contracts")
    }
    let snapshots = (tree["snapshots"]?.fields ?? [:]).sorted { $0.key < $1.key }
    let rows = (tree["results"]?.items ?? []).map(polygon) + snapshots.map(alpaca)
    let contracts = rows.compactMap { $0.contract(openInterestDay) }
    let next = (tree["next_url"] ?? tree["next_page_token"])?.text
    return (contracts, next.flatMap { $0.isEmpty ? nil : $0 }, rows.count - contracts.count)
  }

  private static func polygon(_ row: JSONTree) -> ChainRow {
    let (details, quote, trade) = (row["details"], row["last_quote"], row["last_trade"])
    return ChainRow(
      name: details?["ticker"]?.text, shares: details?["shares_per_contract"]?.decimal,
      volume: row["day"]?["volume"]?.decimal, openInterest: row["open_interest"]?.decimal,
      bid: quote?["bid"]?.decimal, ask: quote?["ask"]?.decimal,
      bidSize: quote?["bid_size"]?.decimal, askSize: quote?["ask_size"]?.decimal,
      quoteNs: quote?["last_updated"]?.integer.flatMap(FeedStamp.nanoseconds),
      last: trade?["price"]?.decimal, lastSize: trade?["size"]?.decimal,
      lastNs: trade?["sip_timestamp"]?.integer.flatMap(FeedStamp.nanoseconds),
      volatility: row["implied_volatility"]?.double, greeks: row["greeks"])
  }

  /// It has no open interest, and of volume only that of its day's bar.
  private static func alpaca(_ contract: String, _ row: JSONTree) -> ChainRow {
    let (quote, trade) = (row["latestQuote"], row["latestTrade"])
    return ChainRow(
      name: contract, volume: row["dailyBar"]?["v"]?.decimal, bid: quote?["bp"]?.decimal, ask: quote?["ap"]?.decimal,
      bidSize: quote?["bs"]?.decimal, askSize: quote?["as"]?.decimal, quoteNs: stamp(quote?["t"]),
      last: trade?["p"]?.decimal, lastSize: trade?["s"]?.decimal, lastNs: stamp(trade?["t"]),
      volatility: row["impliedVolatility"]?.double, greeks: row["greeks"])
  }

  private static func stamp(_ time: JSONTree?) -> Int64? {
    time?.text.flatMap { Array($0.utf8).withUnsafeBytes { FeedStamp.nanoseconds(rfc3339: $0.bytes) } }
  }
}

/// What a row of any provider says.
private struct ChainRow {
  var name: String?
  var shares, volume, openInterest: ExactDecimal?
  var bid, ask, bidSize, askSize: ExactDecimal?
  var quoteNs: Int64?
  var last, lastSize: ExactDecimal?
  var lastNs: Int64?
  var volatility: Double?
  var greeks: JSONTree?

  /// - Returns: nil without the name of a contract.
  func contract(_ openInterestDay: String) -> OptionChain.Contract? {
    guard let name = name.flatMap({ SymbolNames.canonical($0, from: .polygon) }), let parts = OptionContract(name)
    else { return nil }
    let plain = shares?.normalized
    var contract = OptionChain.Contract(
      contract: name, expiry: parts.expiry, strike: parts.strike, right: parts.isCall ? "call" : "put",
      multiplier: plain.flatMap { $0.scale == 0 && $0.mantissa > 0 ? $0.mantissa : nil } ?? 100)
    (contract.bid, contract.ask, contract.bidSize, contract.askSize) = (bid, ask, bidSize, askSize)
    (contract.quoteNs, contract.last, contract.lastSize, contract.lastNs) = (quoteNs, last, lastSize, lastNs)
    (contract.volume, contract.openInterest) = (volume, openInterest)
    contract.openInterestDay = openInterest.map { _ in openInterestDay }
    contract.impliedVolatility = volatility
    (contract.delta, contract.gamma) = (greeks?["delta"]?.double, greeks?["gamma"]?.double)
    (contract.theta, contract.vega) = (greeks?["theta"]?.double, greeks?["vega"]?.double)
    return contract
  }
}
