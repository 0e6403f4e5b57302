import Core
import Feeds
import Foundation
import Messages
import Testing
import Values

/// Splits and what they do to bars, against the fractions of Python.
@Suite struct SplitTests {
  private func decimal(_ text: String) throws -> ExactDecimal { try #require(ExactDecimal(text)) }

  private func split(_ date: String, _ from: String, _ to: String) throws -> StockSplit {
    StockSplit(
      symbol: "AAPL", executionDate: date, splitFrom: try decimal(from), splitTo: try decimal(to), source: "file",
      knownNs: 1)
  }

  private func bar(_ date: String, price: String = "100", volume: String = "10") throws -> FeedBarValues {
    let day = try #require(CivilDate(date)).daysSinceEpoch
    // 9:30 in New York, in winter or in summer.
    let start = (day * 86_400 + 14 * 3_600 + 1_800) * 1_000_000_000
    var bar = FeedBarValues(
      startNs: start, knownNs: start, open: try decimal(price), high: try decimal(price), low: try decimal(price),
      close: try decimal(price), volume: try decimal(volume))
    bar.vwap = bar.open
    bar.trades = 3
    return bar
  }

  @Test func onlyEarlierBarsChange() throws {
    let adjustment = try SplitAdjustment([split("2026-06-10", "1", "4"), split("2020-08-31", "1", "2")])
    let cases = [("2026-06-10", "100", "10"), ("2026-06-09", "25", "40"), ("2020-08-31", "25", "40"),
                 ("2020-08-28", "12.5", "80")]
    for (date, price, volume) in cases {
      let adjusted = try #require(adjustment.adjusted(try bar(date)))
      for value in [adjusted.open, adjusted.high, adjusted.low, adjusted.close, try #require(adjusted.vwap)] {
        #expect(try value == decimal(price), "\(date)")
      }
      #expect(try adjusted.volume == decimal(volume), "\(date)")
      #expect(try adjusted.trades == 3 && adjusted.startNs == (bar(date).startNs))
    }
  }

  /// A day's bar starts at midnight in New York: that of the execution date is behind the split.
  @Test func theDayOfTheSplitIsBehindIt() throws {
    let adjustment = try SplitAdjustment([split("2026-01-12", "1", "10")])
    for (start, price) in [("2026-01-12T05:00:00Z", "100"), ("2026-01-12T00:59:00Z", "10")] {
      var day = try bar("2026-01-12")
      let bytes = Array(start.utf8)
      day.startNs = FeedStamp.nanoseconds(rfc3339: bytes.span.bytes) ?? 0
      #expect(try adjustment.adjusted(day)?.close == decimal(price), "\(start)")
    }
  }

  @Test func laterSplitsCanBePassedOver() throws {
    let splits = [try split("2026-06-10", "1", "4"), try split("2020-08-31", "1", "2")]
    let then = try SplitAdjustment(splits, asOf: CivilDate("2026-06-09"))
    #expect(try then.adjusted(bar("2024-01-02"))?.close == decimal("100"))
    #expect(try then.adjusted(bar("2019-01-02"))?.close == decimal("50"))
    #expect(try SplitAdjustment(splits, asOf: CivilDate("2020-08-30")).isEmpty)
  }

  /// Without a split a bar keeps the digits it has.
  @Test func withoutASplitNothingIsRounded() throws {
    let bar = try bar("2026-01-02", price: "0.123456789012", volume: "1.50")
    let adjusted = try #require(try SplitAdjustment([]).adjusted(bar))
    #expect(adjusted == bar && adjusted.volume.hasSameDigits(as: bar.volume))
  }

  @Test func whatDoesNotFitIsSaid() throws {
    let many = try (1...9).map { try split("2026-01-0\($0)", "1000000000", "999999937") }
    #expect(throws: Failure.self) { try SplitAdjustment(many) }
    let reverse = try SplitAdjustment([split("2026-01-05", "1000000", "1")])
    #expect(try reverse.adjusted(bar("2025-12-01", price: "999999999999")) == nil)
  }

  @Test(
    .enabled(if: Fractions.isThere, ".souk/venv/bin/python is missing (make deps)"), .timeLimit(.minutes(10)))
  func asPythonsFractionsHaveIt() throws {
    var generator = SystemRandomNumberGenerator()
    let ratios = [
      ("1", "2"), ("1", "3"), ("2", "3"), ("7", "1"), ("1", "20"), ("1", "1.05"), ("10", "1"), ("1000", "1001"),
    ]
    var cases: [(price: String, volume: String, splits: [(String, String)])] = []
    for _ in 0..<500 {
      let scale = Int.random(in: 0...6, using: &generator)
      // Up to 10,000, so that the largest of the ratios leaves a number that fits.
      let mantissa = Int64.random(in: 1...Int64(pow(10, Double(scale + 4))), using: &generator)
      let price = try #require(ExactDecimal(mantissa: mantissa, scale: scale))
      let volume = Int64.random(in: 0...999_999, using: &generator)
      let splits = (0..<Int.random(in: 1...3, using: &generator)).map { _ in
        ratios.randomElement(using: &generator) ?? ("1", "2")
      }
      cases.append(("\(price)", "\(volume)", splits))
    }
    let expected = try Fractions.adjusted(cases)
    #expect(expected.count == cases.count)
    for (each, wanted) in zip(cases, expected) {
      let splits = try each.splits.enumerated().map { place, ratio in
        try split("2026-01-0\(place + 5)", ratio.0, ratio.1)
      }
      let adjusted = try #require(
        try SplitAdjustment(splits).adjusted(try bar("2025-12-01", price: each.price, volume: each.volume)))
      #expect(try adjusted.close == decimal(wanted.price), "\(each)")
      #expect(try adjusted.volume == decimal(wanted.volume), "\(each)")
    }
  }

  // MARK: - answers

  private func read(_ feed: Feed, _ page: String) throws -> (splits: [StockSplit], next: String?, refused: Int) {
    let since = try #require(CivilDate("2016-01-01"))
    return try SplitAnswers.read(Array(page.utf8), of: SplitQuestion(feed, ["BRK.B"], since: since), knownNs: 9)
  }

  @Test func answersOfAllProviders() throws {
    let polygon = try read(.polygonStocks, """
      {"results":[{"execution_date":"2010-01-21","split_from":1,"split_to":50,"ticker":"BRK.B","id":"x"},
      {"execution_date":"soon","split_from":1,"split_to":50,"ticker":"BRK.B"}],"status":"OK",
      "next_url":"https://api.massive.com/v3/reference/splits?cursor=a"}
      """)
    #expect(polygon.refused == 1 && polygon.next?.hasSuffix("cursor=a") == true)
    let alpaca = try read(.alpacaStocks, """
      {"corporate_actions":{"forward_splits":[{"symbol":"BRK.B","new_rate":50,"old_rate":1,"ex_date":"2010-01-21"}],
      "reverse_splits":[{"symbol":"GE","new_rate":1,"old_rate":8,"ex_date":"2021-08-02"}]},"next_page_token":null}
      """)
    let vantage = try read(.alphaVantage, """
      {"symbol":"BRK-B","data":[{"effective_date":"2010-01-21","split_factor":"50.0000"}]}
      """)
    for (feed, answer) in [(Feed.polygonStocks, polygon), (.alpacaStocks, alpaca), (.alphaVantage, vantage)] {
      let split = try #require(answer.splits.first)
      #expect(split.symbol == "BRK.B" && split.executionDate == "2010-01-21" && split.source == feed.rawValue)
      #expect(split.splitFrom == ExactDecimal(1) && split.splitTo == ExactDecimal(50))
      #expect(try StockSplit(decoding: split.encoded()) == split)
    }
    #expect(alpaca.splits.map(\.symbol) == ["BRK.B", "GE"] && alpaca.next == nil)
    #expect(try read(.polygonStocks, #"{"results":[],"status":"OK"}"#).splits.isEmpty)
    #expect(throws: FeedRefusal.self) { try read(.alphaVantage, #"{"Information":"slow down"}"#) }
    #expect(throws: FeedRefusal.self) { try read(.alpacaStocks, #"{"message":"x"}"#) }
  }
}

private enum Fractions {
  private static let python = ".souk/venv/bin/python"
  static var isThere: Bool { FileManager.default.isExecutableFile(atPath: python) }

  private static let program = """
    import sys
    from fractions import Fraction
    def rounded(value):
        whole, rest = divmod(value.numerator * 10**6, value.denominator)
        twice = 2 * rest - value.denominator
        if twice > 0 or twice == 0 and whole % 2: whole += 1
        return f'{whole // 10**6}.{whole % 10**6:06d}'
    for line in sys.stdin:
        price, volume, *ratios = line.split()
        factor = Fraction(1)
        for ratio in ratios:
            before, after = ratio.split(':')
            factor *= Fraction(before) / Fraction(after)
        print(rounded(Fraction(price) * factor), rounded(Fraction(volume) / factor))
    """

  private struct Failed: Error {}

  static func adjusted(
    _ cases: [(price: String, volume: String, splits: [(String, String)])]
  ) throws -> [(price: String, volume: String)] {
    let process = Process()
    process.executableURL = URL(filePath: python)
    process.arguments = ["-c", program]
    let (input, output) = (Pipe(), Pipe())
    (process.standardInput, process.standardOutput) = (input, output)
    try process.run()
    let lines = cases.map { each in
      "\(each.price) \(each.volume) " + each.splits.map { "\($0.0):\($0.1)" }.joined(separator: " ")
    }
    // Smaller than the pipe's buffer of 64 KiB.
    try input.fileHandleForWriting.write(contentsOf: Data((lines.joined(separator: "\n") + "\n").utf8))
    try input.fileHandleForWriting.close()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failed() }
    return text.split(separator: "\n").map { line in
      let words = line.split(separator: " ").map(String.init)
      return (words[0], words[1])
    }
  }
}
