import Core

/// Indicators and rules that are computed together, bar by bar.
///
/// Everything that is remembered from bar to bar is one row of numbers, the registers: first the values of the last
/// bar, then what each indicator needs for the next one, then whether each rule held. Windows are not remembered twice:
/// indicators look back at the bars themselves. So a state is a row of numbers and some bars, and the same operations
/// in the same order give the same bits wherever a series is split.
package final class IndicatorSet: Sendable {
  package let specs: [IndicatorSpec]
  package let rules: [SignalRule]
  /// The names of the values, in the order of the registers.
  package let outputs: [String]
  /// Numbers of a state.
  package let registers: Int
  /// Bars before the current one that have to be there.
  package let history: Int
  let steps: [IndicatorStep]
  let conditions: [Condition]

  /// A rule with the places of its operands.
  struct Condition: Sendable {
    let rule: SignalRule
    let left, right: Place
    /// The register that says whether it held: 0 unknown, 1 no, 2 yes.
    let state: Int
  }
  enum Place: Sendable { case bar(Int), register(Int), number(Double) }

  package static let mostRules = 64
  package static let standard = [
    "sma20", "sma50", "sma200", "ema12", "ema26", "rsi14", "macd12.26.9", "bb20.2", "atr14", "adx14", "stoch5.3.3",
    "mfi14", "obv", "vwap",
  ]
  package static let standardRules = [
    "golden_cross=sma50>sma200", "death_cross=sma50<sma200", "rsi_overbought=rsi14>70", "rsi_oversold=rsi14<30",
    "macd_bullish=macd>macd_signal", "macd_bearish=macd<macd_signal", "bb_touch_upper=high>=bb_upper",
    "bb_touch_lower=low<=bb_lower", "adx_trend=adx14>25", "stoch_overbought=stoch_k>80", "stoch_oversold=stoch_k<20",
    "mfi_overbought=mfi14>80", "mfi_oversold=mfi14<20", "above_vwap=close>session_vwap",
    "below_vwap=close<session_vwap",
  ]

  /// - Throws: `Failure(.configuration)` for an unknown indicator, a rule about a value that is not computed, and names
  ///   that are there twice.
  package init(_ indicators: [String], rules texts: [String]) throws(Failure) {
    var specs: [IndicatorSpec] = []
    for text in indicators { specs.append(try IndicatorSpec(text)) }
    self.specs = specs
    let outputs = specs.flatMap(\.outputs)
    self.outputs = outputs
    guard !specs.isEmpty, Set(outputs).count == outputs.count else {
      throw Failure(.configuration, code: "invalid_indicator", "name at least one indicator, and each once")
    }
    var rules: [SignalRule] = []
    for text in texts { rules.append(try SignalRule(text)) }
    self.rules = rules
    guard rules.count <= Self.mostRules, Set(rules.map(\.name)).count == rules.count else {
      throw Failure(
        .configuration, code: "invalid_rule", "at most \(Self.mostRules) rules, and each name once")
    }
    var (next, output) = (outputs.count, 0)
    var steps: [IndicatorStep] = []
    for spec in specs {
      steps.append(IndicatorStep(spec, output: output, state: next))
      output += spec.outputs.count
      next += spec.registers
    }
    self.steps = steps
    func place(_ operand: SignalRule.Operand, _ rule: SignalRule) throws(Failure) -> Place {
      switch operand {
      case .high: return .bar(0)
      case .low: return .bar(1)
      case .close: return .bar(2)
      case .volume: return .bar(3)
      case .number(let number): return .number(number)
      case .value(let name):
        guard let index = outputs.firstIndex(of: name) else {
          throw Failure(
            .configuration, code: "invalid_rule",
            "the rule '\(rule)' needs '\(name)', which is not computed; there are \(outputs.joined(separator: ", "))")
        }
        return .register(index)
      }
    }
    var conditions: [Condition] = []
    for rule in rules {
      conditions.append(Condition(
        rule: rule, left: try place(rule.left, rule), right: try place(rule.right, rule), state: next))
      next += 1
    }
    self.conditions = conditions
    registers = next
    history = specs.map(\.history).max() ?? 0
  }

  /// The same text means the same registers.
  package var text: String {
    (specs.map(\.description) + rules.map(\.description)).joined(separator: ",")
  }

  /// Before the first bar.
  package var blank: [Double] {
    var registers = [Double](repeating: 0, count: registers)
    for index in outputs.indices { registers[index] = .nan }
    return registers
  }

  /// Takes one bar in.
  ///
  /// - Parameters:
  ///   - registers: the state before it, and after it.
  ///   - bar: high, low, close and volume of the bar, behind those of `history` bars before it, or of all.
  ///   - session: of the bar; the volume-weighted average price begins anew where it changes.
  ///   - ordinal: bars of the series before it.
  /// - Returns: the rules that fire, by their bits.
  @inline(__always)
  func update(
    _ registers: UnsafeMutablePointer<Double>, _ bar: UnsafePointer<Double>, session: Int64, ordinal: Int
  ) -> UInt64 {
    steps.withUnsafeBufferPointer { steps in
      for index in 0..<steps.count { steps[index].update(registers, bar, session, ordinal) }
    }
    return conditions.withUnsafeBufferPointer { conditions in
      var fired: UInt64 = 0
      for index in 0..<conditions.count {
        let left = value(conditions[index].left, registers, bar)
        let right = value(conditions[index].right, registers, bar)
        let state = registers + conditions[index].state
        guard !left.isNaN, !right.isNaN else {
          state.pointee = 0
          continue
        }
        let holds = conditions[index].rule.holds(left, right)
        if holds, state.pointee == 1 { fired |= 1 << UInt64(index) }
        state.pointee = holds ? 2 : 1
      }
      return fired
    }
  }

  @inline(__always)
  private func value(_ place: Place, _ registers: UnsafePointer<Double>, _ bar: UnsafePointer<Double>) -> Double {
    switch place {
    case .bar(let column): bar[column]
    case .register(let index): registers[index]
    case .number(let number): number
    }
  }

  /// Left and right side of a rule, from the values of a bar.
  package func sides(of rule: Int, _ row: SignalRow) -> (left: Double, right: Double) {
    func side(_ place: Place) -> Double {
      switch place {
      case .bar(let column): row.bar[column]
      case .register(let index): row.values[index]
      case .number(let number): number
      }
    }
    return (side(conditions[rule].left), side(conditions[rule].right))
  }
}

/// What one bar gave; lives for the call that it is handed to.
package struct SignalRow {
  /// Seconds since 1970, UTC.
  package let start: Int64
  /// Bars of the series before it.
  package let ordinal: Int
  /// High, low, close, volume.
  package let bar: UnsafeBufferPointer<Double>
  /// NaN where there is no value yet.
  package let values: UnsafeBufferPointer<Double>
  /// The rules that fire, by their bits.
  package let fired: UInt64

  package init(
    start: Int64, ordinal: Int, bar: UnsafeBufferPointer<Double>, values: UnsafeBufferPointer<Double>, fired: UInt64
  ) {
    (self.start, self.ordinal, self.bar, self.values, self.fired) = (start, ordinal, bar, values, fired)
  }
}
