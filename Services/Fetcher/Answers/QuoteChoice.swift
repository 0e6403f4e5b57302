import Runtime
import Schemas

/// Which of an answer's quotes is the one that was asked for, and whether it can be true. Pure.
package struct QuoteChoice: Sendable {
  /// What clocks may differ by.
  package var tolerance: Duration
  package var maxAge: Duration?

  package init(tolerance: Duration = .seconds(60), maxAge: Duration? = nil) {
    self.tolerance = tolerance
    self.maxAge = maxAge
  }

  package struct Chosen: Hashable, Sendable {
    package var quote: Quote
    /// Of a time after the one it was wanted for: the provider had none before.
    package var isLate: Bool
  }

  /// The latest quote up to the due time; when there is none, the first one after it that is not of a period.
  /// - Parameter isPositive: the series has no price of 0 or below.
  /// - Throws: `FetchError`: no value at all, a demand below 0 or such a price, one of a time that has not come, or too
  ///   old.
  package func choose(
    _ quotes: [Quote], kind: SeriesKind, isPositive: Bool = false, dueAt: Timestamp, now: Timestamp
  ) throws(FetchError) -> Chosen {
    let slack = Int64(tolerance / .microseconds(1))
    let due = dueAt.microseconds + slack
    var chosen = quotes.filter { $0.observedAt.microseconds <= due }.max { $0.observedAt < $1.observedAt }
    let isLate = chosen == nil
    // Of several of one time the last counts.
    if let at = chosen?.observedAt { chosen = quotes.last { $0.observedAt == at } }
    // A bar that closes after the due time holds what was not known then.
    chosen = chosen ?? quotes.filter { !$0.isOfPeriod }.min { $0.observedAt < $1.observedAt }
    guard let chosen else {
      throw FetchError(.noValue, quotes.isEmpty ? "the answer has no value" : "the answer has only later values")
    }
    guard chosen.observedAt.microseconds <= max(due, now.microseconds + slack) else {
      throw FetchError(.fromFuture, "the value is of \(chosen.observedAt), which has not come")
    }
    if kind == .demand, chosen.value.isNegative {
      throw FetchError(.implausible, "it says a demand of \(chosen.value) for \(chosen.observedAt)")
    }
    if kind == .price, isPositive, chosen.value <= .zero {
      throw FetchError(
        .implausible, "it says \(chosen.value) for \(chosen.observedAt), and the catalogue calls the material positive")
    }
    if let maxAge, chosen.observedAt.microseconds < dueAt.microseconds - Int64(maxAge / .microseconds(1)) {
      throw FetchError(.tooOld, "the latest value is of \(chosen.observedAt)")
    }
    return Chosen(quote: chosen, isLate: isLate)
  }

  /// Whether a value is so far from the one before that it is more likely wrong: more than `factor` times it, or less
  /// than that part of it. Only values above 0 of the same currency and unit are compared.
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
