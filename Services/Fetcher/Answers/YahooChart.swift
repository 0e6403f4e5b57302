import Schemas

/// The chart JSON of Yahoo Finance (`/v8/finance/chart/<symbol>`):
///
///     {"chart": {"result": [{"meta": {"currency": "USD", "regularMarketPrice": 3.9, "regularMarketTime": 1700000000},
///                            "timestamp": [...], "indicators": {"quote": [{"close": [...]}]}}],
///                "error": null}}
///
/// Bars without trades have `null`. Some currencies are hundredths (`GBp`).
enum YahooChart {
  static func quotes(_ tree: JSONTree) throws(FetchError) -> [Quote] {
    guard let chart = tree["chart"] else { throw .unreadable("it has no chart") }
    if let code = chart["error"]?["code"]?.text {
      if code == "Not Found" { throw FetchError(.symbolUnknown, "it says that it does not know the symbol") }
      throw FetchError(.unreadable, "it says that something is wrong with the request")
    }
    guard let result = chart["result"]?.items?.first, let meta = result["meta"], meta.fields != nil else {
      throw .unreadable("the chart has no result")
    }
    let currency = meta["currency"]?.text
    var quotes: [Quote] = []
    func add(_ time: JSONTree?, _ value: JSONTree?) throws(FetchError) {
      guard let value, value != .null, let time, time != .null else { return }
      guard let at = time.text.flatMap({ QuoteText.time($0, in: nil) }),
        let price = value.text.flatMap({ QuoteText.decimal($0) }),
        let quote = QuotedCurrency.whole(Quote(value: price, observedAt: at, currency: currency))
      else { throw .unreadable("a time or a price is no number") }
      quotes.append(quote)
    }
    let times = result["timestamp"]?.items ?? []
    let closes = result["indicators"]?["quote"]?.items?.first?["close"]?.items ?? []
    guard times.count == closes.count else { throw .unreadable("it has not as many prices as times") }
    for (time, close) in zip(times, closes) { try add(time, close) }
    try add(meta["regularMarketTime"], meta["regularMarketPrice"])
    return quotes
  }
}
