@testable import Indicators
import Testing
import TestSupport

/// Every value of every bar against TA-Lib.
@Suite(.timeLimit(.minutes(15))) struct TALibTests {
  /// Those whose truth there is.
  static let indicators = IndicatorSet.standard + [
    "sma5", "ema9", "rsi2", "macd5.35.5", "bb10.2.5", "atr3", "adx5", "stoch14.1.3", "mfi5",
    "pricedev20", "volumedev31",
  ]

  @Test(arguments: TALib.kinds, 0..<3) func everyValueIsTALibs(_ kind: String, _ seed: Int) async throws {
    let truth = try await TALib(kind, seed: seed, count: 1_200)
    let set = try IndicatorSet(Self.indicators, rules: [])
    #expect(Set(set.outputs) == Set(truth.names))
    let places = truth.names.compactMap { set.outputs.firstIndex(of: $0) }
    var series = IndicatorSeries(set, revisable: 100)
    for (index, bar) in truth.bars.enumerated() {
      let change = series.take(
        IndicatorBar(
          start: Int64(index) * 60, high: bar.high, low: bar.low, close: bar.close, volume: bar.volume),
        session: bar.session
      ) { row in
        for (number, name) in truth.names.enumerated() {
          let (ours, theirs) = (row.values[places[number]], bar.values[number])
          #expect(
            TALib.agree(ours, theirs, price: bar.close),
            "\(kind) \(seed), bar \(index): \(name) is \(theirs) and not \(ours)")
        }
      }
      #expect(change == .appended)
    }
    #expect(series.count == 1_200)
  }

  /// The bars at which there is a first value, as the documentation of TA-Lib's functions says.
  @Test func firstValues() throws {
    let set = try IndicatorSet(IndicatorSet.standard, rules: [])
    var firsts: [String: Int] = [:]
    var series = IndicatorSeries(set, revisable: 10)
    for index in 0..<300 {
      let close = 100 + Double(index % 7)
      series.take(
        IndicatorBar(start: Int64(index), high: close + 1, low: close - 1, close: close, volume: 10), session: 0
      ) { row in
        for (name, value) in zip(set.outputs, row.values) where !value.isNaN && firsts[name] == nil {
          firsts[name] = row.ordinal
        }
      }
    }
    #expect(firsts == [
      "sma20": 19, "sma50": 49, "sma200": 199, "ema12": 11, "ema26": 25, "rsi14": 14, "macd": 33, "macd_signal": 33,
      "macd_hist": 33, "bb_upper": 19, "bb_middle": 19, "bb_lower": 19, "atr14": 14, "adx14": 27, "stoch_k": 8,
      "stoch_d": 8, "mfi14": 14, "obv": 0, "session_vwap": 0,
    ])
  }
}
