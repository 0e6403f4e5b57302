import Core
import Messages
import Values

/// Makes the bars of a symbol comparable over its splits. Pure.
///
/// A bar before the execution date of a split is worth what its shares became: prices times `split_from / split_to`,
/// volumes times the inverse, one rounding for all splits together. Dividends change nothing.
package struct SplitAdjustment: Sendable {
  /// For bars before a date, prices are multiplied by `numerator / denominator`; descending by date.
  private struct Step: Sendable {
    let before: CivilDate
    let numerator: Int128
    let denominator: Int128
  }
  private let steps: [Step]

  /// Digits behind the point that an adjusted number has at most.
  package static let digits = 6

  /// - Parameters:
  ///   - splits: of one symbol.
  ///   - asOf: later splits are passed over; nil for all.
  /// - Throws: `Failure` of class data when the factors cannot be computed exactly.
  package init(_ splits: [StockSplit], asOf: CivilDate? = nil) throws(Failure) {
    var steps: [Step] = []
    var (numerator, denominator): (Int128, Int128) = (1, 1)
    let dated = splits.compactMap { split in CivilDate(split.executionDate).map { (date: $0, split: split) } }
    for (date, split) in dated.sorted(by: { $0.date > $1.date }) where asOf.map({ date <= $0 }) ?? true {
      guard split.problem == nil else { throw Self.failure(split.symbol) }
      let scale = max(split.splitFrom.scale, split.splitTo.scale)
      var product = [(numerator, split.splitFrom), (denominator, split.splitTo)].map { value, factor in
        value.multipliedReportingOverflow(by: Int128(factor.mantissa) * Self.power(Int(scale - factor.scale)))
      }
      if product.contains(where: \.overflow) { throw Self.failure(split.symbol) }
      let divisor = Self.commonDivisor(product[0].partialValue, product[1].partialValue)
      for index in product.indices { product[index].partialValue /= divisor }
      (numerator, denominator) = (product[0].partialValue, product[1].partialValue)
      steps.append(Step(before: date, numerator: numerator, denominator: denominator))
    }
    self.steps = steps
  }

  private static func failure(_ symbol: String) -> Failure {
    Failure(.data, code: "bad_splits", "the splits of \(symbol) cannot be multiplied")
  }

  package var isEmpty: Bool { steps.isEmpty }

  /// What the splits behind a bar make of its numbers.
  package struct Factor: Sendable {
    fileprivate let numerator: Int128
    fileprivate let denominator: Int128

    /// - Returns: nil when the number does not fit a decimal.
    package func price(_ value: ExactDecimal) -> ExactDecimal? {
      SplitAdjustment.scaled(value, numerator, denominator)
    }
    package func volume(_ value: ExactDecimal) -> ExactDecimal? {
      SplitAdjustment.scaled(value, denominator, numerator)
    }
  }

  /// Of a bar that begins then, nanoseconds since 1970; nil when no split came after it.
  package func factor(at startNs: Int64) -> Factor? {
    let date = BarPeriods.date(of: startNs)
    return steps.last { date < $0.before }.map { Factor(numerator: $0.numerator, denominator: $0.denominator) }
  }

  /// - Returns: the bar as it is when no split came after it; nil when a number does not fit a decimal.
  package func adjusted(_ bar: FeedBarValues) -> FeedBarValues? {
    guard let factor = factor(at: bar.startNs) else { return bar }
    guard let open = factor.price(bar.open), let high = factor.price(bar.high), let low = factor.price(bar.low),
      let close = factor.price(bar.close), let volume = factor.volume(bar.volume)
    else { return nil }
    var adjusted = bar
    (adjusted.open, adjusted.high, adjusted.low, adjusted.close) = (open, high, low, close)
    adjusted.volume = volume
    adjusted.vwap = bar.vwap.flatMap(factor.price)
    return adjusted
  }

  /// The value times a fraction, rounded half to even where it has more than `digits` digits behind the point.
  static func scaled(_ value: ExactDecimal, _ numerator: Int128, _ denominator: Int128) -> ExactDecimal? {
    let unit = power(digits)
    let (product, isTooLarge) = Int128(value.mantissa).multipliedReportingOverflow(by: numerator)
    let (dividend, isTooLong) = product.multipliedReportingOverflow(by: unit)
    let (divisor, isTooFine) = denominator.multipliedReportingOverflow(by: power(Int(value.scale)))
    guard !isTooLarge, !isTooLong, !isTooFine else { return nil }
    var (quotient, rest) = dividend.magnitude.quotientAndRemainder(dividingBy: divisor.magnitude)
    let twice = rest * 2
    if twice > divisor.magnitude || twice == divisor.magnitude && quotient % 2 == 1 { quotient += 1 }
    guard let mantissa = Int64(exactly: quotient) else { return nil }
    return ExactDecimal(mantissa: dividend < 0 ? -mantissa : mantissa, scale: digits)?.normalized
  }

  private static func power(_ exponent: Int) -> Int128 { (0..<exponent).reduce(1) { power, _ in power * 10 } }

  private static func commonDivisor(_ left: Int128, _ right: Int128) -> Int128 {
    var (left, right) = (left, right)
    while right != 0 { (left, right) = (right, left % right) }
    return left
  }
}
