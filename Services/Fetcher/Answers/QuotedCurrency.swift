import Schemas

/// Currencies as exchanges quote them: some in hundredths, under names that ISO 4217 does not have.
enum QuotedCurrency {
  /// Pence, cents and agorot, as Yahoo Finance writes them.
  private static let hundredths = ["GBp": "GBP", "GBX": "GBP", "USX": "USD", "ZAc": "ZAR", "ILA": "ILS", "EUX": "EUR"]

  /// The quote in whole units of an ISO 4217 currency.
  /// - Returns: nil when the hundredth has too many digits.
  static func whole(_ quote: Quote) -> Quote? {
    guard let currency = quote.currency, let iso = hundredths[currency] else { return quote }
    guard let value = hundredth(of: quote.value) else { return nil }
    var quote = quote
    quote.value = value
    quote.currency = iso
    return quote
  }

  static func hundredth(of value: ExactDecimal) -> ExactDecimal? {
    ExactDecimal(mantissa: value.mantissa, scale: Int(value.scale) + 2)
  }
}
