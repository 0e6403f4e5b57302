import Messages
import Testing
import Values

/// Prints, chains and events of options: their exact bytes, and that they are read back.
@Suite struct OptionMessagesTests {
  private func expect<Value: Message>(_ message: Value, _ text: String) throws {
    #expect(String(decoding: message.encoded(), as: UTF8.self) == text)
    #expect(try Value(decoding: Array(text.utf8)) == message)
    #expect(message.key == Array("AAPL".utf8))
  }

  private static let price = ExactDecimal(unchecked: 135, scale: 2)

  @Test func trade() throws {
    var trade = OptionTrade(
      contract: "AAPL251219C00200000", underlying: "AAPL", feed: "polygon-options", eventNs: 1_764_600_000_000_000_001,
      knownNs: 1_764_600_000_100_000_000, exchange: "302", sequence: 7, price: Self.price, size: ExactDecimal(10),
      conditions: ["219"])
    (trade.bid, trade.ask) = (ExactDecimal(unchecked: 130, scale: 2), Self.price)
    trade.quoteNs = 1_764_600_000_000_000_000
    try expect(trade, """
      {"contract":"AAPL251219C00200000","underlying":"AAPL","feed":"polygon-options","event_ns":1764600000000000001,\
      "published_ns":null,"known_ns":1764600000100000000,"exchange":"302","sequence":7,"price":1.35,"size":10,\
      "conditions":["219"],"bid":1.30,"bid_size":null,"ask":1.35,"ask_size":null,"quote_ns":1764600000000000000,\
      "refill":null}
      """)
  }

  @Test func chain() throws {
    var contract = OptionChain.Contract(
      contract: "AAPL251219C00200000", expiry: "2025-12-19", strike: ExactDecimal(200), right: "call")
    contract.volume = ExactDecimal(1_200)
    (contract.openInterest, contract.openInterestDay) = (ExactDecimal(300), "2025-11-28")
    contract.delta = 0.25
    let chain = OptionChain(
      underlying: "AAPL", feed: "polygon-options", page: 0, of: 1, knownNs: 1_764_600_000_000_000_000,
      day: "2025-12-01", contracts: [contract], jobID: "j")
    try expect(chain, """
      {"underlying":"AAPL","feed":"polygon-options","snapshot":"AAPL/polygon-options/1764600000000000000","page":0,\
      "of":1,"complete":true,"known_ns":1764600000000000000,"day":"2025-12-01","contracts":[{"contract":\
      "AAPL251219C00200000","expiry":"2025-12-19","strike":200,"right":"call","multiplier":100,"bid":null,\
      "bid_size":null,"ask":null,"ask_size":null,"quote_ns":null,"last":null,"last_size":null,"last_ns":null,\
      "volume":1200,"open_interest":300,"open_interest_day":"2025-11-28","implied_volatility":null,"delta":0.25,\
      "gamma":null,"theta":null,"vega":null}],"job_id":"j"}
      """)
  }

  @Test func flow() throws {
    let event = OptionsFlow(
      eventID: "ab", underlying: "AAPL", feed: "polygon-options", rule: .sweep, condition: "prints>=2",
      numbers: SignalValues(names: ["prints"], numbers: [3]), contracts: ["AAPL251219C00200000"], side: .buy,
      confidence: 0.9, premium: 27_000, size: 200, prints: 3, exchanges: 3, price: 1.35, firstNs: 1, lastNs: 2,
      knownNs: 3, day: "2025-12-01", openInterestBefore: 300)
    try expect(event, """
      {"event_id":"ab","underlying":"AAPL","feed":"polygon-options","revision":1,"status":"reported","rule":"sweep",\
      "condition":"prints>=2","numbers":{"prints":3.0},"contracts":["AAPL251219C00200000"],"side":"buy",\
      "confidence":0.9,"premium":27000.0,"net_premium":27000.0,"size":200,"prints":3,"exchanges":3,"price":1.35,\
      "first_ns":1,"last_ns":2,"known_ns":3,"day":"2025-12-01","open_interest_before":300,"open_interest_after":null}
      """)
    #expect(throws: DecodingFailure.self) { try OptionsFlow(decoding: Array(#"{"event_id":"ab"}"#.utf8)) }
    // What it bets on: calls up, puts down, the other way for a seller; legs and an unknown side on nothing.
    let call = "AAPL251219C00200000", put = "AAPL251219P00200000"
    for (contracts, side, net) in [
      ([call], .buy, 9.0), ([call], .sell, -9), ([put], .buy, -9), ([put], .sell, 9), ([call], .unknown, 0),
      ([call, put], .buy, 0),
    ] as [([String], OptionsFlow.Side, Double)] {
      let event = OptionsFlow(
        eventID: "ab", underlying: "AAPL", feed: "f", rule: .block, condition: "",
        numbers: SignalValues(names: [], numbers: []), contracts: contracts, side: side, premium: 9, size: 1, prints: 1,
        exchanges: 1, price: 1, firstNs: 1, lastNs: 1, knownNs: 1, day: "2025-12-01")
      #expect(event.netPremium == net, "\(contracts) \(side)")
    }
  }
}
