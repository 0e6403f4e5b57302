import Messages
import Testing
import Values

/// The messages of market feeds: their exact bytes, and that they are read back.
@Suite struct FeedMessagesTests {
  private func expect<Value: Message>(_ message: Value, _ text: String) throws {
    #expect(String(decoding: message.encoded(), as: UTF8.self) == text)
    #expect(try Value(decoding: Array(text.utf8)) == message)
  }

  @Test func trade() throws {
    var tick = FeedTick(
      .trade, symbol: "BRK.B", feed: "polygon-stocks", eventNs: 1_764_599_998_300_000_000,
      knownNs: 1_764_600_000_123_456_789)
    tick[\.publishedNs] = 1_764_599_999_000_000_000
    tick[\.exchange] = "4"
    tick[\.id] = "52983525029461"
    tick[\.sequence] = 3_135_876
    tick[\.trf] = 201
    tick[\.price] = decimal("114.50")
    tick[\.size] = decimal("100")
    tick.set(\.conditions, ["12", "say \"so\""])
    tick[\.tape] = "3"
    #expect(tick.strings(\.conditions) == ["12", "say \"so\""])
    #expect(tick.key == Array("BRK.B".utf8))
    try expect(tick, """
      {"kind":"trade","symbol":"BRK.B","feed":"polygon-stocks","event_ns":1764599998300000000,\
      "published_ns":1764599999000000000,"known_ns":1764600000123456789,"exchange":"4","id":"52983525029461",\
      "sequence":3135876,"trf":201,"price":114.50,"size":100,"conditions":["12","say \\"so\\""],"tape":"3"}
      """)
  }

  @Test func quoteOfARefill() throws {
    var tick = FeedTick(.quote, symbol: "SPY251219C00650000", feed: "alpaca-options", eventNs: 5, knownNs: 7)
    tick[\.bid] = decimal("1.2")
    tick[\.bidSize] = decimal("2")
    tick[\.bidExchange] = "C"
    tick[\.ask] = decimal("1.3")
    tick[\.askSize] = decimal("4")
    tick[\.askExchange] = "D"
    tick[\.refill] = "alpaca-options/SPY251219C00650000/4"
    try expect(tick, """
      {"kind":"quote","symbol":"SPY251219C00650000","feed":"alpaca-options","event_ns":5,"known_ns":7,"bid":1.2,\
      "bid_size":2,"bid_exchange":"C","ask":1.3,"ask_size":4,"ask_exchange":"D",\
      "refill":"alpaca-options/SPY251219C00650000/4"}
      """)
  }

  @Test func bar() throws {
    var values = FeedBarValues(
      startNs: 1_764_599_940_000_000_000, knownNs: 1_764_600_000_123_456_789, open: decimal("1.10"),
      high: decimal("2"), low: decimal("1"), close: decimal("1.5"), volume: decimal("278.5"))
    values.vwap = decimal("1.4567")
    values.trades = 31
    values.revision = 2
    let bar = FeedBar(symbol: "AAPL", feed: "alpaca-stocks", interval: "1m", values: values)
    try expect(bar, """
      {"symbol":"AAPL","feed":"alpaca-stocks","interval":"1m","start_ns":1764599940000000000,\
      "known_ns":1764600000123456789,"open":1.10,"high":2,"low":1,"close":1.5,"volume":278.5,"vwap":1.4567,\
      "trades":31,"revision":2}
      """)
  }

  @Test func gap() throws {
    var gap = FeedGap(
      feed: "alpaca-stocks", symbol: "AAPL", channels: ["bars", "trades"], fromNs: 5, toNs: 9, why: .slowReader,
      openedNs: 6)
    gap.state = .unfillable
    gap.reason = "no_history"
    gap.closedNs = 12
    gap.added = 3
    gap.known = 1
    try expect(gap, """
      {"id":"alpaca-stocks/AAPL/5","feed":"alpaca-stocks","symbol":"AAPL","channels":["bars","trades"],"from_ns":5,\
      "to_ns":9,"why":"slow_reader","state":"unfillable","reason":"no_history","opened_ns":6,"closed_ns":12,"added":3,\
      "known":1}
      """)
  }

  @Test func subscription() throws {
    let subscription = FeedSubscription(feed: "polygon-stocks", symbol: "AAPL", channels: ["trades"])
    #expect(subscription.key == Array("polygon-stocks/AAPL".utf8))
    try expect(subscription, """
      {"feed":"polygon-stocks","symbol":"AAPL","channels":["trades"]}
      """)
  }
}
