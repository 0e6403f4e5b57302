import Core
import Feeds
import Synchronization

/// Answers as Alpha Vantage gives them, and the splits of all providers.
extension FeedSimulator {
  /// What is wrong comes with status 200.
  func alphaVantageRefusal(_ query: [String: String], _ state: inout State) -> Answer? {
    guard query["apikey"] == state.script.key else {
      return Answer(body: #"{"Error Message":"the parameter apikey is invalid or missing."}"#)
    }
    guard state.script.hasHistory else {
      return Answer(body: #"{"Information":"Thank you! This is a premium endpoint. You may subscribe."}"#)
    }
    guard !state.script.badSymbols.contains(query["symbol"] ?? "") else {
      return Answer(body: #"{"Error Message":"Invalid API call. Please retry or visit the documentation."}"#)
    }
    guard state.script.refusedQuestions > 0 else { return nil }
    state.script.refusedQuestions -= 1
    return Answer(body: #"{"Information":"Please consider spreading out your free API requests more sparingly."}"#)
  }

  func alphaVantage(_ query: [String: String]) -> Answer {
    let symbol = SymbolNames.canonical(query["symbol"] ?? "", from: .dashed) ?? ""
    if query["function"] == "SPLITS" {
      let rows = splits(of: [symbol]).reversed().map {
        #"{"effective_date":"\#($0.date)","split_factor":"\#(Double($0.to) / Double($0.from))"}"#
      }
      return Answer(body: "{\"symbol\":\"\(symbol)\",\"data\":[\(rows.joined(separator: ","))]}")
    }
    let isDaily = query["function"] == "TIME_SERIES_DAILY"
    let name = isDaily ? "Daily" : query["interval"] ?? "1min"
    let interval = isDaily ? .day : BarInterval(rawValue: name.replacing("min", with: "m")) ?? .minute
    let month = query["month"] ?? ""
    let zone = try? ZoneTable(identifier: NYSECalendar.zoneIdentifier)
    func label(_ bar: SimulatedEvent) -> String {
      let seconds = bar.eventNs / 1_000_000_000
      let civil = seconds + Int64(zone?.offsetSeconds(at: seconds) ?? 0)
      let (day, rest) = civil.flooredDivision(by: 86_400)
      let date = CivilDate(daysSinceEpoch: day).description
      guard !isDaily else { return date }
      let parts = [rest / 3_600, rest / 60 % 60, rest % 60].map { zeroPadded($0, 2) }
      return date + " " + parts.joined(separator: ":")
    }
    // The month with a margin, and of that what the labels say.
    let first = CivilDate(month + "-01").map { ($0.daysSinceEpoch - 1) * 86_400_000_000_000 } ?? 0
    let latest = WallClock.microseconds() * 1_000 - 6 * 86_400_000_000_000
    let range = isDaily ? 0...Int64.max : month.isEmpty ? latest...Int64.max : first...first + 34 * 86_400_000_000_000
    let rows = bars(symbol, interval, in: range).map { (label: label($0), bar: $0) }
      .filter { $0.label.hasPrefix(month) }.reversed().prefix(query["outputsize"] == "full" ? .max : 100)
      .map { label, bar in
        let (open, high) = (SimulatedEvent.money(bar.price), SimulatedEvent.money(bar.high))
        let (low, close) = (SimulatedEvent.money(bar.low), SimulatedEvent.money(bar.close))
        return #""\#(label)":{"1. open":"\#(open)","2. high":"\#(high)","3. low":"\#(low)","4. close":"\#(close)","#
          + #""5. volume":"\#(bar.size)"}"#
      }
    let meta = #""Meta Data":{"1. Information":"\#(name)","2. Symbol":"\#(symbol)","6. Time Zone":"US/Eastern"}"#
    let key = isDaily ? "Time Series (Daily)" : "Time Series (\(name))"
    return Answer(body: "{\(meta),\"\(key)\":{\(rows.joined(separator: ","))}}")
  }

  // MARK: - splits

  private func splits(of symbols: Set<String>) -> [SimulatedSplit] {
    state.withLock { $0.script.splits }.filter { symbols.isEmpty || symbols.contains($0.symbol) }
      .sorted { ($0.date, $0.symbol) < ($1.date, $1.symbol) }
  }

  /// Two on a page.
  private func page(_ splits: [SimulatedSplit], _ token: String?) -> (ArraySlice<SimulatedSplit>, String?) {
    let start = min(splits.count, token.flatMap { Int($0) } ?? 0)
    let page = splits[start...].prefix(2)
    return (page, page.endIndex < splits.count ? "\(page.endIndex)" : nil)
  }

  func polygonSplits(_ query: [String: String]) -> Answer {
    let symbol = query["ticker"].flatMap { SymbolNames.canonical($0, from: .polygon) }
    let (page, next) = page(splits(of: symbol.map { [$0] } ?? []), query["cursor"])
    let rows = page.map { split in
      let name = SymbolNames.name(of: split.symbol, for: .polygon)
      return #"{"execution_date":"\#(split.date)","id":"E\#(name)\#(split.date)","split_from":\#(split.from),"#
        + #""split_to":\#(split.to),"ticker":"\#(name)"}"#
    }
    return polygon(rows, next, "/v3/reference/splits", query)
  }

  func alpacaSplits(_ query: [String: String]) -> Answer {
    let symbols = Set((query["symbols"] ?? "").split(separator: ",").map(String.init))
    let (page, next) = page(splits(of: symbols), query["page_token"])
    func list(_ splits: [SimulatedSplit]) -> String {
      splits.map {
        #"{"symbol":"\#($0.symbol)","new_rate":\#($0.to),"old_rate":\#($0.from),"ex_date":"\#($0.date)","#
          + #""process_date":"\#($0.date)"}"#
      }.joined(separator: ",")
    }
    let (forward, reverse) = (list(page.filter { $0.to >= $0.from }), list(page.filter { $0.to < $0.from }))
    let token = next.map { "\"\($0)\"" } ?? "null"
    return Answer(
      body: "{\"corporate_actions\":{\"forward_splits\":[\(forward)],\"reverse_splits\":[\(reverse)]},"
        + "\"next_page_token\":\(token)}")
  }
}
