import Core
import Messages
import Testing
import Values

@testable import SoukService

@Suite struct HotAnswersTests {
  private func truth() throws -> FeedTruth {
    func line(_ number: Int, _ kind: String, _ minute: Int64, _ price: String, close: String = "0.00") -> String {
      #"{"number":\#(number),"kind":"\#(kind)","symbol":"AAPL","event_ns":\#(minute * 60_000_000_000),"id":1,"#
        + #""price":\#(price),"size":1,"original_id":0,"high":0.00,"low":0.00,"close":\#(close),"trades":1}"#
    }
    return try FeedTruth(
      lines: [
        line(0, "trade", 1, "1.00"), line(1, "trade", 2, "2.00"), line(2, "quote", 3, "9.00"),
        line(3, "trade", 4, "3.25"), line(4, "bar", 2, "2.00", close: "2.00"),
        line(5, "revised", 2, "2.00", close: "2.50"), line(6, "correction", 5, "8.00"),
      ].joined(separator: "\n") + "\n", from: 1)
  }

  private func gap(_ state: FeedGap.State) -> FeedGap {
    var gap = FeedGap(
      feed: "alpaca-stocks", symbol: "AAPL", channels: ["trades"], fromNs: 120_000_000_000,
      toNs: state == .open ? nil : 180_000_000_000, why: .disconnected, openedNs: 0)
    gap.state = state
    gap.closedNs = state == .open ? nil : 2_300_000_000
    gap.added = 1_234
    return gap
  }

  @Test func whatWasListenedToIsTheMeasure() throws {
    let series = try #require(try truth().series["AAPL"])
    #expect(series.trades == 2 && series.price == 3.25 && series.closes == [120_000: 2.5])
  }

  @Test func equalNumbersAgreeInEightyColumns() throws {
    var store = HotStoreSide()
    store.series["AAPL"] = .init(trades: 2, price: 3.25, closes: [120_000: 2.5], revisions: [120_000: 1])
    store.gaps = [gap(.filled)]
    let answers = HotAnswers(truth: try truth(), store: store)
    #expect(answers.differences.isEmpty)
    try answers.requireAgreement()
    #expect(answers.lines.allSatisfy { $0.count <= 80 }, "\(answers.lines.filter { $0.count > 80 })")
    #expect(answers.lines.contains("A revised bar: AAPL 00:02 closed at 2.5 after 1 changes."))
    #expect(answers.lines.contains { $0.hasPrefix("AAPL") && $0.contains("00:02:00") && $0.hasSuffix("2.3 s") })
  }

  @Test func whatDiffersIsNamed() throws {
    var store = HotStoreSide()
    #expect(HotAnswers(truth: try truth(), store: store).differences.count == 1)
    store.series["AAPL"] = .init(trades: 2, price: 3.25, closes: [120_000: 2])
    #expect(throws: Failure.self) { try HotAnswers(truth: try truth(), store: store).requireAgreement() }
    store.series["AAPL"]?.closes = [120_000: 2.5]
    store.gaps = [gap(.open)]
    #expect(try HotAnswers(truth: truth(), store: store).differences == ["AAPL: a gap is open"])
  }

  /// The state of a bar that was known last, whichever object it is in.
  @Test func theArchiveIsHeldAgainstTheMarket() throws {
    func bar(_ close: String, known: Int64, _ revision: Int64) throws -> [UInt8] {
      let close = try #require(ExactDecimal(close))
      var values = FeedBarValues(
        startNs: 120_000_000_000, knownNs: known, open: close, high: close, low: close, close: close, volume: close)
      values.revision = revision
      return FeedBar(symbol: "AAPL", feed: "alpaca-stocks", interval: "1m", values: values).encoded()
    }
    func trade(_ price: String, at time: Int64) -> [UInt8] {
      var tick = FeedTick(.trade, symbol: "AAPL", feed: "alpaca-stocks", eventNs: time, knownNs: time)
      tick[\.price] = ExactDecimal(price)
      return tick.encoded()
    }
    var archive = ArchiveSide()
    for bytes in [try bar("2.5", known: 9, 1), try bar("2", known: 9, 0), try bar("1", known: 8, 3)] {
      try archive.add(bar: bytes)
    }
    for bytes in [trade("3.25", at: 9), trade("2", at: 8)] { try archive.add(tick: bytes) }
    var store = HotStoreSide()
    // With a bar of another day, which a schedule brought.
    store.series["AAPL"] = .init(trades: 2, price: 3.25, closes: [120_000: 2.5, 990_000: 1])
    let answers = HotAnswers(truth: try truth(), store: store, archive: archive)
    #expect(answers.differences.isEmpty, "\(answers.differences)")
    #expect(answers.lines.allSatisfy { $0.count <= 80 })
    archive.series["AAPL"]?.trades = 3
    #expect(HotAnswers(truth: try truth(), store: store, archive: archive).differences.count == 1)
  }

  @Test func theLiveBlockFitsTheTerminal() {
    let prices = (0..<20).map { (symbol: "SYM\($0)", price: $0 == 3 ? nil : "1234.5") }
    for gaps in [[], [gap(.open)], [gap(.filled)]] {
      let lines = HotAnswers.live(prices, gaps)
      #expect(lines.allSatisfy { $0.count <= 80 })
      #expect(lines.joined().contains("SYM19 1234.5") && lines.joined().contains("SYM3 -"))
    }
    #expect(HotAnswers.live(prices, [gap(.open)]).last?.contains("open since 00:02:00 UTC for 1 symbols") == true)
  }
}
