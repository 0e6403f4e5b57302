import Core
import Feeds
import Foundation
import Messages
import Testing
import Values

@Suite struct ControlTests {
  private func polygon(_ frame: String, _ feed: Feed = .polygonStocks) -> Seen {
    var decoder = PolygonDecoder(feed)
    var seen = Seen()
    decoder.decode(Array(frame.utf8).span.bytes, knownNs: Frames.knownNs, to: &seen)
    return seen
  }

  private func alpaca(_ frame: String, _ feed: Feed = .alpacaStocks) -> Seen {
    var decoder = AlpacaDecoder(feed)
    var seen = Seen()
    decoder.decode(Array(frame.utf8).span.bytes, isPacked: false, knownNs: Frames.knownNs, to: &seen)
    return seen
  }

  private func kind(_ control: FeedControl?) -> FeedFailureKind? {
    if case .failed(let failure) = control { failure.kind } else { nil }
  }

  @Test func polygonSaysWhatHappened() {
    func status(_ status: String, _ message: String = "m") -> FeedControl? {
      polygon(#"[{"ev":"status","status":"\#(status)","message":"\#(message)"}]"#).controls.first
    }
    #expect(status("connected", "Connected Successfully") == .connected)
    #expect(status("auth_success", "authenticated") == .authenticated)
    #expect(status("success", "subscribed to: T.AAPL") == .subscribed("T.AAPL"))
    #expect(kind(status("auth_failed", "authentication failed")) == .loginRefused)
    #expect(kind(status("auth_failed", "Your plan doesn't include websocket access.")) == .planRefused)
    #expect(kind(status("auth_timeout")) == .loginTimedOut)
    #expect(kind(status("max_connections", "Maximum number of websocket connections exceeded.")) == .connectionLimit)
    for plan in ["not authorized", "not_authorized"] { #expect(kind(status(plan)) == .planRefused) }
    for slow in ["force_disconnect", "slow_consumer"] { #expect(kind(status(slow)) == .slowReader) }
    for plan in ["not authorized", "You don't have access to this", "Your plan is another", "subscription needed"] {
      #expect(kind(status("error", plan)) == .planRefused)
    }
    #expect(status("weather", "rain\\u0007") == .remark("weather: rain "))
    #expect(kind(status("error", "unknown action")) == .notUnderstood)
  }

  @Test func alpacaSaysWhatHappened() {
    func code(_ code: Int) -> FeedFailureKind? {
      kind(alpaca(#"[{"T":"error","code":\#(code),"msg":"m"}]"#).controls.first)
    }
    #expect(alpaca(#"[{"T":"success","msg":"connected"}]"#).controls == [.connected])
    #expect(alpaca(#"[{"T":"success","msg":"authenticated"}]"#).controls == [.authenticated])
    #expect(alpaca(#"[{"T":"subscription","trades":["AAPL"],"quotes":[],"corrections":["AAPL"]}]"#).controls
      == [.subscriptions(["trades": ["AAPL"], "quotes": [], "corrections": ["AAPL"]])])
    for login in [401, 402, 403] { #expect(code(login) == .loginRefused) }
    #expect(code(404) == .loginTimedOut)
    #expect(code(405) == .symbolLimit)
    #expect(code(406) == .connectionLimit)
    #expect(code(407) == .slowReader)
    for plan in [408, 409, 411, 413] { #expect(code(plan) == .planRefused) }
    for request in [400, 410, 412] { #expect(code(request) == .notUnderstood) }
    for other in [500, 599, -1] { #expect(code(other) == .serverFailed) }
    // What stops, what is said and passed over, and what is tried again.
    let classes = Dictionary(grouping: FeedFailureKind.allCases, by: \.errorClass).mapValues(Set.init)
    #expect(classes == [
      .configuration: [.loginRefused, .planRefused, .notUnderstood], .data: [.symbolLimit],
      .transient: [.connectionLimit, .slowReader, .loginTimedOut, .serverFailed, .silent, .clockBehind],
    ])
    #expect(FeedFailureKind.allCases.filter { $0.coolDown != nil } == [.connectionLimit])
    #expect(FeedFailure(.planRefused, "").errorClass == .configuration)
    #expect(FeedFailure(.connectionLimit, "").isTransient)
  }

  @Test func optionsLoseTheirPrefixAndHaveNoIDs() {
    let seen = polygon("""
      [{"ev":"T","sym":"O:SPY251219C00650000","x":302,"p":11.40,"s":2,"c":[219],"t":1764599999000,"q":7}]
      """, .polygonOptions)
    #expect(seen.messages == ["""
      {"kind":"trade","symbol":"SPY251219C00650000","feed":"polygon-options","event_ns":1764599999000000000,\
      "known_ns":1764600000123456789,"exchange":"302","sequence":7,"price":11.40,"size":2,"conditions":["219"]}
      """])
    // The condition of Alpaca's options is one text.
    #expect(alpaca("""
      [{"T":"t","S":"SPY251219C00650000","t":"2025-12-01T14:39:59.5Z","p":11.4,"s":2,"x":"C","c":"S"}]
      """, .alpacaOptions).messages.first?.contains(#""conditions":["S"]"#) == true)
  }

  @Test func oneBadElementIsRefusedAlone() {
    let seen = polygon("""
      [{"ev":"T","sym":"AAPL","p":"x","t":1764599999000},{"ev":"T","sym":"AAPL","p":1,"s":1,"t":1764599999000},\
      {"ev":"T","sym":"AAPL","s":1,"t":1764599999000},{"ev":"T","sym":"","p":1,"t":1764599999000}]
      """)
    #expect(seen.messages.count == 1)
    #expect(seen.failures.map(\.kind) == [.badNumber, .missingField, .badValue])
  }

  /// A stamp of the next year would be the newest of its series for ever. One of the year 2610 would be one of today,
  /// in 64 bits of nanoseconds.
  @Test func stampsOfTheFutureAreRefused() {
    let seen = polygon("""
      [{"ev":"T","sym":"AAPL","p":1,"s":1,"t":1796136000000},{"ev":"AM","sym":"AAPL","v":1,"o":1,"c":1,"h":1,"l":1,\
      "s":1796136000000},{"ev":"T","sym":"AAPL","p":1,"s":1,"t":0},\
      {"ev":"T","sym":"AAPL","p":1,"s":1,"t":20211344073},\
      {"ev":"T","sym":"AAPL","p":1,"s":1,"t":1764600059000}]
      """)
    #expect(seen.failures.map(\.kind) == [.badTimestamp, .badTimestamp, .badTimestamp, .badTimestamp])
    #expect(seen.messages.count == 1, "a minute ahead is the skew of two clocks")
  }

  @Test func magnitudeSaysTheUnit() {
    for (stamp, unit) in [(1_764_600_000, 1_000_000_000), (1_764_600_000_123, 1_000_000),
      (1_764_600_000_123_456, 1_000), (1_764_600_000_123_456_789, 1)] as [(Int64, Int64)] {
      #expect(FeedStamp.nanoseconds(stamp) == stamp * unit)
    }
    // 2262-04-11T23:47:16Z and the second after it, then 1677: nanoseconds in 64 bits end there.
    #expect(FeedStamp.nanoseconds(9_223_372_036) == 9_223_372_036_000_000_000)
    for stamp in [9_223_372_037, 9_223_372_036_855, 9_223_372_036_854_776, -9_223_372_037, .min] as [Int64] {
      #expect(FeedStamp.nanoseconds(stamp) == nil)
    }
    func nanoseconds(_ text: String) -> Int64? { FeedStamp.nanoseconds(rfc3339: Array(text.utf8).span.bytes) }
    #expect(nanoseconds("2025-12-01T14:40:00.123456789Z") == 1_764_600_000_123_456_789)
    #expect(nanoseconds("2025-12-01T14:40:00.12345678Z") == 1_764_600_000_123_456_780)
    #expect(nanoseconds("2025-12-01T09:40:00.1234-05:00") == 1_764_600_000_123_400_000)
    #expect(nanoseconds("2025-12-01T14:40:00Z") == 1_764_600_000_000_000_000)
    #expect(nanoseconds("2025-12-01T14:40:00") == nil)
    #expect(nanoseconds("9999-12-01T14:40:00Z") == nil)
  }

  @Test func shortestDecimals() {
    for (number, text) in [(0.1, "0.1"), (190.15, "190.15"), (100, "100"), (1e-7, "0.0000001"), (-2.5, "-2.5"),
      (123_456_789.123_456, "123456789.123456")] as [(Double, String)] {
      #expect(ExactDecimal(shortest: number)?.description == text)
    }
    #expect(ExactDecimal(shortest: .infinity) == nil)
    #expect(ExactDecimal(shortest: 1e300) == nil)
  }

  /// A trade of the stream and the same one of an answer about the past, whose times are finer.
  @Test func identities() {
    let live = polygon("""
      [{"ev":"T","sym":"AAPL","x":4,"i":"52","p":1.50,"s":1,"t":1764599999000,"q":9},\
      {"ev":"T","sym":"AAPL","x":4,"i":"53","p":1.50,"s":1,"t":1764599999000,"q":10},\
      {"ev":"T","sym":"AAPL","x":4,"i":"52","trfi":201,"trft":1764599999000,"p":1.50,"s":1,"t":1764599999000,"q":9},\
      {"ev":"T","sym":"AAPL","x":5,"i":"52","p":1.50,"s":1,"t":1764599999000,"q":9}]
      """)
    #expect(Set(live.identities).count == 4)
    var past = FeedTick(.trade, symbol: "AAPL", feed: "polygon-stocks", eventNs: 1_764_599_999_000_123_456, knownNs: 5)
    past[\.exchange] = "4"
    past[\.id] = "52"
    past[\.price] = ExactDecimal("1.5")
    var decoder = FeedTickDecoder()
    let bytes = past.encoded()
    let identity = try? decoder.decode(bytes.span.bytes).identity
    #expect(identity == live.identities[0])
  }
}

@Suite struct SymbolTests {
  @Test(arguments: [
    ("BRK.B", "BRK.B", "BRK.B", "BRK-B"), ("BAC.PRL", "BACpL", "BAC.PRL", "BAC-PL"), ("AAPL", "AAPL", "AAPL", "AAPL"),
    ("AA.WS", "AA.WS", "AA.WS", "AA-WT"), ("AA.U", "AA.U", "AA.U", "AA-UN"), ("AA.RT", "AA.RT", "AA.RT", "AA-RI"),
  ])
  func stocks(_ symbol: String, _ polygon: String, _ alpaca: String, _ dashed: String) {
    for (name, dialect) in [(polygon, SymbolNames.Dialect.polygon), (alpaca, .alpaca), (dashed, .dashed)] {
      #expect(SymbolNames.canonical(name, from: dialect) == symbol)
      #expect(SymbolNames.name(of: symbol, for: dialect) == name)
    }
  }

  @Test func options() {
    let symbol = "SPY251219C00650000"
    #expect(SymbolNames.canonical("O:SPY251219C00650000", from: .polygon) == symbol)
    #expect(SymbolNames.canonical("SPY   251219C00650000", from: .occ) == symbol)
    #expect(SymbolNames.canonical(symbol, from: .alpaca) == symbol)
    #expect(SymbolNames.name(of: symbol, for: .polygon) == "O:" + symbol)
    #expect(SymbolNames.name(of: symbol, for: .occ) == "SPY   251219C00650000")
    #expect(SymbolNames.isOption("BRKB251219P00001500") && !SymbolNames.isOption("SPY251219X00650000"))
  }

  @Test func smallLettersAreSuffixes() {
    #expect(SymbolNames.canonical("AAw", from: .polygon) == "AA.WS")
    #expect(SymbolNames.canonical("aapl", from: .polygon) == "AAPL")
    for bad in ["", "A B", "A\"B", String(repeating: "A", count: 33), "\u{0}"] {
      #expect(SymbolNames.canonical(bad, from: .alpaca) == nil)
    }
  }
}

@Suite struct RequestTests {
  private func object(_ request: FeedRequests.Request) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(request.bytes)) as? [String: Any])
  }

  @Test func logins() throws {
    let polygon = try object(FeedRequests.login(.polygonStocks, key: "k\"1", secret: nil, isPacked: false))
    #expect(polygon as? [String: String] == ["action": "auth", "params": "k\"1"])
    let alpaca = try object(FeedRequests.login(.alpacaStocks, key: "k", secret: "s", isPacked: false))
    #expect(alpaca as? [String: String] == ["action": "auth", "key": "k", "secret": "s"])
    // A map of two, in MessagePack.
    #expect(FeedRequests.login(.alpacaOptions, key: "k", secret: "s", isPacked: true).bytes.first == 0x83)
  }

  @Test func subscriptionsAreNamedByTheProvider() throws {
    let wanted = [FeedInterest("BAC.PRL", [.trades, .bars]), FeedInterest("*", [.quotes, .statuses])]
    let polygon = FeedRequests.change(.subscribe, wanted, of: .polygonStocks, isPacked: false)
    #expect(try object(polygon[0])["params"] as? String == "AM.BACpL,T.BACpL,Q.*")
    let alpaca = try object(FeedRequests.change(.subscribe, wanted, of: .alpacaStocks, isPacked: false)[0])
    #expect(alpaca["trades"] as? [String] == ["BAC.PRL"])
    #expect(alpaca["updatedBars"] as? [String] == ["BAC.PRL"])
    #expect(alpaca["statuses"] as? [String] == ["*"])
  }

  /// Every symbol is asked for exactly once, in messages that no server refuses for their length.
  @Test(arguments: Feed.streams) func longListsAreSplit(_ feed: Feed) throws {
    let symbols = (0..<5_000).map { "S\($0)" }
    let wanted = symbols.map { FeedInterest($0, [.trades, .quotes]) }
    let requests = FeedRequests.change(.subscribe, wanted, of: feed, isPacked: false)
    #expect(requests.count > 1 && requests.allSatisfy { $0.bytes.count <= FeedRequests.maxBytes })
    var asked: [String] = []
    for request in requests {
      let object = try object(request)
      if feed.isPolygon {
        asked += (object["params"] as? String ?? "").split(separator: ",").map(String.init)
      } else {
        for list in ["trades", "quotes"] { asked += (object[list] as? [String] ?? []).map { "\(list).\($0)" } }
      }
    }
    #expect(asked.count == 10_000 && Set(asked).count == 10_000)
  }
}
