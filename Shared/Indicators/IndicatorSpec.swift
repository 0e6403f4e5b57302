import Core

/// One indicator with its parameters, as people write it: `sma20`, `macd12.26.9`, `bb20.2`.
///
/// Definitions, seeds and the index of the first value are TA-Lib's (ta-lib.org, 0.8.1, without unstable periods); the
/// session's volume-weighted average price is not in TA-Lib: sum of typical price times volume over that of volumes.
/// Nor are the robust deviations: how far the change of the close, or the volume, is from the median of the bars
/// before, in standard deviations as the median of the absolute differences estimates them (times 1.4826;
/// P. J. Rousseeuw and C. Croux, "Alternatives to the Median Absolute Deviation", 1993).
package struct IndicatorSpec: Hashable, Sendable, CustomStringConvertible {
  package enum Kind: String, CaseIterable, Sendable {
    case sma, ema, rsi, macd, bb, atr, adx, stoch, mfi, obv, vwap, pricedev, volumedev

    /// Of each parameter: what it is when none is written, and what it may be.
    var parameters: [(standard: Double, range: ClosedRange<Double>)] {
      let period = 2.0...1_000
      return switch self {
      case .sma, .ema: [(20, period)]
      case .rsi, .atr, .adx, .mfi: [(14, period)]
      case .macd: [(12, period), (26, period), (9, 1...1_000)]
      case .bb: [(20, period), (2, 0.1...10)]
      case .stoch: [(5, 1...1_000), (3, 1...100), (3, 1...100)]
      case .pricedev, .volumedev: [(60, 10...120)]
      case .obv, .vwap: []
      }
    }

    /// The endings of its values' names.
    var endings: [String] {
      switch self {
      case .macd: ["", "_signal", "_hist"]
      case .bb: ["_upper", "_middle", "_lower"]
      case .stoch: ["_k", "_d"]
      default: [""]
      }
    }
  }

  package let kind: Kind
  package let parameters: [Double]

  /// - Throws: `Failure(.configuration)` that names what is wrong.
  package init(_ text: some StringProtocol) throws(Failure) {
    let letters = text.prefix { $0.isLetter }
    guard let kind = Kind(rawValue: String(letters)) else {
      let known = Kind.allCases.map(\.rawValue).joined(separator: ", ")
      throw Self.invalid("there is no indicator '\(text)'; there are \(known), with periods behind as in rsi14")
    }
    let words = text.dropFirst(letters.count)
    let allowed = kind.parameters
    // The last parameter of the bands may have a fraction: bb20.2.5.
    var numbers: [Substring] = String(words).split(separator: ".", omittingEmptySubsequences: false)
    if kind == .bb, numbers.count == 3 { numbers = [numbers[0], Substring("\(numbers[1]).\(numbers[2])")] }
    if words.isEmpty { numbers = [] }
    var parameters = allowed.map(\.standard)
    guard numbers.count <= allowed.count, !(numbers.isEmpty && [.sma, .ema].contains(kind)) else {
      throw Self.invalid("'\(text)' has another number of parameters than \(kind.rawValue) takes")
    }
    for (index, number) in numbers.enumerated() {
      guard let value = Double(number), allowed[index].range.contains(value),
        value == value.rounded() || (kind == .bb && index == 1)
      else { throw Self.invalid("'\(text)': '\(number)' is not within \(allowed[index].range)") }
      parameters[index] = value
    }
    if kind == .macd, parameters[0] >= parameters[1] {
      throw Self.invalid("'\(text)': the first period must be shorter than the second")
    }
    self.kind = kind
    self.parameters = parameters
  }

  private static func invalid(_ text: String) -> Failure { Failure(.configuration, code: "invalid_indicator", text) }

  /// The text that gives the same indicator, with all parameters.
  package var description: String {
    kind.rawValue + parameters.map { $0 == $0.rounded() ? "\(Int($0))" : "\($0)" }.joined(separator: ".")
  }

  /// The names of its values. Those of the usual parameters of an indicator with several values have none:
  /// `macd_signal`, `bb_upper`.
  package var outputs: [String] {
    // The provider's bars have a vwap of their own, of one bar.
    if kind == .vwap { return ["session_vwap"] }
    let isUsual = kind.endings.count > 1 && zip(parameters, kind.parameters).allSatisfy { $0 == $1.standard }
    return kind.endings.map { (isUsual ? kind.rawValue : description) + $0 }
  }

  func period(_ index: Int = 0) -> Int { Int(parameters[index]) }

  /// Numbers that it remembers from bar to bar.
  var registers: Int {
    switch kind {
    case .pricedev, .volumedev: 0
    case .sma, .ema, .bb, .atr, .obv: 1
    case .rsi: 2
    case .macd, .mfi, .vwap: 3
    case .adx: 4
    case .stoch: 2 + period(1) + period(2)
    }
  }

  /// Bars before the current one that it looks back at.
  var history: Int {
    switch kind {
    case .ema, .macd, .vwap: 0
    case .rsi, .atr, .adx, .obv: 1
    case .sma, .bb: period() - 1
    case .stoch: period() - 1
    case .mfi, .pricedev: period() + 1
    case .volumedev: period()
    }
  }
}
