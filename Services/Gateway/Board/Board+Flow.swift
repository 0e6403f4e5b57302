import Core
import Operations

/// Unusual activity in options, beside the price of the underlying.
extension Board {
  var flowPages: [Page] {
    [
      Page(
        ["flow"], .flow, "Options flow", "Underlyings with unusual activity in their options.", refresh: .seconds(5)
      ) { view in
        PageContent([
          panel(
            "symbols", "Net premium of the last event", of: "symbols", [("of", "flow")],
            nothing: "No unusual activity was seen. options-detector finds it, and hot-writer keeps it."
          ) { [now = gateway.now] in Self.symbols($0, view, path: "flow", since: now()) },
        ])
      },
      Page(
        ["flow", "{symbol}"], .flow, "Options flow of a symbol",
        "Each event with the rule that saw it, and the premium that bet on a rise or a fall.", [
          Gateway.symbol, Parameter("start", .time, "Events from here on; default 7 days before the last one."),
          Parameter("end", .time, "Events up to here, not included."),
        ], refresh: .seconds(5)
      ) { view in
        PageContent(title: view.text("symbol"), trail: [("Options flow", Link(["flow"]))], [flowPanel(view)])
      },
    ]
  }

  private func flowPanel(_ view: PageRequest) -> Panel {
    let symbol = view.text("symbol")
    let asked: [(String, String?)] = [("symbol", symbol), ("end", view.given["end"]), ("limit", "10000")]
    return Panel(
      "flow", "Events", Question("flow", asked + [("start", view.given["start"])], of: gateway).map { .api($0.address) }
    ) {
      var start = view.given["start"]
      if start == nil { start = try await before(.seconds(7 * 86_400), of: "flow", symbol) }
      let answer = try await ask("flow", asked + [("start", start)])
      let prices = try? await closes(of: symbol, over: answer.items("events"))
      return Panel.Filling(
        Self.flow(answer, prices ?? []) + answer.warnings,
        nothing: "No unusual activity in options on \(symbol) is kept.")
    }
  }

  /// The time that lies so long before the last value of a symbol; nil without one.
  func before(_ duration: Duration, of kind: String, _ symbol: String) async throws -> String? {
    let answer = try await ask("symbols", [("of", kind), ("points", "1")])
    let last = answer.items("symbols").first { $0.text("symbol") == symbol }?.items("values").last?.time("time")
    return last.map { RFC3339.text(ns: Int64(max(0, $0 - duration / .milliseconds(1))) * 1_000_000) }
  }

  /// Closes of a symbol over the times of rows, which have a `time`; of hours where they are of more than two days.
  func closes(of symbol: String, over rows: [DataValue]) async throws -> [Plot.Point] {
    let times = rows.compactMap { $0.time("time") }
    guard let first = times.min(), let last = times.max() else { return [] }
    let isLong = last - first > 172_800_000
    let room = isLong ? 3_600_000.0 : 600_000
    func text(_ time: Double) -> String { RFC3339.text(ns: Int64(max(0, time)) * 1_000_000) }
    let answer = try await ask("bars", [
      ("symbol", symbol), ("interval", isLong ? "1h" : "1m"), ("start", text(first - room)), ("end", text(last + room)),
      ("limit", "10000"),
    ])
    return answer.items("bars").compactMap { bar in bar.time("start").map { .init($0, bar.double("close")) } }
  }

  /// A price over a second chart of the same times.
  static func price(_ points: [Plot.Point], over x: ClosedRange<Double>) -> HTML {
    let points = points.filter { x.contains($0.x) }
    guard let range = Plot.range(points.map(\.y)) else {
      return .tag("p", [.class("note")], "No bars of these times are kept, so no price is drawn.")
    }
    var plot = Plot(x: x, y: range, height: 160, unit: "Price")
    // No line over a time without bars: half an hour of minutes, thirty hours of hours.
    let step = zip(points, points.dropFirst()).map { $1.x - $0.x }.min() ?? 0
    var line: [Plot.Point] = []
    for point in points {
      if let last = line.last, point.x - last.x > 30 * step { line.append(.init(point.x, .nan)) }
      line.append(point)
    }
    plot.line(line, "s1", title: "closes of bars")
    return plot.svg("The price over the same time")
  }

  private static func flow(_ answer: DataValue, _ prices: [Plot.Point]) -> [Panel.Content] {
    let events = answer.items("events")
    let times = events.compactMap { $0.time("time") }
    guard let first = times.min(), let last = times.max() else { return [] }
    let room = max(60_000, (last - first) * 0.03)
    let x = first - room...last + room
    var contents: [Panel.Content] = []
    let bets = events.compactMap { event in event.time("time").map { ($0, event, event.double("net_premium")) } }
    if let range = Plot.range(bets.map(\.2), withZero: true) {
      var plot = Plot(x: x, y: range, height: 180, unit: "Net $")
      for (style, isRise) in [("s4", true), ("s5", false)] {
        let shown = bets.filter { $0.2.isFinite && ($0.2 >= 0) == isRise }
        plot.bars(
          shown.map { .init($0.0, $0.2) }, wide: (x.upperBound - x.lowerBound) / 160, style,
          titles: shown.map { "\($0.1.text("rule") ?? ""), \($0.1.text("net_premium") ?? "")" })
      }
      let legend = legend([("s1", "price"), ("s4", "bets on a rise"), ("s5", "bets on a fall")])
      contents.append(.figure(
        .all([price(prices, over: x), plot.svg("Net premium of each event"), legend]), name: "events", .list(events)))
    }
    var table = Table([
      .text("time", "First print, UTC"), .text("rule", "Rule"), .text("side", "Side"), .number("premium", "Premium $"),
      .number("net_premium", "Net $"), .number("size", "Contracts"), .number("prints", "Prints"),
      .number("exchanges", "Exchanges"), .number("price", "Price"), .text("contracts", "Of"), .text("status", "Status"),
      .text("condition", "Why"),
    ])
    for event in events.reversed().prefix(200) {
      let contracts = event.items("contracts").compactMap(\.text)
      let status = event.text("status")
      table.append([
        .time(event, "time"), .of(event, "rule"), .of(event, "side"), Self.dollars(event, "premium"),
        Self.dollars(event, "net_premium"), .of(event, "size"), .of(event, "prints"), .of(event, "exchanges"),
        .of(event, "price"), Report.Cell(event["contracts"] ?? .null, contracts.joined(separator: " ")),
        .of(event, "status"), .of(event, "condition"),
      ], status == "confirmed" ? .good : status == "refuted" ? .faint : .plain)
    }
    return contents + [
      .words(["""
        confirmed: open interest grew the next morning, so a position was opened; refuted: it did not. The premium is \
        price times size times shares; net is above zero for bought calls and sold puts.
        """]), .table(table),
    ]
  }

  /// Grouped in the table, as it is written in JSON.
  private static func dollars(_ row: DataValue, _ name: String) -> Report.Cell {
    let value = row.double(name)
    return Report.Cell(row[name] ?? .null, value.isFinite ? Plot.decimal(value, 0) : "-")
  }
}
