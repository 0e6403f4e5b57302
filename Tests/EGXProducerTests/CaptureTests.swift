import Core
@testable import EGXProducerService
import Foundation
import Messages
import Testing
import TestSupport
import TradingViewSimulator
import Values
import WebSocket

/// What TradingView and others really sent, and what is right of it by their README.
@Suite(.enabled(if: Captures.folder != nil, "SOUK_REAL_DATA names no folder of captures"))
struct CaptureTests {
  let clock: ExchangeClock
  init() throws { clock = try ExchangeClock() }

  /// Asks for these symbols of a capture, in this order, over one source.
  private func replay(
    _ name: String, _ symbols: [String], _ interval: BarInterval = .daily, live: Bool = false, until count: Int = 0,
    _ check: @Sendable (Delivered, TradingViewSimulator, SourceError?) throws -> Void
  ) async throws {
    var script = SimulatorScript(bars: [:])
    for symbol in symbols {
      script.faults[symbol] = .replay(try Captures.messages(name, symbol == "DEFAULT" ? "default" : symbol))
    }
    let (final, clock) = (script, clock)
    try await TradingViewSimulator.serving(final) { simulator in
      guard case .tradingView(let address) = try SourceLocation(simulator.url) else { return }
      var settings = TradingViewSettings(url: address)
      settings.live = live
      settings.answerTime = .seconds(120)
      let drain = Interruption()
      let source = TradingViewSource(
        settings: settings, clock: clock, pace: Pace(gap: .zero, drain: drain), drain: drain)
      let delivered = Delivered()
      let requests = symbols.map { BarRequest(symbol: $0, interval: interval, count: 10) }
      let task = Task { try await source.fetch(requests) { delivered.take($0, $1) } }
      if live {
        try await eventually("\(count) deliveries") { delivered.items.count >= count }
        drain.raise()
      }
      var failure: SourceError?
      do { try await task.value } catch let error as SourceError { failure = error }
      try check(delivered, simulator, failure)
    }
  }

  private static let apple = ["305.93", "305.59", "310.03", "316.83", "311.3"]

  private static func closes(_ bars: [SourceBar]) -> [ExactDecimal?] { bars.map { $0.candle.close } }
  private static func decimals(_ texts: [String]) -> [ExactDecimal?] { texts.map { ExactDecimal($0) } }

  @Test(arguments: ["01", "02", "05"]) func serverMessagesAreReadWhole(_ name: String) async throws {
    try await replay(name, ["DEFAULT"]) { delivered, simulator, failure in
      let bars = delivered.bars("DEFAULT")
      #expect(failure == nil)
      #expect(Self.closes(bars) == Self.decimals(Self.apple))
      #expect(bars.map(\.time) == [1_786_714_200, 1_786_973_400, 1_787_059_800, 1_787_146_200, 1_787_232_600])
      #expect(simulator.heartbeatsAnswered == (name == "01" ? 0 : 1))
      #expect(delivered.items.allSatisfy { (try? $0.answer.get().lost.count) == 0 })
    }
  }

  @Test(arguments: [
    ("03", "NOPE", "invalid symbol"), ("04", "FAIL", "invalid symbol"),
    ("07", "USM2", "permission denied, group, economics_paid"), ("08", "SECS", "seconds_not_entitled"),
    ("08", "NDFI", "unsupported resolution: INDEX:NDFI, 5"), ("08", "CUST", "custom_resolution"),
    ("08", "SPREAD", "study_not_auth:BarSetSpread@tv-prostudies-76"),
  ])
  func aRefusedSymbolKeepsTheServersReason(name: String, symbol: String, words: String) async throws {
    try await replay(name, [symbol, "DEFAULT"]) { delivered, simulator, failure in
      #expect(failure == nil)
      #expect(delivered.failure(symbol)?.message.contains(words) == true, "\(delivered.items)")
      #expect(Self.closes(delivered.bars("DEFAULT")) == Self.decimals(Self.apple))
      // A critical error of a session of quotes (04) is none of ours.
      #expect(simulator.connections == 1)
    }
  }

  @Test(arguments: [
    ("10", "LIMIT", SourceError.Kind.sessionFailed, "exceed limit of series in the session"),
    ("11", "UNK", .protocolBroken, "unknown_session_id"), ("12", "DEFAULT", .tokenRefused, "bad auth token"),
  ])
  func whatEndsTheConnectionSaysWhy(
    name: String, symbol: String, kind: SourceError.Kind, words: String
  ) async throws {
    try await replay(name, [symbol]) { _, _, failure in
      #expect(failure?.kind == kind)
      #expect(failure?.message.contains(words) == true)
      #expect(failure?.message.contains("\n") == false)
    }
  }

  @Test func digitsAndMissingVolumesAreKept() async throws {
    try await replay("06", ["DEFAULT"]) { delivered, _, _ in
      #expect(Self.closes(delivered.bars("DEFAULT")) == Self.decimals(["999937522.01", "1045646253.41"]))
      #expect(delivered.bars("DEFAULT").allSatisfy { $0.candle.volume == nil })
    }
    try await replay("14", ["DEFAULT"], .minute) { delivered, _, _ in
      let bars = delivered.bars("DEFAULT")
      #expect(bars.first?.candle.open == ExactDecimal("13.82622381"))
      #expect(bars.map { $0.candle.volume } == Self.decimals(
        ["13742.00234359", "6.87100117", "38616.40078572", "274.84004687", "4.1226007"]))
      #expect(bars.compactMap { clock.stamp($0, .minute).map { "\($0.observedAt)" } } == [
        "2024-11-24T10:37:00+02:00", "2024-11-24T11:33:00+02:00", "2024-11-24T13:29:00+02:00",
        "2024-11-24T14:29:00+02:00", "2024-11-25T10:04:00+02:00",
      ])
    }
    try await replay("26", ["DEFAULT"]) { delivered, _, _ in
      let dates = delivered.bars("DEFAULT").compactMap { clock.stamp($0, .daily).map { "\($0.datetime)" } }
      #expect(dates == ["2026-09-22T00:00:00", "2026-09-23T00:00:00", "2026-09-24T00:00:00"])
    }
  }

  @Test(arguments: [("13l", "6335", "6325"), ("28l", "1721.74", "1721.18")])
  func updatesAreLive(name: String, last: String, first: String) async throws {
    try await replay(name, ["DEFAULT"], .minute, live: true, until: 2) { delivered, _, _ in
      let bars = delivered.bars("DEFAULT")
      #expect(bars.first?.candle.close == ExactDecimal(first))
      #expect(bars.last?.candle.close == ExactDecimal(last))
    }
  }

  @Test func anEmptySeriesIsNoFailure() async throws {
    try await replay("25", ["EMPTY", "NOTHING"]) { delivered, _, failure in
      #expect(failure == nil)
      let answers = try delivered.items.map { try $0.answer.get() }
      #expect(answers == [BarAnswer(bars: []), BarAnswer(bars: [])])
    }
  }

  // MARK: - files

  private func bars(
    _ path: String, columns: String = "", dates: String? = nil, interval: BarInterval = .daily
  ) throws -> [SourceBar] {
    let bytes = try readFile(path)
    let format = try CSVFormat(columns: columns, dates: dates, mark: nil, isIntraday: interval.isIntraday)
    var file = try CSVBars(bytes, name: path, format: format)
    var bars: [SourceBar] = []
    while let bar = try file.next() { bars.append(bar) }
    #expect(file.lost.count == 0, "\(file.lost)")
    return bars
  }

  @Test func exportsAreReadOrRefusedWithAnAdvice() throws {
    let folder = try #require(Captures.folder)
    let investing = "\(folder)/case-16/EGX30.csv"
    let refusal = #expect(throws: SourceError.self) { try bars(investing) }
    #expect(refusal?.message.contains("--csv-dates MM/DD/YYYY") == true, "\(String(describing: refusal))")
    let read = try bars(investing, dates: "MM/DD/YYYY")
    #expect(read.map { "\($0.candle.close) \($0.candle.volume ?? .zero)" } == [
      "28653.85 247020000", "28340.42 156300000", "27828.92 151670000",
    ])
    #expect(read.compactMap { clock.stamp($0, .daily).map { "\($0.datetime)" } }.first == "2024-07-18T00:00:00")
    let mubasher = try bars("\(folder)/case-22/COMI.csv")
    #expect(mubasher.map { "\($0.candle.open) \($0.candle.close) \($0.candle.volume ?? .zero)" } == [
      "84.94 84.94 2025164",
    ])
    let yfinance = try bars("\(folder)/case-23/NVDA.csv")
    #expect(yfinance.map { "\($0.candle.open) \($0.candle.close)" } == ["48.00 48.17", "47.90 47.58"])
    #expect(yfinance.allSatisfy { $0.isDate })
    let stooq = try bars("\(folder)/case-24/7203.csv")
    #expect(stooq.map { "\($0.candle.close) \($0.candle.volume ?? .zero) \($0.isDate)" } == ["3067 19390900 true"])
    #expect(try bars("\(folder)/case-18/EXPA.csv", interval: .minute).count == 4)
  }

  @Test func aDayOfNullsIsLostAlone() throws {
    let read = try bars("\(try #require(Captures.cases))/csv-null/YNUL.csv")
    #expect(read.map { "\($0.candle.close)" } == ["10.75", "11.00"])
  }
}
