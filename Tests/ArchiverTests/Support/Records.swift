import Catalogue
import Kafka
import Messages
import Values

/// Records of the market topics that tell themselves apart: `known_ns` (of a gap `opened_ns`) is their number.
enum Records {
  static let symbols = ["AAPL", "BRK.B", "SPY251219C00650000", "A/B", "../up", "ÄÖ", "MSFT", "TSLA"]

  /// 2025-01-20T14:30:00Z, in steps of some 7 hours: dates of New York that are not those of UTC, too.
  static func time(_ number: Int) -> Int64 {
    1_737_383_400_000_000_000 + Int64(number % 11) * 25_000_000_000_000 + Int64(number)
  }

  struct Record {
    var topic: Topic
    var key: [UInt8]
    var value: [UInt8]
    /// As the independent reader prints it.
    var line: String
  }

  static func tick(_ number: Int) -> Record {
    let symbol = symbols[number % symbols.count]
    var tick = FeedTick(
      .trade, symbol: symbol, feed: "alpaca-stocks", eventNs: time(number), knownNs: Int64(number))
    tick[\.id] = "\(number)"
    tick[\.price] = ExactDecimal("231.50")
    tick[\.size] = ExactDecimal("100")
    return Record(
      topic: Topics.marketTicks, key: tick.key, value: tick.encoded(),
      line: "market-ticks \(symbol) \(time(number)) \(number)")
  }

  static func bar(_ number: Int) -> Record {
    let symbol = symbols[number % symbols.count]
    let price = ExactDecimal("45.50")!
    let bar = FeedBar(
      symbol: symbol, feed: "alpaca-stocks", interval: "1m",
      values: FeedBarValues(
        startNs: time(number), knownNs: Int64(number), open: price, high: price, low: price, close: price,
        volume: price))
    return Record(
      topic: Topics.marketBars, key: bar.key, value: bar.encoded(),
      line: "market-bars \(symbol) \(time(number)) \(number)")
  }

  static func gap(_ number: Int) -> Record {
    let symbol = number % 3 == 0 ? "*" : symbols[number % symbols.count]
    let gap = FeedGap(
      feed: "alpaca-stocks", symbol: symbol, channels: ["trades"], fromNs: time(number), why: .disconnected,
      openedNs: Int64(number))
    return Record(
      topic: Topics.marketGaps, key: gap.key, value: gap.encoded(),
      line: "market-gaps \(symbol) \(time(number)) \(number)")
  }

  /// Of all three topics, mostly ticks.
  static func some(_ numbers: Range<Int>) -> [Record] {
    numbers.map { $0 % 10 == 9 ? gap($0) : $0 % 10 >= 6 ? bar($0) : tick($0) }
  }
}
