import Messages
@testable import OptionsDetectorService
import Testing

@Suite struct SideTests {
  /// What the quote of the time says of the side: price, bid, ask, age of the quote in milliseconds.
  @Test(arguments: [
    (1.10, 1.00, 1.10, 0, OptionsFlow.Side.buy, 1.0), (1.20, 1.00, 1.10, 0, .buy, 1), (1.00, 1.00, 1.10, 0, .sell, 1),
    (0.90, 1.00, 1.10, 0, .sell, 1), (1.05, 1.00, 1.10, 0, .unknown, 0), (1.055, 1.00, 1.10, 0, .unknown, 0),
    (1.075, 1.00, 1.10, 0, .buy, 0.5), (1.025, 1.00, 1.10, 0, .sell, 0.5),
    // Twice as old as is fresh enough; later than the print.
    (1.10, 1.00, 1.10, 4_000, .buy, 0.5), (1.10, 1.00, 1.10, -1, .buy, 0.5),
    // Locked, crossed, without a bid, without an ask.
    (1.00, 1.00, 1.00, 0, .unknown, 0), (1.01, 1.00, 1.00, 0, .buy, 1), (1.00, 1.10, 1.00, 0, .unknown, 0),
    (0.05, 0.00, 0.05, 0, .buy, 1), (0.05, 0.00, 0.00, 0, .unknown, 0),
  ])
  func aSideHasAConfidence(
    _ price: Double, _ bid: Double, _ ask: Double, _ age: Int64, _ side: OptionsFlow.Side, _ confidence: Double
  ) {
    let found = SideOfPrint(price: price, bid: bid, ask: ask, age: age * 1_000_000, stale: 2_000_000_000)
    #expect(found.side == side && abs(found.confidence - confidence) < 1e-9, "\(found)")
  }

  @Test func withoutAQuoteThereIsNoSideAndWithoutItsTimeHalfAConfidence() {
    #expect(SideOfPrint(price: 1, bid: nil, ask: 1, age: 0, stale: 1).side == .unknown)
    let undated = SideOfPrint(price: 1.1, bid: 1, ask: 1.1, age: nil, stale: 1)
    #expect(undated.side == .buy && undated.confidence == 0.5)
  }

  @Test func theConditionThatCountsIsTheMostRestrictive() throws {
    let table = try ConditionTable.load(nil)
    let expected: [(conditions: [String], kind: PrintClass)] = [
      ([], .plain), ([" "], .plain), (["I"], .plain), (["209"], .plain), (["S"], .sweep), (["219"], .sweep),
      (["f"], .multiLeg), (["232"], .multiLeg), (["a"], .auction), (["A"], .cancel), (["201"], .cancel),
      (["D"], .excluded), (["204"], .excluded), (["J"], .excluded), (["I", "S"], .sweep), (["S", "f"], .multiLeg),
      (["f", "D"], .excluded), (["D", "A"], .cancel),
    ]
    for (conditions, kind) in expected {
      let found = table.read(conditions)
      #expect(found.class == kind && found.unknown.isEmpty, "\(conditions)")
    }
    let unknown = table.read(["I", "Z"])
    #expect(unknown.class == .excluded && unknown.unknown == ["Z"])
  }

  @Test func aTableThatIsNoneIsRefusedWithItsLine() throws {
    let table = try ConditionTable(csv: "code,class\n# of an exchange\nQQ , sweep , of ours\n", origin: "x.csv")
    #expect(table.read(["QQ"]).class == .sweep && table.count == 1)
    for (text, place) in [("A,sweep\nA,plain", "line 2"), ("A", "line 1"), ("\nA,sweeps", "line 2"), ("", "x.csv")] {
      let failure = #expect(throws: (any Error).self) { try ConditionTable(csv: text, origin: "x.csv") }
      #expect("\(failure.map { "\($0)" } ?? "")".contains(place), "\(text)")
    }
  }
}
