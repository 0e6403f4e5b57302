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
    var reader = try JSONReader(page.span.bytes, limits: .init(maxBytes: 64 << 20))
    var (contracts, next, refused, hasRows) = ([OptionChain.Contract](), String?.none, 0, false)
    func take(_ row: ChainRow) {
      guard let contract = row.contract(openInterestDay) else {
        refused += 1
        return
      }
      contracts.append(contract)
    }
    var cursor = try reader.beginObject()
    while let name = try reader.nextName(&cursor) {
      switch name {
      case "next_url", "next_page_token": next = try reader.stringOrNull()
      case "results":
        hasRows = true
        if reader.isNull() { continue }
        var array = try reader.beginArray()
        while try reader.nextElement(&array) { take(try polygon(&reader)) }
      case "snapshots":
        hasRows = true
        if reader.isNull() { continue }
        var rows = try reader.beginObject()
        while let contract = try reader.nextName(&rows) { take(try alpaca(contract, &reader)) }
      case "status": hasRows = try reader.stringOrNull() == "OK" || hasRows
      default: try reader.skipValue()
      }
    }
    try reader.finish()
    guard hasRows else { throw FeedRefusal(.unreadable, "the answer has no contracts") }
    return (contracts, next.flatMap { $0.isEmpty ? nil : $0 }, refused)
  }

  private static func polygon(_ reader: inout JSONReader) throws(DecodingFailure) -> ChainRow {
    var row = ChainRow()
    var cursor = try reader.beginObject()
    while let name = try reader.nextName(&cursor) {
      if reader.isNull() { continue }
      switch name {
      case "details":
        try fields(&reader) { (name, reader) throws(DecodingFailure) in
          switch name {
          case "ticker": row.name = try reader.stringOrNull()
          case "shares_per_contract": row.shares = try number(&reader)
          default: try reader.skipValue()
          }
        }
      case "day":
        try fields(&reader) { (name, reader) throws(DecodingFailure) in
          if name == "volume" { row.volume = try number(&reader) } else { try reader.skipValue() }
        }
      case "last_quote":
        try fields(&reader) { (name, reader) throws(DecodingFailure) in
          switch name {
          case "bid": row.bid = try number(&reader)
          case "ask": row.ask = try number(&reader)
          case "bid_size": row.bidSize = try number(&reader)
          case "ask_size": row.askSize = try number(&reader)
          case "last_updated": row.quoteNs = try reader.integerOrNull().flatMap(FeedStamp.nanoseconds)
          default: try reader.skipValue()
          }
        }
      case "last_trade":
        try fields(&reader) { (name, reader) throws(DecodingFailure) in
          switch name {
          case "price": row.last = try number(&reader)
          case "size": row.lastSize = try number(&reader)
          case "sip_timestamp": row.lastNs = try reader.integerOrNull().flatMap(FeedStamp.nanoseconds)
          default: try reader.skipValue()
          }
        }
      case "open_interest": row.openInterest = try number(&reader)
      case "implied_volatility": row.volatility = try real(&reader)
      case "greeks": try greeks(&reader, &row)
      default: try reader.skipValue()
      }
    }
    return row
  }

  /// It has no open interest, and of volume only that of its day's bar.
  private static func alpaca(_ contract: String, _ reader: inout JSONReader) throws(DecodingFailure) -> ChainRow {
    var row = ChainRow()
    row.name = contract
    if reader.isNull() { return row }
    var cursor = try reader.beginObject()
    while let name = try reader.nextName(&cursor) {
      if reader.isNull() { continue }
      switch name {
      case "latestQuote":
        try fields(&reader) { (name, reader) throws(DecodingFailure) in
          switch name {
          case "bp": row.bid = try number(&reader)
          case "ap": row.ask = try number(&reader)
          case "bs": row.bidSize = try number(&reader)
          case "as": row.askSize = try number(&reader)
          case "t": row.quoteNs = try stamp(&reader)
          default: try reader.skipValue()
          }
        }
      case "latestTrade":
        try fields(&reader) { (name, reader) throws(DecodingFailure) in
          switch name {
          case "p": row.last = try number(&reader)
          case "s": row.lastSize = try number(&reader)
          case "t": row.lastNs = try stamp(&reader)
          default: try reader.skipValue()
          }
        }
      case "dailyBar":
        try fields(&reader) { (name, reader) throws(DecodingFailure) in
          if name == "v" { row.volume = try number(&reader) } else { try reader.skipValue() }
        }
      case "impliedVolatility": row.volatility = try real(&reader)
      case "greeks": try greeks(&reader, &row)
      default: try reader.skipValue()
      }
    }
    return row
  }

  private static func greeks(_ reader: inout JSONReader, _ row: inout ChainRow) throws(DecodingFailure) {
    var found: [String: Double] = [:]
    try fields(&reader) { (name, reader) throws(DecodingFailure) in found[name] = try real(&reader) }
    row.greeks = found
  }

  private static func fields(
    _ reader: inout JSONReader, _ take: (String, inout JSONReader) throws(DecodingFailure) -> Void
  ) throws(DecodingFailure) {
    var cursor = try reader.beginObject()
    while let name = try reader.nextName(&cursor) { try take(name, &reader) }
  }

  private static func number(_ reader: inout JSONReader) throws(DecodingFailure) -> ExactDecimal? {
    if case .number(let number) = try reader.cell() { number } else { nil }
  }

  private static func real(_ reader: inout JSONReader) throws(DecodingFailure) -> Double? {
    guard reader.kind == .number else {
      try reader.skipValue()
      return nil
    }
    return try reader.double(field: "greeks")
  }

  private static func stamp(_ reader: inout JSONReader) throws(DecodingFailure) -> Int64? {
    guard let text = try reader.stringOrNull() else { return nil }
    return Array(text.utf8).withUnsafeBytes { FeedStamp.nanoseconds(rfc3339: $0.bytes) }
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
  var greeks: [String: Double] = [:]

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
    (contract.delta, contract.gamma) = (greeks["delta"], greeks["gamma"])
    (contract.theta, contract.vega) = (greeks["theta"], greeks["vega"])
    return contract
  }
}
