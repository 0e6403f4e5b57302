import ArgumentParser
import Core
@testable import EGXProducerService
import Foundation
import HTTP
import HTTPFlags
import Messages
import Testing
import TestSupport
import TradingViewSimulator
import Values
import WebSocket

@Suite struct SourceTests {
  let clock: ExchangeClock
  init() throws { clock = try ExchangeClock() }

  private func request(_ symbol: String, _ interval: BarInterval = .daily, count: Int = 10, back: Int64? = nil)
    -> BarRequest {
    BarRequest(symbol: symbol, interval: interval, count: count, reachBackTo: back)
  }

  private func script(_ symbols: String...) -> SimulatorScript {
    SimulatorScript(bars: Dictionary(uniqueKeysWithValues: symbols.map { symbol in
      (symbol, (0..<30).map {
        .init("\(1_755_043_200 + $0 * 86_400).0", "90.5", "91.2", "90.1", "\(90 + $0)", "100.0")
      })
    }))
  }

  private func source(
    _ simulator: TradingViewSimulator, live: Bool = false, drain: Interruption = Interruption(),
    _ change: (inout TradingViewSettings) -> Void = { _ in }
  ) throws -> TradingViewSource {
    guard case .tradingView(let address) = try SourceLocation(simulator.url) else {
      throw Failure(.fatal, code: "test", "not a TradingView URL")
    }
    var settings = TradingViewSettings(url: address)
    settings.live = live
    settings.answerTime = .seconds(120)
    change(&settings)
    return TradingViewSource(
      settings: settings, clock: clock, pace: Pace(gap: .zero, drain: drain), drain: drain)
  }

  @Test func asksForSymbolsAndAnswersHeartbeats() async throws {
    var script = script("COMI", "ETEL")
    script.heartbeats = 3
    script.faults["ETEL"] = .split(5)
    try await TradingViewSimulator.serving(script) { simulator in
      let delivered = Delivered()
      try await source(simulator).fetch([request("COMI", count: 5), request("ETEL", count: 7)]) {
        delivered.take($0, $1)
      }
      #expect(delivered.bars("COMI").map { "\($0.candle.close)" } == ["115", "116", "117", "118", "119"])
      #expect(delivered.bars("ETEL").count == 7)
      #expect(simulator.heartbeatsAnswered == 3)
      #expect(simulator.connections == 1)
      #expect(simulator.methods.first == "set_auth_token")
      #expect(simulator.methods.filter { $0 == "chart_create_session" }.count == 2)
    }
  }

  @Test func everyServerErrorIsReportedAtOnceWithItsText() async throws {
    var script = script("GOOD")
    script.faults = ["BAD": .symbolError("invalid symbol"), "WORSE": .seriesError("resolve error")]
    try await TradingViewSimulator.serving(script) { simulator in
      let delivered = Delivered()
      try await source(simulator).fetch([request("BAD"), request("WORSE"), request("GOOD")]) { delivered.take($0, $1) }
      #expect(delivered.failure("BAD")?.kind == .symbolRefused)
      #expect(delivered.failure("BAD")?.message.contains("invalid symbol") == true)
      #expect(delivered.failure("WORSE")?.kind == .seriesRefused)
      #expect(delivered.failure("WORSE")?.message.contains("resolve error") == true)
      #expect(delivered.bars("GOOD").count == 10)
    }
  }

  @Test(arguments: [
    (SimulatorScript.Fault.criticalError("invalid_parameters"), SourceError.Kind.sessionFailed),
    (.protocolError("bad auth token"), .tokenRefused), (.protocolError("wrong data"), .protocolBroken),
    (.hangUp(times: 1), .connectionLost),
  ])
  func aBrokenConnectionIsThrownWithItsKind(_ fault: SimulatorScript.Fault, _ kind: SourceError.Kind) async throws {
    var script = script("COMI")
    script.faults["COMI"] = fault
    try await TradingViewSimulator.serving(script) { simulator in
      let error = await #expect(throws: SourceError.self) {
        try await source(simulator).fetch([request("COMI")]) { _, _ in }
      }
      #expect(error?.kind == kind, "\(String(describing: error))")
    }
  }

  /// One that may have held the bars costs the symbol this question, and is named; others cost nothing.
  @Test(arguments: ["~m~3~m~{}~m~2~m~[]", "~m~999999999~m~x", "rubbish", "~m~7~m~{\"m\":1}"])
  func anUnreadableFrameIsSkipped(_ rubbish: String) async throws {
    var script = script("COMI", "ETEL")
    let end = #"{"m":"series_completed","p":["$session","s1","streaming","s1",{}]}"#
    // Lengths count what is sent: session ids have 15 characters.
    script.faults = ["COMI": .raw(rubbish + "~m~\(end.utf16.count + 7)~m~\(end)")]
    try await TradingViewSimulator.serving(script) { simulator in
      let delivered = Delivered()
      try await source(simulator).fetch([request("COMI"), request("ETEL")]) { delivered.take($0, $1) }
      #expect(delivered.failure("COMI")?.kind == .unreadable)
      #expect(delivered.failure("COMI")?.message.contains("could not be read") == true)
      #expect(delivered.bars("ETEL").count == 10)
      simulator.change { $0.faults = ["COMI": .before([#"{"m":"qsd","p":["qs_x",{"n":"EGX:COMI","s":"o"#, "[1"])] }
      let again = Delivered()
      try await source(simulator).fetch([request("COMI"), request("ETEL")]) { again.take($0, $1) }
      #expect(again.bars("COMI").count == 10 && again.bars("ETEL").count == 10)
      #expect(try again.items.map { try $0.answer.get().lost.count } == [2, 0])
    }
  }

  /// Errors of studies and of sessions of others say nothing about the bars.
  @Test func errorsOfOtherSymbolsDropNoSymbol() async throws {
    var script = script("COMI")
    script.faults["COMI"] = .before([
      #"{"m":"study_error","p":["$session","st1","st1","unknown study"]}"#,
      #"{"m":"critical_error","p":["qs_abcdefghijkl","invalid_parameters","quote_add_symbols"]}"#,
    ])
    try await TradingViewSimulator.serving(script) { simulator in
      let delivered = Delivered()
      try await source(simulator).fetch([request("COMI")]) { delivered.take($0, $1) }
      #expect(delivered.bars("COMI").count == 10)
      #expect(simulator.connections == 1)
    }
  }

  @Test(arguments: [true, false]) func aConnectionEndsWithACloseFrame(_ isAnswered: Bool) async throws {
    var script = script("COMI")
    script.answersClose = isAnswered
    try await TradingViewSimulator.serving(script) { simulator in
      try await source(simulator).fetch([request("COMI")]) { _, _ in }
      try await eventually("the close frame") { simulator.closeCodes == [1_000] }
      simulator.change { $0.faults["COMI"] = .silence }
      await #expect(throws: SourceError.self) {
        try await source(simulator) { $0.answerTime = .milliseconds(100) }.fetch([request("COMI")]) { _, _ in }
      }
      try await eventually("another") { simulator.closeCodes == [1_000, 1_001] }
    }
  }

  @Test(arguments: [("7", Duration.seconds(7)), (nil, nil), ("soon", nil)])
  func aRefusedHandshakeCarriesRetryAfter(_ header: String?, _ delay: Duration?) async throws {
    var script = script("COMI")
    script.refusals = [.init(status: 429, retryAfter: header)]
    try await TradingViewSimulator.serving(script) { simulator in
      let error = await #expect(throws: SourceError.self) {
        try await source(simulator).fetch([request("COMI")]) { _, _ in }
      }
      #expect(error?.kind == .handshakeRefused && error?.message.contains("429") == true)
      #expect(error?.retryAfter == delay)
      let delivered = Delivered()
      try await source(simulator).fetch([request("COMI")]) { delivered.take($0, $1) }
      #expect(delivered.bars("COMI").count == 10)
    }
  }

  @Test(arguments: [(25, 25, 0), (30, 30, 0), (40, 30, 10), (7, 7, 0)])
  func longRangesAreRequestedPageByPage(count: Int, given: Int, missing: Int) async throws {
    var script = script("COMI")
    script.pageSize = 10
    try await TradingViewSimulator.serving(script) { simulator in
      let delivered = Delivered()
      try await source(simulator) { $0.pageBars = 10 }.fetch([request("COMI", count: count)]) { delivered.take($0, $1) }
      let answer = try #require(delivered.items.first).answer.get()
      #expect(answer.bars.count == given && answer.missing == missing)
      #expect(answer.bars.last?.candle.close == ExactDecimal("119"))
      simulator.change { $0.saysEnd = true }
      let whole = Delivered()
      try await source(simulator) { $0.pageBars = 10 }.fetch([request("COMI", count: count)]) { whole.take($0, $1) }
      #expect(try #require(whole.items.first).answer.get().missing == 0, "the source has no more")
    }
  }

  @Test func silenceTimesOutTheSymbol() async throws {
    var script = script("COMI")
    script.faults["COMI"] = .silence
    try await TradingViewSimulator.serving(script) { simulator in
      let delivered = Delivered()
      let error = await #expect(throws: SourceError.self) {
        try await source(simulator) { $0.answerTime = .milliseconds(300) }
          .fetch([request("COMI")]) { delivered.take($0, $1) }
      }
      #expect(error?.kind == .timedOut)
      #expect(delivered.failure("COMI")?.kind == .timedOut)
    }
  }

  @Test func aRefusedHandshakeIsReported() async throws {
    var script = script("COMI")
    script.origin = "https://www.tradingview.com"
    try await TradingViewSimulator.serving(script) { simulator in
      let error = await #expect(throws: SourceError.self) {
        try await source(simulator).fetch([request("COMI")]) { _, _ in }
      }
      #expect(error?.kind == .handshakeRefused)
      #expect(error?.message.contains("403") == true)
      let delivered = Delivered()
      try await source(simulator) { $0.origin = "https://www.tradingview.com" }
        .fetch([request("COMI")]) { delivered.take($0, $1) }
      #expect(delivered.bars("COMI").count == 10)
    }
  }

  @Test func moreDataIsRequestedUntilTheBarsReachBack() async throws {
    var script = script("COMI")
    script.pageSize = 8
    try await TradingViewSimulator.serving(script) { simulator in
      let delivered = Delivered()
      let first: Int64 = 20_313 * 86_400  // 2025-08-13, the first bar's day
      try await source(simulator).fetch([request("COMI", count: 5, back: first)]) { delivered.take($0, $1) }
      #expect(delivered.bars("COMI").count == 30)
      #expect(simulator.methods.contains("request_more_data"))
      let limited = Delivered()
      try await source(simulator) { $0.maxBars = 12 }
        .fetch([request("COMI", count: 5, back: first)]) { limited.take($0, $1) }
      #expect(try limited.items.map { try $0.answer.get().reachesBack } == [false])
    }
  }

  @Test func liveBarsComeAsTheyChangeUntilTheDrain() async throws {
    let simulated = script("COMI", "ETEL")
    try await TradingViewSimulator.serving(simulated) { simulator in
      let drain = Interruption()
      let delivered = Delivered()
      let source = try source(simulator, live: true, drain: drain)
      let requests = [request("COMI"), request("ETEL")]
      let task = Task { try await source.fetch(requests) { delivered.take($0, $1) } }
      try await eventually("both are open") { delivered.items.count == 2 }
      simulator.update("ETEL", .init("1757549200.0", "1", "2", "1", "1.5", "7"))
      try await eventually("the update came") { delivered.items.count == 3 }
      #expect(delivered.items.last?.symbol == "ETEL")
      #expect(delivered.bars("ETEL").last?.candle.close == ExactDecimal("1.5"))
      drain.raise()
      try await task.value
    }
  }

  @Test func aClosedPortIsUnreachable() async throws {
    let port = try await TradingViewSimulator.serving(script("A")) { $0.port }
    let settings = TradingViewSettings(
      url: WebSocketURL(isSecure: false, host: "127.0.0.1", port: port, path: "/"))
    let drain = Interruption()
    let source = TradingViewSource(
      settings: settings, clock: clock, pace: Pace(gap: .zero, drain: drain), drain: drain)
    let error = await #expect(throws: SourceError.self) {
      try await source.fetch([request("COMI")]) { _, _ in }
    }
    #expect(error?.kind == .connectFailed)
  }

  // MARK: - files

  @Test func csvGivesTheLatestBars() async throws {
    try await withTemporaryDirectory { folder in
      let lines = [
        "\"Date\",Open,High,Low,Close,Volume", "2025-01-19,1,2,1,2,10", "\"2025-01-20\",\"2\",3,2,\" 3 \",",
        "2025-01-21,,,,,", "2025-01-22,1,x,1,1,1", ",1,1,1,1,1",
      ]
      try lines.joined(separator: "\r\n")
        .write(toFile: "\(folder)/A.csv", atomically: true, encoding: .utf8)
      try "date,open,high,low,close\n2025-01-20,1,x,1,1\n"
        .write(toFile: "\(folder)/B.csv", atomically: true, encoding: .utf8)
      let delivered = Delivered()
      let source = CSVSource(folder: BarFolder(path: folder), clock: clock)
      try await source.fetch(["A", "B", "C", "../A"].map { request($0, count: 1) }) { delivered.take($0, $1) }
      #expect(delivered.bars("A").map(\.time) == [20_108 * 86_400])
      #expect(delivered.bars("A").first?.candle.volume == nil)
      let lost = try #require(delivered.items.first).answer.get().lost
      #expect(lost.count == 2 && lost.first?.hasPrefix("line 5: high is 'x'") == true, "\(lost)")
      #expect(delivered.failure("B")?.message.contains("line 2") == true)
      #expect(delivered.failure("C")?.kind == .symbolRefused)
      #expect(delivered.failure("../A")?.kind == .symbolRefused)
      #expect(try BarFolder(path: folder).symbols() == ["A", "B"])
    }
  }

  @Test func aRecordingMayBeginWithItsNewestBar() async throws {
    try await withTemporaryDirectory { folder in
      let lines = [3, 2, 1].map { "2025-01-2\($0),1,1,1,\($0),1" }.joined(separator: "\n")
      try "date,open,high,low,close,volume\n\(lines)\nlost\n"
        .write(toFile: "\(folder)/A.csv", atomically: true, encoding: .utf8)
      let delivered = Delivered()
      try await ReplaySource(folder: BarFolder(path: folder), speed: 0, drain: Interruption())
        .fetch([request("A")]) { delivered.take($0, $1) }
      #expect(delivered.bars("A").map { "\($0.candle.close)" } == ["1", "2", "3"])
      #expect(try delivered.items.map { try $0.answer.get().lost.count }.reduce(0, +) == 1)
    }
  }

  @Test func replayGoesByTimeOverAllSymbols() async throws {
    try await withTemporaryDirectory { folder in
      for (name, minutes) in [("A", [0, 2, 4, 6]), ("B", [1, 2, 9])] {
        let lines = minutes.map { "2025-01-20 08:0\($0):00,1,1,1,\($0),1" }.joined(separator: "\n")
        try "datetime,open,high,low,close,volume\n\(lines)\n"
          .write(toFile: "\(folder)/\(name).csv", atomically: true, encoding: .utf8)
      }
      let delivered = Delivered()
      let source = ReplaySource(folder: BarFolder(path: folder), speed: 0, drain: Interruption())
      try await source.fetch([request("A", .minute), request("B", .minute)]) { delivered.take($0, $1) }
      let times = delivered.items.flatMap { (try? $0.answer.get().bars.map(\.time)) ?? [] }
      #expect(times.count == 7 && times == times.sorted())
      #expect(delivered.bars("A").count == 4)
    }
  }

  @Test(.enabled(if: RealBars.folder != nil, "SOUK_REAL_DATA names no folder of real files"))
  func realFilesRoundTrip() async throws {
    let folder = try #require(RealBars.folder)
    for (kind, interval) in [("daily", BarInterval.daily), ("1min", .minute)] {
      let bars = BarFolder(path: "\(folder)/\(kind)")
      let review = BarReview(settings: .init(interval: interval, exchange: "EGX", closeOnly: false), clock: clock)
      for symbol in try bars.symbols() {
        // An independent reading of the file: Foundation's, line by line.
        let text = try String(contentsOfFile: "\(folder)/\(kind)/\(symbol).csv", encoding: .utf8)
        let rows = text.split(whereSeparator: \.isNewline).dropFirst().map { $0.split(separator: ",").map(String.init) }
        var file = try bars.bars(of: symbol)
        var read: [SourceBar] = []
        while let bar = try file.next() { read.append(bar) }
        #expect(read.count == rows.count, "\(symbol)")
        let outcome = review.review(read, symbol: symbol, memory: nil, now: .epoch)
        #expect(outcome.outgoing.count == rows.count)
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "Africa/Cairo")
        formatter.dateFormat = "yyyy-MM-dd'T'HH:mm:ss"
        let utc = DateFormatter()
        utc.locale = Locale(identifier: "en_US_POSIX")
        utc.timeZone = TimeZone(identifier: "UTC")
        utc.dateFormat = "yyyy-MM-dd HH:mm:ss"
        for (row, out) in zip(rows, outcome.outgoing) {
          let message = try MarketBar(decoding: out.bar.encoded())
          guard case .candle(let candle) = message.values else { Issue.record("no candle"); return }
          let written = [candle.open, candle.high, candle.low, candle.close].map { "\($0)" }
          #expect(written == Array(row[1...4]))
          #expect(candle.volume == ExactDecimal(row[5]))
          let expected =
            interval == .daily ? "\(row[0])T00:00:00" : utc.date(from: row[0]).map(formatter.string) ?? ""
          if "\(message.datetime)" != expected { Issue.record("\(symbol) \(row[0]): \(message.datetime)"); return }
        }
      }
    }
  }

  // MARK: - JSON

  @Test func jsonOfThreeShapes() throws {
    let expected = [bar(1_755_043_200, "90.5", "91.2", "90.1", "90.8", "5")]
    let objects = try JSONMapping(
      shape: .objects, rows: "data.bars", fields: "time=t,open=o,high=h,low=l,close=c,volume=v")
    #expect(
      try objects.bars(Array(
        #"{"x":1,"data":{"bars":[{"t":1755043200000,"o":90.5,"h":"91.2","l":90.1,"c":90.8,"v":5},{"t":1,"o":null}]}}"#
          .utf8)).bars == expected)
    let arrays = try JSONMapping(shape: .arrays, rows: "", fields: "volume=6")
    #expect(try arrays.bars(Array(#"[["2025-08-13T00:00:00Z",90.5,91.2,90.1,90.8,"x",5]]"#.utf8)).bars == expected)
    let columns = try JSONMapping(shape: .columns, rows: "", fields: "time=t,open=o,high=h,low=l,close=c,volume=v")
    #expect(
      try columns.bars(Array(
        #"{"s":"ok","t":[1755043200,2],"o":[90.5,null],"h":[91.2,1],"l":[90.1,1],"c":[90.8,1],"v":[5,1]}"#.utf8))
        == BarAnswer(bars: expected))
    #expect(throws: SourceError.self) { try objects.bars(Array("{}".utf8)) }
    #expect(throws: SourceError.self) { try columns.bars(Array("<html>".utf8)) }
    #expect(throws: Failure.self) { try JSONMapping(shape: .objects, rows: "", fields: "price=p") }
  }

  @Test func anUnreadableJSONRowIsLostAlone() throws {
    let objects = try JSONMapping(shape: .objects, rows: "", fields: "")
    func row(_ time: String, _ close: String) -> String {
      "{\"time\":\(time),\"open\":1,\"high\":2,\"low\":1,\"close\":\(close)}"
    }
    let rows = [
      row("1", "\"x\""), row("86400", "2"), row("\"soon\"", "2"), "7", "[]", "{\"open\":1}", row("172800", "null"),
      row("259200", "{}"), row("\"345600\"", "\"2.50\""),
    ]
    let reading = try objects.bars(Array("[\(rows.joined(separator: ","))]".utf8))
    #expect(reading.bars.map { "\($0.time) \($0.candle.close)" } == ["86400 2", "345600 2.50"])
    #expect(reading.lost.count == 6 && reading.lost.first == "row 1: close cannot be read")
    #expect(throws: SourceError.self) { try objects.bars(Array("[\(rows[0])]".utf8)) }
  }

  @Test func theJSONSourceFillsInItsTemplate() async throws {
    let server = try HostileServer { request, connection in
      if request.path.contains("NONE") { return connection.answer("404 Not Found") }
      if request.headers["authorization"] != "Bearer s3cret" { return connection.answer("401 Unauthorized") }
      connection.answer("200 OK", body: #"[{"time":"2025-01-20","open":1,"high":2,"low":1,"close":1.50}]"#)
    }
    let client = try HTTPOptions.parse(["--allow-private-addresses"]).makeClient()
    defer { client.close() }
    let source = JSONSource(
      template: "\(server.url)/bars?s={exchange}:{symbol}&r={resolution}&n={count}", exchange: "EGX",
      mapping: try JSONMapping(shape: .objects, rows: "", fields: ""), client: client, limits: HTTPLimits(),
      token: "s3cret", pace: Pace(gap: .zero, drain: Interruption()), now: { 1_737_400_000 })
    let delivered = Delivered()
    try await source.fetch([request("NONE"), request("A B")]) { delivered.take($0, $1) }
    #expect(delivered.failure("NONE")?.kind == .symbolRefused)
    #expect(delivered.bars("A B").first?.candle.close.description == "1.50")
    #expect(server.requests.last?.path == "/bars?s=EGX:A%20B&r=1D&n=10")
    #expect(!source.label.contains("bars"))
  }

  @Test func locationsAreReadStrictly() throws {
    #expect(try SourceLocation("tradingview://") == .tradingView(SourceLocation.tradingView))
    #expect(try SourceLocation("csv:/data/bars") == .csv(path: "/data/bars"))
    #expect(try SourceLocation("replay:///data/bars") == .replay(path: "/data/bars"))
    for text in ["", "ftp://x", "https://x/y", "csv:", "csv://host/x", "tradingview+ws://u@h", "tradingview://h:0"] {
      #expect(throws: Failure.self, "\(text)") { try SourceLocation(text) }
    }
  }
}
