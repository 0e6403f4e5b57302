import Schemas

/// Alpha Vantage's answers, told apart by what they hold:
///
///     {"name": "...", "interval": "monthly", "unit": "dollar per metric ton",
///      "data": [{"date": "2024-05-01", "value": "8000.1"}, {"date": "...", "value": "."}]}     commodities
///     {"Meta Data": {...}, "Time Series (Daily)": {"2024-05-10": {"4. close": "122.84", ...}}}  series
///     {"Global Quote": {"05. price": "122.84", "07. latest trading day": "2024-05-10"}}         quotes
///     {"Note": "..."}, {"Information": "..."}: asked too often; {"Error Message": "..."}: not a symbol or function
enum AlphaVantageAnswer {
  static func quotes(_ tree: JSONTree) throws(FetchError) -> [Quote] {
    guard let fields = tree.fields else { throw .unreadable("it is no object") }
    if fields["Error Message"] != nil { throw FetchError(.symbolUnknown, "it says that it does not know the symbol") }
    if fields["Note"] != nil || fields["Information"] != nil {
      throw FetchError(.rateLimited, "it says that it was asked too often", retryAfter: .seconds(60))
    }
    if let data = fields["data"]?.items {
      let unit = try CommodityUnit(fields["unit"]?.text)
      var quotes: [Quote?] = []
      for row in data { quotes.append(try quote(row["date"], row["value"], unit)) }
      return quotes.compactMap { $0 }
    }
    if let quote = fields["Global Quote"] {
      // An unknown symbol has an empty quote.
      guard quote.fields?.isEmpty == false else {
        throw FetchError(.symbolUnknown, "it has no quote for the symbol")
      }
      return try [self.quote(quote["07. latest trading day"], quote["05. price"], CommodityUnit())].compactMap { $0 }
    }
    guard let name = fields.keys.first(where: { $0.contains("Time Series") }), let days = fields[name]?.fields else {
      throw .unreadable("it has neither data nor a time series nor a quote")
    }
    var quotes: [Quote?] = []
    for (day, row) in days.sorted(by: { $0.key < $1.key }) {
      quotes.append(try quote(.string(day), row["4. close"], CommodityUnit()))
    }
    return quotes.compactMap { $0 }
  }

  private static func quote(
    _ time: JSONTree?, _ value: JSONTree?, _ unit: CommodityUnit
  ) throws(FetchError) -> Quote? {
    guard let text = value?.text, !QuoteText.isAbsent(text) else { return nil }
    guard let at = time?.text.flatMap({ QuoteText.time($0, in: nil) }), var price = QuoteText.decimal(text) else {
      throw .unreadable("a time or a value is no number")
    }
    if unit.isHundredth {
      guard let whole = QuotedCurrency.hundredth(of: price) else { throw .unreadable("a value has too many digits") }
      price = whole
    }
    return Quote(value: price, observedAt: at, currency: unit.currency, unit: unit.unit)
  }

  /// `dollar per metric ton`, `dollars per barrel`, `cents per pound`, `dollars per million BTU`.
  struct CommodityUnit {
    var currency: String?
    var isHundredth = false
    var unit: String?

    init() {}

    init(_ text: String?) throws(FetchError) {
      guard let text else { return }
      let sides = text.lowercased().split(separator: " per ", maxSplits: 1).map(String.init)
      guard sides.count == 2 else { return }
      switch sides[0] {
      case "dollar", "dollars", "usd": currency = "USD"
      case "cent", "cents": (currency, isHundredth) = ("USD", true)
      default: throw .unreadable("its unit is of no known currency")
      }
      unit = Self.units[sides[1]] ?? sides[1]
    }

    private static let units = [
      "metric ton": "t", "barrel": "bbl", "pound": "lb", "million btu": "mmbtu", "troy ounce": "ozt", "bushel": "bu",
      "kilogram": "kg", "gallon": "gal",
    ]
  }
}
