import Core
import CSV
import Messages
import Values

/// Alpha Vantage's answers, distinguished by their fields:
///
///     {"name": "...", "interval": "monthly", "unit": "dollar per metric ton",
///      "data": [{"date": "2024-05-01", "value": "8000.1"}, {"date": "...", "value": "."}]}     commodities
///     {"Meta Data": {"4. Interval": "5min", "6. Time Zone": "US/Eastern", ...},
///      "Time Series (5min)": {"2024-05-10 15:55:00": {"4. close": "122.84", ...}}}              series
///     {"Global Quote": {"05. price": "122.84", "07. latest trading day": "2024-05-10"}}         quotes
///     {"Note": "..."}, {"Information": "..."}, {"Error Message": "..."}: see `ProviderMessage`
///
/// An intraday time is the opening of its bar, in the answer's time zone. A day's close has the exchange's closing
/// time. A commodity's date is the first day of the period of its average or last price.
enum AlphaVantageAnswer {
  static func quotes(_ tree: JSONTree, at now: Timestamp) throws(FetchError) -> Quotes {
    guard let fields = tree.fields else { throw .unreadable("it is not an object") }
    for name in ["Error Message", "Note", "Information"] {
      if let text = fields[name]?.text { throw ProviderMessage(text).failure() }
    }
    if let data = fields["data"]?.items {
      let quotes = commodity(data, fields)
      // Samples come with a message that they are samples.
      if quotes.list.isEmpty, let message = ProviderMessage(in: tree) { throw message.failure() }
      return quotes
    }
    if let quote = fields["Global Quote"] { return try latest(quote, at: now) }
    guard let name = fields.keys.first(where: { $0.contains("Time Series") }), let rows = fields[name]?.fields else {
      throw ProviderMessage(in: tree)?.failure() ?? .unreadable("it has neither data nor a time series nor a quote")
    }
    return try series(rows, name, zone(fields["Meta Data"]))
  }

  private static func add(
    _ value: JSONTree?, _ time: Timestamp?, unit: String? = nil, isOfPeriod: Bool = true, to quotes: inout Quotes
  ) {
    guard let text = value?.text, !CSVNumbers.isAbsent(text) else { return }
    guard let time, let price = ExactDecimal(approximating: text) else {
      quotes.lose("a time or a value is not a number")
      return
    }
    quotes.add(Quote(value: price, observedAt: time, unit: unit, isOfPeriod: isOfPeriod))
  }

  // MARK: - commodities

  private static func commodity(_ rows: [JSONTree], _ fields: [String: JSONTree]) -> Quotes {
    var quotes = Quotes()
    let months = ["monthly": 1, "quarterly": 3, "semiannual": 6, "annual": 12]
    let span = fields["interval"]?.text.flatMap { months[$0.lowercased()] }
    // Empty text stands for a missing unit, which is refused like an unknown one.
    let unit = fields["unit"]?.text ?? ""
    for row in rows {
      let text = row["date"]?.text ?? ""
      if let date = LocalDateTime(text), text.utf8.count == 10 {
        add(row["value"], end(of: date, months: span), unit: unit, to: &quotes)
      } else {
        add(row["value"], QuoteText.time(text, in: nil), unit: unit, isOfPeriod: false, to: &quotes)
      }
    }
    return quotes
  }

  /// Midnight UTC after the day, or after the months that begin with it.
  private static func end(of date: LocalDateTime, months: Int?) -> Timestamp? {
    guard let months else { return Timestamp(microseconds: date.microseconds + 86_400_000_000) }
    let (year, month, day) = (date.civil.year, date.civil.month, date.civil.day)
    let place = month - 1 + months
    return Timestamp(
      microseconds: CivilDate.daysSinceEpoch(year: year + place / 12, month: place % 12 + 1, day: day) * 86_400_000_000)
  }

  // MARK: - equities, currencies

  private static let newYork = try? ZoneTable(identifier: "America/New_York")

  /// The answer's time zone; nil is UTC.
  private static func zone(_ meta: JSONTree?) throws(FetchError) -> ZoneTable? {
    let name = meta?.fields?.first { $0.key.hasSuffix("Time Zone") }?.value.text ?? "US/Eastern"
    switch name {
    case "UTC": return nil
    case "US/Eastern", "America/New_York": return newYork
    default:
      guard let zone = try? ZoneTable(identifier: name) else { throw .unreadable("its time zone is unknown") }
      return zone
    }
  }

  private static func series(
    _ rows: [String: JSONTree], _ name: String, _ zone: ZoneTable?
  ) throws(FetchError) -> Quotes {
    var quotes = Quotes()
    let minutes = name.split(whereSeparator: { "() ".contains($0) }).first { $0.hasSuffix("min") }
      .flatMap { Int64($0.dropLast(3)) }
    for (text, row) in rows.sorted(by: { $0.key < $1.key }) {
      var time: Timestamp?
      if let minutes {
        time = QuoteText.time(text, in: zone).flatMap {
          Timestamp(microseconds: $0.microseconds + minutes * 60_000_000)
        }
      } else {
        time = close(of: text, zone)
      }
      add(row["4. close"], time, to: &quotes)
    }
    return quotes
  }

  /// 16:00 in New York, when all exchanges with daily data at Alpha Vantage have closed; else the day's end.
  private static func close(of day: String, _ zone: ZoneTable?) -> Timestamp? {
    guard day.utf8.count == 10 else { return nil }
    if zone?.identifier == newYork?.identifier, zone != nil { return QuoteText.time(day + " 16:00:00", in: zone) }
    return QuoteText.time(day, in: zone).flatMap { Timestamp(microseconds: $0.microseconds + 86_400_000_000) }
  }

  /// The present price, or the close when its day is over.
  private static func latest(_ quote: JSONTree, at now: Timestamp) throws(FetchError) -> Quotes {
    // An unknown symbol has an empty quote.
    guard quote.fields?.isEmpty == false else {
      throw FetchError(.symbolUnknown, "it has no quote for the symbol")
    }
    var quotes = Quotes()
    let day = quote["07. latest trading day"]?.text ?? ""
    add(quote["05. price"], close(of: day, newYork).map { min($0, now) }, isOfPeriod: false, to: &quotes)
    return quotes
  }
}
