import Values

/// One value of a provider's answer.
package struct Quote: Hashable, Sendable {
  package var value: ExactDecimal
  /// When the value held: for the close of a bar its end, for an average the end of its period.
  package var observedAt: Timestamp
  /// As the provider writes it: ISO 4217 or a minor unit; nil when the answer omits it.
  package var currency: String?
  /// As the provider writes it; nil when the answer omits it.
  package var unit: String?
  /// The close or the average of a period. A period that ends after the due time belongs to another job.
  package var isOfPeriod = false
}

/// The quotes of one answer. An unreadable row loses only itself.
struct Quotes {
  private(set) var list: [Quote] = []
  private(set) var lost = 0
  private var reason = ""

  init(_ list: [Quote] = []) { self.list = list }

  mutating func add(_ quote: Quote) { list.append(quote) }

  mutating func lose(_ reason: String) {
    lost += 1
    self.reason = reason
  }

  /// - Throws: `FetchError` when rows were lost and none is left.
  func verify() throws(FetchError) {
    if list.isEmpty, lost > 0 { throw .unreadable(reason) }
  }
}

extension Quote {
  /// The quote in whole units of an ISO 4217 currency: some exchanges quote a minor unit, such as pence. A quote in an
  /// unknown currency stays unchanged.
  /// - Returns: nil when the value in whole units has too many digits.
  var inWholeUnits: Quote? {
    guard let written = currency.flatMap({ Currency.Written($0) }) else { return self }
    guard let whole = value.shifted(written.shift) else { return nil }
    var quote = self
    quote.value = whole
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
