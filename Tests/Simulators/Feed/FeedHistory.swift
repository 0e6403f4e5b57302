import Core
import Feeds
import Foundation
import NIOHTTP1
import Synchronization

/// Historical REST answers, in pages.
extension FeedSimulator {
  struct Answer {
    var status = 200
    var body: String
    var retryAfter: String?
  }

  func answer(_ head: HTTPRequestHead) -> Answer {
    guard let parts = URLComponents(string: "http://feed" + head.uri) else { return Answer(status: 400, body: "{}") }
    let query = Dictionary(
      (parts.queryItems ?? []).map { ($0.name, $0.value ?? "") }, uniquingKeysWith: { first, _ in first })
    if parts.path.hasPrefix("/_feed/") { return steer(parts.path, query) }
    let refusal = state.withLock { state -> Answer? in
      state.questions.append(head.uri)
      let isKnown = head.headers.first(name: "APCA-API-KEY-ID").map {
        $0 == state.script.key && head.headers.first(name: "APCA-API-SECRET-KEY") == state.script.secret
      } ?? (query["apiKey"] == state.script.key
        || head.headers.first(name: "Authorization") == "Bearer \(state.script.key)")
      if parts.path == "/query" { return alphaVantageRefusal(query, &state) }
      guard isKnown, !state.script.refusesQuestions else {
        return Answer(status: 401, body: #"{"status":"ERROR","error":"Unknown API Key"}"#)
      }
      guard state.script.hasHistory else {
        return Answer(status: 403, body: #"{"message":"subscription does not permit querying recent SIP data"}"#)
      }
      guard state.script.refusedQuestions == 0 else {
        state.script.refusedQuestions -= 1
        return Answer(status: 429, body: #"{"message":"too many requests."}"#, retryAfter: "1")
      }
      return nil
    }
    if let refusal { return refusal }
    let path = parts.path.split(separator: "/").map(String.init)
    switch (path.first, path.count > 1 ? path[1] : "") {
    case ("query", _): return alphaVantage(query)
    case ("v3", "reference") where path.last == "splits": return polygonSplits(query)
    case ("v1", "corporate-actions"): return alpacaSplits(query)
    case ("v3", "snapshot") where path.count == 4: return chainAnswer(path[3], query, isPolygon: true)
    case ("v1beta1", "options") where path.count == 4 && path[2] == "snapshots":
      return chainAnswer(path[3], query, isPolygon: false)
    case ("v2", "stocks"), ("v1beta1", "options"):
      return alpaca(path.last ?? "", query, path[0] == "v2" ? .alpacaStocks : .alpacaOptions)
    case ("v2", "aggs") where path.count == 9: return aggregates(path, query)
    case ("v3", "trades") where path.count == 3, ("v3", "quotes") where path.count == 3: return ticks(path, query)
    default: return Answer(status: 404, body: "{}")
    }
  }

  private func steer(_ path: String, _ query: [String: String]) -> Answer {
    switch path {
    case "/_feed/cut":
      guard let how = Cut(rawValue: query["how"] ?? "close") else { return Answer(status: 400, body: "{}") }
      cut(how)
    case "/_feed/silent": change { $0.isSilent = query["value"] == "true" }
    case "/_feed/stats":
      return Answer(
        body: "{\"events\":\(events.count),\"connections\":\(connections),\"logins\":\(logins),\"first\":\(first)}")
    case "/_feed/bars":
      let range = (Int64(query["from"] ?? "") ?? 0)...(Int64(query["to"] ?? "") ?? .max)
      let interval = BarInterval(rawValue: query["interval"] ?? "1m") ?? .minute
      return Answer(body: bars(query["symbol"] ?? "", interval, in: range).map { $0.line + "\n" }.joined())
    case "/_feed/flow": return Answer(body: planted.map { $0.line + "\n" }.joined())
    case "/_feed/truth": return Answer(body: events.map(\.line).joined(separator: "\n") + "\n")
    default: return Answer(status: 404, body: "{}")
    }
    return Answer(body: "{}")
  }

  // MARK: - pages

  /// The events of some symbols in a range, by symbol and time; of each bar only the last revision.
  private func past(
    _ symbols: Set<String>, _ kinds: Set<SimulatedEvent.Kind>, _ range: ClosedRange<Int64>
  ) -> [SimulatedEvent] {
    events.filter { kinds.contains($0.kind) && symbols.contains($0.symbol) && range.contains($0.eventNs) }
      .sorted { ($0.symbol, $0.eventNs, $0.number) < ($1.symbol, $1.eventNs, $1.number) }
  }

  /// The last states of the bars of a symbol that start in a range, those by formula included; the earliest first.
  package func bars(
    _ symbol: String, _ interval: BarInterval, in range: ClosedRange<Int64>, most: Int = .max
  ) -> [SimulatedEvent] {
    var bars = pastBars?.bars(symbol, interval, in: range, most: most) ?? []
    guard interval == .minute, bars.count < most else { return bars }
    bars += finalBars.values.filter { $0.symbol == symbol && range.contains($0.eventNs) }
      .sorted { $0.eventNs < $1.eventNs }.prefix(most - bars.count)
    return bars
  }

  /// As `page`, of bars of symbols in their order; a token is the symbol's place and the start of the next bar.
  private func page(
    _ symbols: [String], _ interval: BarInterval, _ range: ClosedRange<Int64>, _ token: String?, _ limit: Int
  ) -> ([SimulatedEvent], String?) {
    let (size, isEmpty, isCyclic, serial) = state.withLock { state -> (Int, Bool, Bool, Int) in
      state.pages += 1
      return (
        min(limit, state.script.pageSize), state.script.hasEmptyPages && state.pages % 3 == 1, state.script.isCyclic,
        state.pages)
    }
    let place = token?.split(separator: ".").first?.split(separator: ":").compactMap { Int64($0) } ?? []
    var (index, from) = place.count == 2 ? (Int(place[0]), place[1]) : (0, range.lowerBound)
    let count = isEmpty ? 0 : size
    var found: [SimulatedEvent] = []
    while index < symbols.count, from <= range.upperBound, found.count <= count {
      found += bars(symbols[index], interval, in: from...range.upperBound, most: count + 1 - found.count)
      (index, from) = (index + 1, range.lowerBound)
    }
    if isCyclic { return (Array(found.prefix(count)), token ?? "0.c") }
    guard found.count > count, let next = found.popLast() else { return (found, nil) }
    return (found, "\(symbols.firstIndex(of: next.symbol) ?? 0):\(next.eventNs).\(serial)")
  }

  /// - Returns: the page, and the token of the next one.
  private func page(_ events: [SimulatedEvent], _ token: String?, _ limit: Int) -> ([SimulatedEvent], String?) {
    let (size, isEmpty, isCyclic) = state.withLock { state -> (Int, Bool, Bool) in
      state.pages += 1
      return (
        min(limit, state.script.pageSize), state.script.hasEmptyPages && state.pages % 3 == 1, state.script.isCyclic)
    }
    let start = min(events.count, token.flatMap { Int($0.split(separator: ".")[0]) } ?? 0)
    if isCyclic { return (Array(events[start..<min(events.count, start + size)]), token ?? "0.c") }
    let count = isEmpty ? 0 : size
    let page = events[start...].prefix(count)
    // The token changes even when the page was empty.
    let serial = state.withLock { $0.pages }
    return (Array(page), start + page.count < events.count ? "\(start + page.count).\(serial)" : nil)
  }

  private func alpaca(_ what: String, _ query: [String: String], _ feed: Feed) -> Answer {
    let symbols = Set((query["symbols"] ?? "").split(separator: ",").map(String.init))
    func time(_ name: String, _ otherwise: Int64) -> Int64 {
      query[name].flatMap { text in
        Array(text.utf8).withUnsafeBytes { FeedStamp.nanoseconds(rfc3339: $0.bytes) }
      } ?? otherwise
    }
    let start = time("start", 0)
    let (range, limit) = (start...max(start, time("end", .max)), Int(query["limit"] ?? "1000") ?? 1_000)
    if let bad = state.withLock({ symbols.intersection($0.script.badSymbols).first }) {
      return Answer(status: 400, body: #"{"message":"invalid symbol: \#(bad)"}"#)
    }
    let events: [SimulatedEvent], next: String?
    if what == "bars" {
      let interval: BarInterval = switch query["timeframe"] {
      case "1Day": .day
      case "1Hour": .hour
      default: BarInterval(rawValue: (query["timeframe"] ?? "1Min").replacing("Min", with: "m")) ?? .minute
      }
      (events, next) = page(symbols.sorted(), interval, range, query["page_token"], limit)
    } else {
      (events, next) = page(past(symbols, what == "trades" ? [.trade] : [.quote], range), query["page_token"], limit)
    }
    let lists = Dictionary(grouping: events, by: \.symbol).sorted { $0.key < $1.key }.map { symbol, events in
      let rows = events.map { #"{"t":"\#(FeedWire.rfc3339($0.eventNs))",\#(FeedWire.fields($0, feed))}"# }
      return "\"\(symbol)\":[\(rows.joined(separator: ","))]"
    }
    let token = next.map { "\"\($0)\"" } ?? "null"
    return Answer(body: "{\"\(what)\":{\(lists.joined(separator: ","))},\"next_page_token\":\(token)}")
  }

  private func aggregates(_ path: [String], _ query: [String: String]) -> Answer {
    let symbol = SymbolNames.canonical(path[3], from: .polygon) ?? ""
    let (from, to) = (Int64(path[7]) ?? 0, Int64(path[8]) ?? 0)
    let interval: BarInterval = path[6] == "day" ? .day : BarInterval(rawValue: path[5] + "m") ?? .minute
    let range = from * 1_000_000...max(from, to) * 1_000_000
    let (events, next) = page([symbol], interval, range, query["cursor"], Int(query["limit"] ?? "5000") ?? 5_000)
    let rows = events.map { bar in
      let (price, high, low, close) = (
        SimulatedEvent.money(bar.price), SimulatedEvent.money(bar.high), SimulatedEvent.money(bar.low),
        SimulatedEvent.money(bar.close))
      return #"{"v":\#(bar.size),"vw":\#(price),"o":\#(price),"c":\#(close),"h":\#(high),"l":\#(low),"#
        + #""t":\#(bar.eventNs / 1_000_000),"n":\#(bar.trades)}"#
    }
    return polygon(rows, next, "/" + path.joined(separator: "/"), query)
  }

  private func ticks(_ path: [String], _ query: [String: String]) -> Answer {
    let symbol = SymbolNames.canonical(path[2], from: .polygon) ?? ""
    let isTrade = path[1] == "trades"
    let from = Int64(query["timestamp.gte"] ?? "0") ?? 0
    let to = Int64(query["timestamp.lte"] ?? "") ?? .max
    let found = past([symbol], [isTrade ? .trade : .quote], from...max(from, to))
    let (events, next) = page(found, query["cursor"], Int(query["limit"] ?? "1000") ?? 1_000)
    let rows = events.map { event in
      let (price, time) = (SimulatedEvent.money(event.price), event.eventNs)
      guard isTrade else {
        let ask = SimulatedEvent.money(event.price + 2)
        return #"{"sip_timestamp":\#(time),"participant_timestamp":\#(time - 900),"bid_price":\#(price),"#
          + #""bid_size":2,"bid_exchange":4,"ask_price":\#(ask),"ask_size":3,"ask_exchange":7,"#
          + #""conditions":[1],"sequence_number":\#(event.id),"tape":3}"#
      }
      let isOption = SymbolNames.isOption(symbol)
      let conditions = isOption ? "[\(event.condition)]" : "[12,37]"
      return #"{"sip_timestamp":\#(time),"participant_timestamp":\#(time - 900),"#
        + #"\#(isOption ? "" : "\"id\":\"\(event.id)\",\"tape\":3,")"exchange":\#(isOption ? event.exchange : 4),"#
        + #""price":\#(price),"size":\#(event.size),"conditions":\#(conditions),"#
        + #""sequence_number":\#(event.id)}"#
    }
    return polygon(rows, next, "/" + path.joined(separator: "/"), query)
  }

  func polygon(_ rows: [String], _ next: String?, _ path: String, _ query: [String: String]) -> Answer {
    // Without the API key, which the client adds again.
    var parts = URLComponents()
    parts.path = path
    parts.queryItems = query.filter { $0.key != "apiKey" && $0.key != "cursor" }.sorted { $0.key < $1.key }
      .map { URLQueryItem(name: $0.key, value: $0.value) } + [URLQueryItem(name: "cursor", value: next)]
    let link = next.map { _ in ",\"next_url\":\"http://\(url)\(parts.string ?? "")\"" } ?? ""
    return Answer(
      body: "{\"status\":\"OK\",\"resultsCount\":\(rows.count),\"results\":[\(rows.joined(separator: ","))]\(link)}")
  }
}
