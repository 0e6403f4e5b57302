import Core
import Messages
import Operations

/// Bars as candles with what is missing and what was revised, the last tick, and a tape of those that come.
extension Board {
  private static let intervals = FeedBarFields.lengths.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.map(\.key)

  var barPages: [Page] {
    let interval = Parameter("interval", .choice(Self.intervals, standard: "1m"), "The length of a bar.")
    var parameters = [
      Gateway.symbol, interval, Parameter("start", .time, "Bars from here on; default the last ones."),
      Parameter("end", .time, "Bars up to here, not included."), Gateway.limit(200, 1_000),
    ]
    if gateway.views != nil { parameters.append(Parameter("as_of", .time, "As they were known then.")) }
    return [
      Page(
        ["bars"], .bars, "Bars", "Symbols that have bars, with their last closes.", [interval], refresh: .seconds(5)
      ) { view in
        PageContent([
          panel(
            "symbols", "Symbols", of: "symbols", [("of", "bar"), ("interval", view.optional("interval"))],
            nothing: "No symbol has bars of this interval. market-streamer brings them, and hot-writer keeps them."
          ) { [now = gateway.now] in Self.symbols($0, view, path: "bars", since: now()) },
        ])
      },
      Page(
        ["bars", "{symbol}"], .bars, "Bars of a symbol",
        "Candles with volume; shaded where nothing is known, hollow where a bar was revised.", parameters,
        refresh: .seconds(3)
      ) { view in
        let symbol = view.text("symbol")
        return PageContent(title: symbol, trail: [("Bars", Link(["bars"]))], [
          panel(
            "latest", "Last tick", of: "latestTick", [("symbol", symbol)], nothing: "No tick came.", Self.latest),
          candlePanel(view),
        ] + (gateway.topics.map { [tapePanel(symbol, $0)] } ?? []) + [
          panel(
            "gaps", "Gaps of the feeds", of: "gaps", [("symbol", symbol)],
            nothing: "No feed of it was interrupted.", Self.gaps),
        ])
      },
    ]
  }

  // MARK: - symbols

  /// - Parameter path: of the pages of the symbols.
  static func symbols(_ answer: DataValue, _ view: PageRequest, path: String, since now: Int64) -> [Panel.Content] {
    var table = Table([
      .text("symbol", "Symbol"), .number("last", "Last"), .number("change", "Change"), .number("percent", "%"),
      .number("points", "Over"), .text("time", "At, UTC"), .number("age", "Age"),
    ], name: "symbols")
    for row in answer.items("symbols") {
      let values = row.items("values")
      guard let last = values.last, let first = values.first else { continue }
      let (from, to) = (first.double("value"), last.double("value"))
      let age = last.time("time").map { Duration.milliseconds(max(0, Double(now) - $0)) }
      table.append([
        .of(row, "symbol"), .of(last, "value"), Report.Cell(.number(to - from), Self.signed(to - from)),
        from == 0 ? .text(nil) : Report.Cell(.number((to / from - 1) * 100), Self.signed((to / from - 1) * 100)),
        .count(values.count), .time(last, "time"), .time(age),
      ], links: ["symbol": Link([path, row.text("symbol") ?? ""], [("interval", view.given["interval"])])])
    }
    return [.table(table)]
  }

  private static func signed(_ value: Double) -> String {
    value.isFinite ? (value > 0 ? "+" : "") + Plot.decimal(value, 2) : "-"
  }

  // MARK: - ticks

  private static func latest(_ answer: DataValue) -> [Panel.Content] {
    let (trade, quote) = (answer["trade"] ?? .null, answer["quote"] ?? .null)
    let spread = quote.double("ask") - quote.double("bid")
    var facts: [Panel.Fact] = [
      .init("price", "Price", .of(trade, "price")), .init("size", "Size", .of(trade, "size")),
      .init("bid", "Bid", .of(quote, "bid")), .init("ask", "Ask", .of(quote, "ask")),
    ]
    if spread.isFinite {
      facts.append(.init("spread", "Spread", Report.Cell(.number(spread), Plot.decimal(spread, 4))))
    }
    let isStale = answer["stale"] == .bool(true)
    let age = answer.double("age_seconds")
    facts += [
      .init("time", "Traded, UTC", .time(trade, "event_time")),
      .init(
        "age", isStale ? "Age: stale" : "Age", .time(age.isFinite ? .seconds(age) : nil), isStale ? .warning : .plain),
    ]
    return [.facts(facts)]
  }

  /// What came on the topics while this process ran: the same events as those of `/live`.
  private func tapePanel(_ symbol: String, _ topics: LiveTopics) -> Panel {
    let asked = [("symbols", Optional(symbol)), ("kinds", Optional("tick"))]
    return Panel("tape", "Tape", Question("live", asked, of: gateway).map { .api($0.address) }) {
      let events = gateway.live.hub.recent(symbol, kinds: ["tick"], most: 60)
      guard topics.isReachable || !events.isEmpty else { throw Problem.away("kafka", "Kafka does not answer.") }
      var table = Table([
        .text("time", "Time, UTC"), .text("kind", "Kind"), .number("price", "Price"), .number("size", "Size"),
        .number("bid", "Bid"), .number("ask", "Ask"), .text("exchange", "Exchange"), .text("conditions", "Conditions"),
        .text("feed", "Feed"),
      ], name: "ticks")
      for event in events {
        guard let tick = DataValue(parsing: event.json) else { continue }
        let time = tick.text("event_ns").flatMap { Int64($0) }.map { RFC3339.text(ns: $0) }
        table.append([
          Report.Cell(DataValue(time), time.map { String($0.dropFirst(11).prefix(12)) } ?? "-"), .of(tick, "kind"),
          .of(tick, "price"), .of(tick, "size"), .of(tick, "bid"), .of(tick, "ask"), .of(tick, "exchange"),
          Report.Cell(tick["conditions"] ?? .null, tick.items("conditions").compactMap(\.text).joined(separator: " ")),
          .of(tick, "feed"),
        ], tick.text("kind") == "quote" ? .faint : .plain)
      }
      return Panel.Filling([.table(table)], nothing: "No tick of \(symbol) came since this gateway began.")
    }
  }

  private static func gaps(_ answer: DataValue) -> [Panel.Content] {
    var table = Table([
      .text("from", "From, UTC"), .text("to", "To, UTC"), .text("feed", "Feed"), .text("why", "Why"),
      .text("state", "State"), .text("reason", "Reason"),
    ], name: "gaps")
    for gap in answer.items("gaps").reversed() {
      table.append([
        .time(gap, "from"), .time(gap, "to"), .of(gap, "feed"), .of(gap, "why"), .of(gap, "state"), .of(gap, "reason"),
      ], gap.text("state") == "filled" ? .plain : .warning)
    }
    return [.table(table)]
  }

  // MARK: - candles

  private func candlePanel(_ view: PageRequest) -> Panel {
    let (symbol, interval) = (view.text("symbol"), view.text("interval"))
    let length = Double(FeedBarFields.lengths[interval] ?? 0) / 1_000_000
    var given: [(name: String, value: String?)] = ["interval", "end", "as_of"].map { ($0, view.given[$0]) }
    given += [("symbol", symbol), ("limit", view.given["limit"] ?? "200"), ("start", view.given["start"])]
    let asked = given
    return Panel(
      "candles", "Bars of \(interval)", Question("bars", asked, of: gateway).map { .api($0.address) }
    ) {
      var asked = asked
      // Pages of the API go forward: the last bars begin where the last value and so many before it are.
      if view.given["start"] == nil {
        var end = view.time("end").map { Double($0) }
        if end == nil { end = try await lastBar(of: symbol, interval) }
        // Nights and weekends have no bars: seven hours of a day, five days of a week.
        let days = Double(view.count("limit")) * length / (length < 86_400_000 ? 23_400_000 : 86_400_000)
        let start = (end ?? Double(gateway.now())) - (days * 1.5 + 5) * 86_400_000
        asked.removeAll { $0.name == "start" || $0.name == "limit" }
        asked += [("start", RFC3339.text(ns: Int64(Swift.max(0, start)) * 1_000_000)), ("limit", "10000")]
      }
      do {
        let answer = try await ask("bars", asked)
        let bars = answer.items("bars").suffix(view.count("limit"))
        let contents = Candles(Array(bars), gaps: answer.items("gaps"), length: length, gateway.calendar).contents
        return Panel.Filling(contents + (bars.isEmpty ? [] : answer.warnings), nothing: "No bar is in this time.")
      } catch let problem as Problem where problem.status == 404 {
        return Panel.Filling([], nothing: "Nothing is known of \(symbol).")
      }
    }
  }

  /// The begin of the last bar that the live side has, milliseconds since 1970.
  private func lastBar(of symbol: String, _ interval: String) async throws -> Double? {
    let answer = try? await ask("symbols", [("of", "bar"), ("interval", interval), ("points", "1")])
    return answer?.items("symbols").first { $0.text("symbol") == symbol }?.items("values").last?.time("time")
  }
}
