import Core

/// A condition on values of one bar. It fires on the bar on which it becomes true: `golden_cross=sma50>sma200` fires
/// where the shorter average has come above the longer one.
package struct SignalRule: Hashable, Sendable, CustomStringConvertible {
  package enum Comparison: String, Sendable { case above = ">", atLeast = ">=", below = "<", atMost = "<=" }

  package enum Operand: Hashable, Sendable, CustomStringConvertible {
    /// Of the bar.
    case high, low, close, volume
    /// By its name.
    case value(String)
    case number(Double)

    init(_ text: Substring) {
      self = switch text {
      case "high": .high
      case "low": .low
      case "close": .close
      case "volume": .volume
      default: Double(text).map { .number($0) } ?? .value(String(text))
      }
    }

    package var description: String {
      switch self {
      case .high: "high"
      case .low: "low"
      case .close: "close"
      case .volume: "volume"
      case .value(let name): name
      case .number(let number): number == number.rounded() ? "\(Int(number))" : "\(number)"
      }
    }
  }

  package let name: String
  package let left, right: Operand
  package let comparison: Comparison

  /// - Parameter text: `name=left>right`; also `>=`, `<`, `<=`.
  /// - Throws: `Failure(.configuration)` that names what is wrong.
  package init(_ text: String) throws(Failure) {
    let invalid = Failure(
      .configuration, code: "invalid_rule",
      "'\(text)' is not a rule like golden_cross=sma50>sma200: a name, and two values or numbers with >, >=, < or <=")
    guard let equals = text.firstIndex(of: "=") else { throw invalid }
    let condition = text[text.index(after: equals)...]
    guard let sign = condition.firstIndex(where: { $0 == ">" || $0 == "<" }) else { throw invalid }
    var rest = condition[condition.index(after: sign)...]
    var symbol = String(condition[sign])
    if rest.first == "=" {
      symbol += "="
      rest = rest.dropFirst()
    }
    name = String(text[..<equals])
    guard let comparison = Comparison(rawValue: symbol), !name.isEmpty, !rest.isEmpty, sign > condition.startIndex,
      name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
    else { throw invalid }
    self.comparison = comparison
    left = Operand(condition[..<sign])
    right = Operand(rest)
  }

  package var condition: String { "\(left)\(comparison.rawValue)\(right)" }
  package var description: String { "\(name)=\(condition)" }

  @inline(__always)
  package func holds(_ left: Double, _ right: Double) -> Bool {
    switch comparison {
    case .above: left > right
    case .atLeast: left >= right
    case .below: left < right
    case .atMost: left <= right
    }
  }
}
