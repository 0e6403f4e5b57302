import Core
import Values

/// Chooses the quote of an answer for a due time, and checks its plausibility. Pure.
package struct QuoteChoice: Sendable {
  /// The tolerated difference between clocks.
  package var tolerance: Duration = .seconds(60)
  package var maxAge: Duration?

  package struct Chosen: Hashable, Sendable {
    package var quote: Quote
    /// Of a time after the due time: the provider has no earlier one.
    package var isLate: Bool
  }

  /// The latest quote up to the due time; without one, the first later quote that is not of a period.
  /// - Parameter isPositive: the series never has a price of 0 or below.
  /// - Throws: `FetchError` without a value, or for a value that is implausible, in the future or too old.
  package func choose(
    _ quotes: [Quote], kind: SeriesKind, isPositive: Bool = false, dueAt: Timestamp, now: Timestamp
  ) throws(FetchError) -> Chosen {
    let slack = Int64(tolerance / .microseconds(1))
    let due = dueAt.microseconds + slack
    var chosen = quotes.filter { $0.observedAt.microseconds <= due }.max { $0.observedAt < $1.observedAt }
    let isLate = chosen == nil
    // Of several quotes of one time the last counts.
    if let at = chosen?.observedAt { chosen = quotes.last { $0.observedAt == at } }
    // A bar that closes after the due time holds later data.
    chosen = chosen ?? quotes.filter { !$0.isOfPeriod }.min { $0.observedAt < $1.observedAt }
    guard let chosen else {
      throw FetchError(.noValue, quotes.isEmpty ? "the answer has no value" : "the answer has only later values")
    }
    guard chosen.observedAt.microseconds <= max(due, now.microseconds + slack) else {
      throw FetchError(.fromFuture, "the value is of \(chosen.observedAt), in the future")
    }
    if kind == .demand, chosen.value.isNegative {
      throw FetchError(.implausible, "the demand is \(chosen.value) at \(chosen.observedAt)")
    }
    if kind == .price, isPositive, chosen.value <= .zero {
      throw FetchError(
        .implausible, "the price is \(chosen.value) at \(chosen.observedAt); the catalogue calls the material positive")
    }
    if let maxAge, chosen.observedAt.microseconds < dueAt.microseconds - Int64(maxAge / .microseconds(1)) {
      throw FetchError(.tooOld, "the latest value is of \(chosen.observedAt)")
    }
    return Chosen(quote: chosen, isLate: isLate)
  }

  /// Whether a value differs from the last one by more than `factor` times, in either direction, and so is probably
  /// wrong. Compares only values above 0 of the same currency and unit.
  /// - Parameter factor: 0 to 100; 0 finds none.
  package static func isJump(from last: SeriesState?, to quote: Quote, factor: Int) -> Bool {
    guard (1...100).contains(factor), let last, last.currency == quote.currency, last.unit == quote.unit,
      last.value > .zero, quote.value > .zero
    else { return false }
    return exceeds(quote.value, last.value, by: factor) || exceeds(last.value, quote.value, by: factor)
  }

  /// Whether left > factor * right. Mantissas and powers of ten are at most 10^18, the factor at most 100: it fits.
  private static func exceeds(_ left: ExactDecimal, _ right: ExactDecimal, by factor: Int) -> Bool {
    func power(_ exponent: UInt8) -> Int128 { (0..<exponent).reduce(1) { power, _ in power * 10 } }
    return Int128(left.mantissa) * power(right.scale) > Int128(right.mantissa) * power(left.scale) * Int128(factor)
  }
}
