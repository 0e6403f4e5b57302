import Commodities
import Core
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

/// Parses times as providers write them.
enum QuoteText {
  /// RFC 3339; a date, or date and time, without an offset, in `zone`; seconds or milliseconds since 1970.
  static func time(_ text: String, in zone: ZoneTable?) -> Timestamp? {
    if let time = Timestamp(text) { return time }
    if let local = LocalDateTime(text) {
      guard let zone else { return Timestamp(microseconds: local.microseconds) }
      let civil = local.civil
      let instant = zone.instant(
        year: civil.year, month: civil.month, day: civil.day, hour: civil.hour, minute: civil.minute,
        second: civil.second)
      return Timestamp(microseconds: instant.epochSeconds * 1_000_000 + Int64(civil.microsecond))
    }
    return ExactDecimal(text).flatMap { time(number: $0) }
  }

  /// Seconds since 1970; numbers beyond the year 5138 are milliseconds.
  static func time(number: ExactDecimal) -> Timestamp? {
    var microseconds = Int128(number.mantissa) * 1_000_000
    for _ in 0..<number.scale { microseconds /= 10 }
    if microseconds.magnitude >= 100_000_000_000 * 1_000_000 { microseconds /= 1_000 }
    return Int64(exactly: microseconds).flatMap { Timestamp(microseconds: $0) }
  }
}

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

/// Converts a provider's quote for its series: to whole units of an ISO 4217 currency for one unit of the catalogue.
package struct QuoteConverter: Sendable {
  package let material: Material
  /// nil on the world market.
  package let country: Country?
  package let kind: SeriesKind

  package init(_ material: Material, _ country: Country?, _ kind: SeriesKind) {
    self.material = material
    self.country = country
    self.kind = kind
  }

  package struct Converted: Hashable, Sendable {
    package var quote: Quote
    /// `unit_assumed`: neither the answer nor the catalogue's source gives the unit.
    /// `currency_differs`: the currency is not that of the country or the world market.
    package var flags: [String] = []
  }

  /// - Throws: `FetchError` for a unit or currency that is unknown, missing, or of another dimension than the
  ///   catalogue's; for a value with too many digits.
  package func converted(_ quote: Quote) throws(FetchError) -> Converted {
    var result = Converted(quote: quote)
    let said = try quote.unit.map { (text) throws(FetchError) in try Self.unit(text) }
    switch (said?.unit, material.unit.flatMap { PhysicalUnit($0) }) {
    case (let unit?, let wanted?):
      let converted = kind == .price ? unit.price(quote.value, per: wanted) : unit.quantity(quote.value, in: wanted)
      guard let converted else {
        throw FetchError(.unitRefused, "it is for one \(unit), and \(material.name) is counted in \(wanted)")
      }
      result.quote.value = converted
      result.quote.unit = wanted.symbol
    case (let unit?, nil): result.quote.unit = unit.symbol
    case (nil, let wanted?):
      result.quote.unit = wanted.symbol
      result.flags.append("unit_assumed")
    case (nil, nil):
      throw FetchError(.unitRefused, "neither the answer nor the catalogue gives the unit of \(material.name)")
    }
    try setCurrency(of: &result, said?.currency)
    return result
  }

  private func setCurrency(of result: inout Converted, _ said: Currency.Written?) throws(FetchError) {
    guard kind == .price else {
      result.quote.currency = nil
      return
    }
    let own = country?.currency ?? material.currency
    let written: Currency.Written?
    if let said {
      written = said
    } else if let text = result.quote.currency ?? own {
      guard let known = Currency.Written(text) else {
        throw FetchError(.currencyRefused, "its currency '\(ProviderMessage.excerpt(text))' is none of ISO 4217")
      }
      written = known
    } else {
      written = nil
    }
    guard let written else { return }
    guard let value = result.quote.value.shifted(written.shift) else {
      throw .unreadable("its value has too many digits")
    }
    result.quote.value = value
    result.quote.currency = written.currency.code
    if let own, own != written.currency.code { result.flags.append("currency_differs") }
  }

  private static func unit(_ text: String) throws(FetchError) -> PriceUnit {
    guard !text.isEmpty else { throw FetchError(.unitRefused, "the answer does not give the unit of its price") }
    guard let unit = PriceUnit(text) else {
      throw FetchError(.unitRefused, "its unit '\(ProviderMessage.excerpt(text))' is not a physical unit")
    }
    return unit
  }
}
