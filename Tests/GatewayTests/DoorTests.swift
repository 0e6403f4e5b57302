import Core
import Messages
import ServiceKit
import Testing

@testable import GatewayService

/// What is decided without a server.
@Suite struct DoorTests {
  // MARK: - parameters

  private func read(_ kind: Parameter.Kind, _ text: String) -> Parameter.Value? {
    try? Parameter("p", kind, "").read(text)
  }

  @Test func symbolsAreTakenAsAnyProviderWritesThem() {
    for (text, symbol) in [
      ("brk-b", "BRK.B"), ("BRK.B", "BRK.B"), ("O:SPY251219C00650000", "SPY251219C00650000"), ("aapl", "AAPL"),
    ] {
      guard case .text(symbol) = read(.symbol, text) else {
        Issue.record("\(text) is not read as \(symbol)")
        continue
      }
    }
    for text in ["", "A B", String(repeating: "A", count: 33), "AAPL'", "*"] { #expect(read(.symbol, text) == nil) }
    guard case .texts(["AAPL", "MSFT"]) = read(.symbols(most: 2), "AAPL,MSFT,AAPL") else {
      Issue.record("a symbol that is named twice counts once")
      return
    }
    #expect(read(.symbols(most: 2), "A,B,C") == nil)
    #expect(read(.symbols(most: 2), "") == nil)
  }

  @Test func timesNeedAZone() {
    for (text, time) in [
      ("2026-03-02T14:30:00Z", 1_772_461_800_000), ("2026-03-02T09:30:00-05:00", 1_772_461_800_000),
      ("1970-01-01T00:00:00.001Z", 1), ("1969-12-31T23:59:59.999999Z", -1),
    ] as [(String, Int64)] {
      guard case .time(time) = read(.time, text) else {
        Issue.record("\(text) is not \(time)")
        continue
      }
    }
    for text in ["2026-03-02T14:30:00", "2026-03-02", "1772461800", ""] { #expect(read(.time, text) == nil) }
  }

  @Test func numbersAndWordsAreHeldAgainstWhatThereIs() {
    for text in ["0", "11", "x", "-1", "1.0", ""] { #expect(read(.count(standard: 5, most: 10), text) == nil) }
    #expect(read(.choice(["a", "b"], standard: "a"), "c") == nil)
    #expect(read(.choices(["a", "b"], standard: "a"), "a,c") == nil)
    #expect(read(.choices(["a", "b"], standard: "a"), ",") == nil)
  }

  @Test func cursorsComeBackAsTheyWent() {
    for time in [0, 1, 1_772_461_800_000, -5] as [Int64] { #expect(Cursor.read(Cursor.text(time)) == time) }
    for text in ["", "t5", "%%", String(repeating: "A", count: 65), Cursor.text(5) + "A"] {
      #expect(Cursor.read(text) == nil)
    }
  }

  // MARK: - access

  private func access(_ entries: String) throws -> Access { try Access(yaml: "tokens:\n" + entries, origin: "tokens") }

  @Test func aTokenMayWhatItsScopesSay() throws {
    let access = try access("""
        - {name: reader, token: "0123456789abcdef-r"}
        - {name: operator, token: "0123456789abcdef-w", scopes: [read, write]}

      """)
    func status(_ header: String?, _ scope: Endpoint.Scope) -> Int {
      do throws(Problem) {
        _ = try access.client(header, for: scope)
        return 200
      } catch { return error.status }
    }
    #expect(status(nil, .read) == 401)
    #expect(status("Bearer 0123456789abcdef-x", .read) == 401)
    #expect(status("Basic 0123456789abcdef-r", .read) == 401)
    #expect(status("bearer 0123456789abcdef-r", .read) == 200)
    #expect(status("Bearer 0123456789abcdef-r", .write) == 403)
    #expect(status("Bearer 0123456789abcdef-w", .write) == 200)
    #expect(throws: Problem.self) { try Access.open.client(nil, for: .write) }
    #expect(try Access.open.client(nil, for: .read).name == "anyone")
  }

  @Test(arguments: [
    "  - {name: a, token: short}\n", "  - {token: 0123456789abcdef}\n",
    "  - {name: a, token: 0123456789abcdef, scopes: [admin]}\n",
    "  - {name: a, token: 0123456789abcdef}\n  - {name: b, token: 0123456789abcdef}\n",
    "  - {name: a, token: \"env:SOUK_TEST_NOT_SET\"}\n", "  - {name: a, token: 0123456789abcdef, expires: never}\n",
  ])
  func filesOfTokensThatAreWrongAreRefused(_ entries: String) {
    #expect(throws: Failure.self) { try access(entries) }
  }

  @Test func eachClientHasItsOwnRate() throws {
    let rate = RequestRate(2)
    let start = ContinuousClock.now
    func take(_ client: String, _ after: Duration) -> Bool {
      do throws(Problem) {
        try rate.take(client, now: start + after)
        return true
      } catch { return false }
    }
    let taken = [
      take("a", .zero), take("a", .zero), take("a", .zero), take("b", .zero), take("a", .milliseconds(500)),
      take("a", .milliseconds(500)),
    ]
    #expect(taken == [true, true, false, true, true, false])
  }

  // MARK: - answers

  @Test func aTagIsFoundInAnyFormOfTheHeader() {
    for header in ["\"a\"", "W/\"a\"", "\"x\", \"a\"", "*", " \"a\" "] { #expect(Door.lists(header, "\"a\"")) }
    for header in ["\"b\"", "a", ""] { #expect(!Door.lists(header, "\"a\"")) }
  }

  @Test func gzipIsAgreedOn() {
    for header in ["gzip", "br, gzip;q=0.5", "*", "GZIP"] { #expect(Door.takesGzip(header)) }
    for header in [nil, "", "br", "gzip;q=0", "gzip; q=0.0, br"] { #expect(!Door.takesGzip(header)) }
  }

  // MARK: - listeners

  private func event(_ number: Int, kind: String = "tick", symbol: String = "AAPL", quote: Bool = false) -> LiveEvent {
    LiveEvent(kind: kind, symbol: symbol, json: "{\"kind\":\"\(quote ? "quote" : "trade")\",\"n\":\(number)}")
  }

  @Test func aNewerQuoteStandsForOneThatWaits() {
    let listener = LiveListener(symbols: ["AAPL"], kinds: ["tick", "bar"], most: 10)
    listener.offer(event(0), 0)
    listener.offer(event(1, quote: true), 1)
    listener.offer(event(2, symbol: "MSFT"), 2)
    listener.offer(event(3), 3)
    listener.offer(event(4, quote: true), 4)
    listener.offer(event(5, kind: "gap"), 5)
    #expect(listener.takeAll().map(\.0) == [0, 3, 4])
    #expect(listener.takeAll().isEmpty)
  }

  @Test func aListenerThatIsTooFarBehindIsSentAway() {
    let listener = LiveListener(symbols: [], kinds: ["tick"], most: 2)
    for number in 0..<3 { listener.offer(event(number), UInt64(number)) }
    #expect(listener.isTooSlow)
    #expect(listener.takeAll().map(\.0) == [0, 1], "what it was promised it gets")
  }
}
