import Core
@testable import Indicators
import Testing

@Suite struct RuleTests {
  private func fired(_ rules: [String], _ closes: [Double]) throws -> [[String]] {
    let set = try IndicatorSet(["sma2", "sma4"], rules: rules)
    var series = IndicatorSeries(set, revisable: 10)
    var fired: [[String]] = []
    for (index, close) in closes.enumerated() {
      series.take(
        IndicatorBar(start: Int64(index), high: close + 1, low: close - 1, close: close, volume: 1), session: 0
      ) { row in
        fired.append(set.rules.indices.filter { row.fired & (1 << UInt64($0)) != 0 }.map { set.rules[$0].name })
      }
    }
    return fired
  }

  /// sma2 and sma4 by hand: equal at bar 3, above at 4, still above at 5, below at 6.
  @Test func aRuleFiresWhereItBecomesTrue() throws {
    let closes: [Double] = [10, 10, 10, 10, 12, 12, 4, 4]
    #expect(try fired(["up=sma2>sma4", "down=sma2<sma4"], closes) == [[], [], [], [], ["up"], [], ["down"], []])
    // Against a number and against the bar; what is true as soon as it is known has not become true.
    #expect(try fired(["over=close>=12", "low_touch=low<=sma4"], closes) == [
      [], [], [], [], ["over"], ["low_touch"], [], [],
    ])
    #expect(try fired(["low_touch=low<=sma4", "dip=low<5"], closes)[6] == ["dip"])
  }

  @Test func whatIsWrongIsNamed() {
    for (indicators, rules) in [
      (["sma"], []), (["sma1"], []), (["smart20"], []), (["macd26.12.9"], []), (["rsi14", "rsi14"], []), ([], []),
      (["bb20.x"], []), (["obv3"], []), (["sma20"], ["x"]), (["sma20"], ["x=sma20"]), (["sma20"], ["x=sma20>sma50"]),
      (["sma20"], ["a b=sma20>1"]), (["sma20"], ["x=close>1", "x=close>2"]), (["sma20"], ["x=>1"]),
    ] as [([String], [String])] {
      let error = #expect(throws: Failure.self) { try IndicatorSet(indicators, rules: rules) }
      #expect(error?.errorClass == .configuration, "\(indicators) \(rules)")
    }
    for text in ["", "1s", "2d", "0m", "13h", "m", "01m", "1.5h"] {
      #expect(throws: Failure.self) { try BarInterval(text) }
    }
  }

  @Test func namesAreShortForTheUsualPeriods() throws {
    #expect(try IndicatorSpec("macd").outputs == ["macd", "macd_signal", "macd_hist"])
    #expect(try IndicatorSpec("macd12.26.9").outputs == IndicatorSpec("macd").outputs)
    #expect(try IndicatorSpec("macd5.35.5").outputs == ["macd5.35.5", "macd5.35.5_signal", "macd5.35.5_hist"])
    #expect(try IndicatorSpec("bb20.2.5").outputs == ["bb20.2.5_upper", "bb20.2.5_middle", "bb20.2.5_lower"])
    #expect(try IndicatorSpec("rsi").outputs == ["rsi14"])
    #expect(try IndicatorSpec("vwap").outputs == ["session_vwap"])
    let standard = try IndicatorSet(IndicatorSet.standard, rules: IndicatorSet.standardRules)
    #expect(standard.outputs.count == 19 && standard.history == 199)
  }
}
