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
      ("1970-01-01T00:00:00.001Z", 1), ("1969-12-31T23:59:59.999999Z", 0),
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
    for time in [0, 1, 1_772_461_800_000, Parameter.times.upperBound] as [Int64] {
      for mark in [nil, "12", "nightly_1764599400000000000"] {
        #expect(Cursor(Cursor(time: time, mark: mark).text) == Cursor(time: time, mark: mark))
      }
    }
    for text in ["", "5", "%%", String(repeating: "A", count: 65), Cursor(time: 5).text + "-", "0000000000A"] {
      #expect(Cursor(text) == nil)
    }
  }

  @Test func whatTheDocumentAllowsIsRead() {
    for (kind, good, bad) in [
      (.word(most: 4), ["a", "a.b", "A:_9"], ["", ".a", "a-", "a b", "abcde", "ü"]),
      (.words(most: 2), ["1m:rsi14", "a,b", "a,a,b"], ["", "a,,b", "a,b,c"]),
      (.text(most: 3), ["a", "  ", "äöü"], ["", "abcd", "a\u{0}"]),
      (.flag, ["true", "false"], ["", "1", "TRUE", "yes"]),
      (.share(standard: 0), ["0", "1", "0.25"], ["-0.1", "1.1", "x", "nan", ""]),
      (.count(standard: 1, most: 10), ["1", "10"], ["0", "11", "+1", "1.0", ""]),
    ] as [(Parameter.Kind, [String], [String])] {
      for text in good { #expect(read(kind, text) != nil, "\(kind) takes '\(text)'") }
      for text in bad { #expect(read(kind, text) == nil, "\(kind) refuses '\(text)'") }
    }
  }

  @Test func aJobIsReadStrictly() throws {
    func read(_ json: String) throws(Problem) -> BatchJob { try JobRequest.read(Array(json.utf8)).job(submittedNs: 7) }
    let job = try read("""
      {"kind":"features","symbols":["spy","QQQ","SPY"],"from":"2026-03-02T00:00:00Z","until":"2026-03-03T00:00:00Z",
       "parameters":{"feed":"polygon-stocks"},"job_id":"nightly"}
      """)
    #expect(job == BatchJob(
      jobID: "nightly", kind: .features, symbols: ["QQQ", "SPY"], fromNs: 1_772_409_600_000_000_000,
      untilNs: 1_772_496_000_000_000_000, parameters: TextValues([("feed", "polygon-stocks")]), submittedNs: 7,
      by: "gateway"))
    #expect(BatchJob.isID(try read("{\"kind\":\"compact\"}").jobID), "it is given a name")
    for json in [
      "{}", "{\"kind\":\"nothing\"}", "{\"kind\":\"compact\",\"kind\":\"compact\"}",
      "{\"kind\":\"compact\",\"priority\":1}", "{\"kind\":\"compact\",\"symbols\":[\"A B\"]}",
      "{\"kind\":\"compact\",\"symbols\":null}", "{\"kind\":\"compact\",\"job_id\":\"-\"}",
      "{\"kind\":\"compact\",\"from\":\"2026-03-02\"}", "{\"kind\":\"compact\",\"parameters\":{\"a\":1}}",
    ] {
      #expect(throws: Problem.self) { try read(json) }
    }
    do throws(Problem) {
      _ = try read("{\"kind\":\"compact\",\"from\":\"2026-03-02T00:00:00Z\",\"until\":\"2026-03-02T00:00:00Z\"}")
      Issue.record("a job about no time is taken")
    } catch { #expect(error.status == 409) }
  }

  // MARK: - Dask

  @Test func workersOfASchedulerAreCounted() {
    let state = DaskWatch.read(Array("""
      {"type":"Scheduler","id":"s","workers":{"tcp://a:1":{"nthreads":4,"memory_limit":2e9,"host":"a"},
       "tcp://b:1":{"name":null,"nthreads":2,"metrics":{"nthreads":9}}}}
      """.utf8))
    #expect(state == DaskWatch.State(isConnected: true, workers: 2, cores: 6))
    #expect(DaskWatch.read(Array("{\"workers\":{}}".utf8)) == DaskWatch.State(isConnected: true))
    for text in ["", "[]", "{}", "{\"workers\":3}", "<html>"] { #expect(DaskWatch.read(Array(text.utf8)) == nil) }
    #expect(DaskWatch.dashboard(of: "tcp://dask-scheduler:8786") == "http://dask-scheduler:8787")
    for text in ["dask-scheduler:8786", "tcp://dask-scheduler", "http://a:1", "tcp://:8786", "tcp://a:x"] {
      #expect(DaskWatch.dashboard(of: text) == nil)
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

  @Test func onlyNumbersOfJSONAreNumbers() {
    for text in ["0", "-1.5", "1e5", "100.34999999999999"] { #expect(HotStore.isNumber(text)) }
    for text in ["", "nan", "-nan", "inf", "0x10", "1.", ".5", "+1", "01", "1 2", "true", "\"1\""] {
      #expect(!HotStore.isNumber(text), "\(text)")
    }
  }

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
    LiveEvent(
      kind: kind, symbol: symbol, json: Array("{\"kind\":\"\(quote ? "quote" : "trade")\",\"n\":\(number)}".utf8))
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

  @Test func aLaterStateOfASignalStandsForOneThatWaits() {
    func signal(_ start: Int, _ number: Int) -> LiveEvent {
      LiveEvent(kind: "signal", symbol: "AAPL", json: Array("{\"id\":\"AAPL/f/1m/\(start)\",\"n\":\(number)}".utf8))
    }
    let listener = LiveListener(symbols: [], kinds: ["signal"], most: 10)
    for (place, event) in [signal(1, 0), signal(2, 1), signal(1, 2)].enumerated() {
      listener.offer(event, UInt64(place))
    }
    #expect(listener.takeAll().map(\.0) == [1, 2], "signals of two bars are both told")
  }

  @Test func aListenerThatIsTooFarBehindIsSentAway() {
    let listener = LiveListener(symbols: [], kinds: ["tick"], most: 2)
    for number in 0..<3 { listener.offer(event(number), UInt64(number)) }
    #expect(listener.isTooSlow)
    #expect(listener.takeAll().map(\.0) == [0, 1], "what it was promised it gets")
  }
}
