import Core
import Messages
import Operations
import Testing
import Values

@testable import GatewayService

/// What the figures of the board are made of, without a server.
@Suite struct BoardFigureTests {
  // MARK: - prices

  @Test func theCheapestStoreOfAChainCounts() {
    var steps = PriceSteps()
    steps.change(of: "1", from: 5, since: 10, to: 7, at: 30)
    steps.now(of: "1", 7, since: 30)
    steps.now(of: "2", 6, since: 20)
    #expect(steps.cheapest == [.init(time: 10, price: 5), .init(time: 30, price: 6)])
    // One that went to 4 and is not for sale any more: its last price does not count.
    steps.change(of: "3", from: 4, since: 15, to: 1, at: 25)
    #expect(steps.cheapest == [
      .init(time: 10, price: 5), .init(time: 15, price: 4), .init(time: 25, price: 5), .init(time: 30, price: 6),
    ])
    #expect(PriceSteps().cheapest.isEmpty)
  }

  @Test func aTimeWithoutFilesIsDrawnApart() {
    let steps = [PriceSteps.Step(time: 0, price: 1), .init(time: 50, price: 2)]
    let lines = PriceSteps.lines(steps, silences: [20...30, 45...60], until: 100)
    #expect(lines.map(\.isGap) == [false, true, false, true, false])
    #expect(lines.map { $0.points.map(\.time) } == [[0, 20], [20, 30], [30, 45], [45, 50, 50, 60], [60, 100]])
    #expect(lines[3].points.map(\.price) == [1, 1, 2, 2])
    #expect(PriceSteps.lines(steps, silences: [], until: 100).count == 1)
    #expect(PriceSteps.lines([.init(time: 0, price: 1), .init(time: 5, price: nil)], silences: [], until: 9).count == 1)
    #expect(PriceSteps.lines([], silences: [], until: 9).isEmpty)
  }

  @Test func aBasketIsPricedExactly() throws {
    func offer(_ product: Int, _ chain: String, _ store: String, _ price: String) throws -> Basket.Offer {
      .init(product: product, chain: chain, store: store, price: try #require(ExactDecimal(approximating: price)))
    }
    let basket = Basket(of: 2, [
      try offer(0, "a", "1", "5.90"), try offer(1, "a", "1", "3.10"), try offer(0, "a", "2", "0.10"),
      try offer(0, "b", "1", "5.80"), try offer(1, "b", "1", "3.20"), try offer(1, "c", "1", "0.20"),
    ])
    // Store 2 of a lacks one, so store 1 is the best of a; both chains cost the same.
    #expect(basket.chains.map { [$0.chain, $0.store, "\($0.total)", "\($0.missing)"] } == [
      ["a", "1", "9.00", "0"], ["b", "1", "9.00", "0"], ["c", "1", "0.20", "1"],
    ])
    #expect(basket.cheapest.map { $0?.chain } == ["a", "c"] && basket.splitTotal == ExactDecimal(approximating: "0.30"))
    #expect(Basket(of: 2, [try offer(0, "a", "1", "1")]).splitTotal == nil)
    #expect(Basket(of: 1, []).chains.isEmpty)
  }

  @Test func wordsOfASearchAreNoPatterns() {
    #expect(Gateway.patterns(" חלב  3%_\\ ") == ["%חלב%", "%3\\%\\_\\\\%"])
    #expect(Gateway.patterns("  ").isEmpty)
  }

  // MARK: - forecasts

  @Test func quantilesAreIntervalsAboutTheMiddle() {
    let step = [(0.1, 1.0), (0.25, 2.0), (0.5, 3.0), (0.75, 4.0), (0.9, 5.0)].map { (probability: $0.0, value: $0.1) }
    let bands = Fan.bands([step, step])
    #expect(bands.map { ($0.promised * 100).rounded() } == [80, 50])
    #expect(bands.map(\.lower) == [[1, 1], [2, 2]] && bands.map(\.upper) == [[5, 5], [4, 4]])
    #expect(Fan.bands([step, Array(step.dropFirst())]).isEmpty, "steps of different quantiles make no band")
    #expect(Fan.bands([]).isEmpty)
  }

  @Test func coverageThatIsOffByMoreThanTenPointsIsMarked() {
    for (promised, reached, count, text, tone) in [
      (80, 62.5, 100, "too narrow: 17.5 points off", .bad), (80, 95, 100, "too wide: 15.0 points off", .bad),
      (80, 70, 100, "hold", .good), (80, 90, 20, "hold", .good), (80, 0, 19, "only 19 values", .faint),
      (.nan, .nan, 100, "no intervals", .plain), (80, 80, 0, "no intervals", .plain),
    ] as [(Double, Double, Int, String, Tone)] {
      let verdict = Board.verdict(promised: promised, reached: reached, of: count)
      #expect(verdict.text == text && verdict.tone == tone)
    }
  }

  // MARK: - markets

  @Test func whatIsMissingBetweenBarsTakesAPlace() {
    let minute = 60_000.0, day = ["2026-03-02", "2026-03-02", "2026-03-02", "2026-03-03"]
    // A minute without trades takes none, half an hour of a session does, a night does not.
    let starts = [0, 2 * minute, 40 * minute, 1_000 * minute]
    let slots = Candles.slots(starts, dates: day, gaps: [], length: minute)
    #expect(slots == [.bar(0), .bar(1)] + Array(repeating: .gap, count: 6) + [.bar(2), .bar(3)])
    // A gap that is known does, however short, and also through a night.
    let gaps = [minute...1.5 * minute, 500 * minute...501 * minute]
    let known = Candles.slots(starts, dates: day, gaps: gaps, length: minute)
    #expect(known.prefix(3) == [.bar(0), .gap, .bar(1)] && known.suffix(2) == [.gap, .bar(3)])
    #expect(Candles.slots([], dates: [], gaps: [], length: minute).isEmpty)
  }

  @Test func aMeanSaysHowSureItIs() throws {
    let mean = try #require(Board.mean([(1, 1), (0, 1), (0.5, 2)]))
    #expect(mean.mean == 0.5)
    // Kish: 16 / 6 stories; the spread is 0.125: 1.96 times the root of 0.125 / (16 / 6 - 1).
    #expect(abs((mean.half ?? 0) - 1.96 * (0.125 / (16.0 / 6 - 1)).squareRoot()) < 1e-12)
    #expect(Board.mean([(1, 1)])?.half == nil && Board.mean([]) == nil && Board.mean([(1, 0)]) == nil)
  }

  @Test func anAddressOfAStoryLeadsNowhereUnlessItIsPublic() {
    #expect(Link(external: "javascript:alert(1)") == nil && Link(external: " https://a") == nil)
    #expect(Link(external: "https://example.com/a")?.address == "https://example.com/a")
  }
}
