import Schemas

/// Currencies as exchanges quote them: some in their minor unit, such as pence.
enum QuotedCurrency {
  /// The quote in whole units of an ISO 4217 currency; one of an unknown currency stays as it is.
  /// - Returns: nil when the whole unit has too many digits.
  static func whole(_ quote: Quote) -> Quote? {
    guard let written = quote.currency.flatMap({ Currency.Written($0) }) else { return quote }
    guard let value = quote.value.shifted(written.shift) else { return nil }
    var quote = quote
    quote.value = value
    quote.currency = written.currency.code
    return quote
  }
}

extension ExactDecimal {
  /// The value divided by 10^digits: 1234.5 pence are 12.345 pounds.
  func shifted(_ digits: Int) -> ExactDecimal? {
    digits == 0 ? self : ExactDecimal(mantissa: mantissa, scale: Int(scale) + digits)
  }
}
