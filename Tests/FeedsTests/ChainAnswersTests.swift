import Core
import Feeds
import Messages
import Testing
import Values

/// Pages of option chains, as both providers write them.
@Suite struct ChainAnswersTests {
  @Test func contractsOfPolygon() throws {
    let question = ChainQuestion(.polygonOptions, "BRK.B")
    #expect(question.path == "/v3/snapshot/options/BRK.B?limit=250")
    let page = """
      {"status":"OK","request_id":"x","results":[
       {"day":{"volume":1200,"close":2.5,"last_updated":1764603600000000000},
        "details":{"contract_type":"call","exercise_style":"american","expiration_date":"2025-12-19",
         "shares_per_contract":10,"strike_price":200,"ticker":"O:BRKB251219C00200500"},
        "greeks":{"delta":0.51,"gamma":1.2e-05,"theta":-0.1,"vega":null},"implied_volatility":0.31,
        "last_quote":{"bid":2.4,"ask":2.6,"bid_size":10,"ask_size":12,"midpoint":2.5,
         "last_updated":1764603600000000001},
        "last_trade":{"price":2.55,"size":3,"conditions":[209],"exchange":302,"sip_timestamp":1764603599000000000},
        "open_interest":340,"underlying_asset":{"price":501.1,"ticker":"BRK.B"}},
       {"details":{"ticker":"O:BRKB251219P00200000"},"day":{},"greeks":{},"open_interest":null},
       {"details":{"ticker":"none"}}],
       "next_url":"https://api.massive.com/v3/snapshot/options/BRK.B?cursor=abc&limit=250"}
      """
    let answer = try ChainAnswers.read(Array(page.utf8), of: question, openInterestDay: "2025-11-28")
    #expect(answer.refused == 1 && answer.contracts.count == 2)
    let next = try #require(answer.next)
    #expect(question.path(of: next) == "/v3/snapshot/options/BRK.B?cursor=abc&limit=250")
    let first = answer.contracts[0]
    #expect(first.contract == "BRKB251219C00200500" && first.expiry == "2025-12-19" && first.right == "call")
    #expect(first.strike == ExactDecimal(unchecked: 2005, scale: 1) && first.multiplier == 10)
    #expect(first.volume == ExactDecimal(1_200) && first.openInterest == ExactDecimal(340))
    #expect(first.openInterestDay == "2025-11-28" && first.bid == ExactDecimal(unchecked: 24, scale: 1))
    #expect(first.quoteNs == 1_764_603_600_000_000_001 && first.lastNs == 1_764_603_599_000_000_000)
    #expect(first.delta == 0.51 && first.gamma == 1.2e-05 && first.vega == nil && first.impliedVolatility == 0.31)
    let second = answer.contracts[1]
    #expect(second.volume == nil && second.openInterest == nil && second.openInterestDay == nil)
    #expect(second.right == "put" && second.multiplier == 100)
  }

  @Test func contractsOfAlpaca() throws {
    let question = ChainQuestion(.alpacaOptions, "AAPL")
    let page = """
      {"snapshots":{"AAPL251219C00200000":{"latestTrade":{"t":"2025-12-01T15:00:00.123456789Z","p":2.1,"s":5,"x":"C",
        "c":"I"},"latestQuote":{"t":"2025-12-01T15:00:01Z","bp":2,"bs":1,"ap":2.2,"as":2},"impliedVolatility":0.4,
        "greeks":{"delta":0.5,"gamma":0.1,"rho":0.2,"theta":-0.3,"vega":0.4},"dailyBar":{"v":77}},
       "AAPL251219P00200000":null},"next_page_token":"QUFQ"}
      """
    let answer = try ChainAnswers.read(Array(page.utf8), of: question, openInterestDay: "2025-11-28")
    #expect(question.path(of: answer.next ?? "") == "/v1beta1/options/snapshots/AAPL?limit=1000&page_token=QUFQ")
    #expect(answer.contracts.count == 2 && answer.refused == 0)
    let first = answer.contracts[0]
    #expect(first.lastNs == 1_764_601_200_123_456_789 && first.bid == ExactDecimal(2) && first.theta == -0.3)
    #expect(first.volume == ExactDecimal(77) && first.openInterest == nil && first.openInterestDay == nil)
  }

  @Test func aMessageInThePlaceOfAPageIsRefused() throws {
    let question = ChainQuestion(.polygonOptions, "AAPL")
    for text in [#"{"message":"no"}"#, #"{"status":"ERROR","error":"x"}"#] {
      #expect(throws: FeedRefusal.self) {
        try ChainAnswers.read(Array(text.utf8), of: question, openInterestDay: "2025-11-28")
      }
    }
    #expect(throws: DecodingFailure.self) {
      try ChainAnswers.read(Array("<html>".utf8), of: question, openInterestDay: "2025-11-28")
    }
    let none = try ChainAnswers.read(Array(#"{"status":"OK"}"#.utf8), of: question, openInterestDay: "2025-11-28")
    #expect(none.contracts.isEmpty && none.next == nil)
  }

  @Test(arguments: [
    ("SPXW251219C05000000", "SPX", "2025-12-19", true), ("AAPL1251219P00200000", "AAPL", "2025-12-19", false),
    ("BRKB260116C00450000", "BRK.B", "2026-01-16", true), ("spy251219c00650000", "spy", "2025-12-19", true),
  ])
  func aNameSaysWhatTheContractIsOn(_ name: String, _ underlying: String, _ expiry: String, _ isCall: Bool) throws {
    let contract = try #require(OptionContract(name))
    #expect(contract.underlying == underlying && contract.expiry == expiry && contract.isCall == isCall)
  }

  @Test func whatIsNoContractIsNone() {
    for name in ["AAPL", "AAPL251319C00200000", "AAPL250230C00200000", "AAPL251219X00200000"] {
      #expect(OptionContract(name) == nil, "\(name)")
    }
  }
}
