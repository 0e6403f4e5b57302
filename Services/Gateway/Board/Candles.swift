import Core
import Operations
import Values

/// Bars as candles over their places, so that a night takes no room; what is missing among them takes a place, shaded.
struct Candles: Sendable {
  enum Slot: Hashable, Sendable {
    /// The place among the bars.
    case bar(Int)
    /// Nothing is known of this time.
    case gap
  }
  private let bars: [DataValue]
  private let slots: [Slot]
  /// Slots at which a session begins, with its date.
  private let sessions: [(slot: Int, date: String)]
  private let isDaily: Bool

  /// - Parameters:
  ///   - bars: ascending, as the API tells them.
  ///   - gaps: as it tells them beside the bars.
  ///   - length: of a bar, milliseconds.
  init(_ bars: [DataValue], gaps: [DataValue], length: Double, _ calendar: NYSECalendar) {
    self.bars = bars
    isDaily = length >= 86_400_000
    let known = gaps.compactMap { gap -> ClosedRange<Double>? in
      guard let from = gap.time("from") else { return nil }
      return from...max(from, gap.time("to") ?? .greatestFiniteMagnitude)
    }
    let starts = bars.map { $0.time("start") ?? 0 }
    let dates = starts.map { "\(calendar.date(ofMilliseconds: Int64($0)))" }
    slots = Self.slots(starts, dates: dates, gaps: known, length: length)
    var begun: [(slot: Int, date: String)] = []
    for (place, slot) in slots.enumerated() {
      if case .bar(let bar) = slot, bar == 0 || dates[bar] != dates[bar - 1] { begun.append((place, dates[bar])) }
    }
    sessions = begun
  }

  /// Between two bars that do not follow each other: a gap where one is known, or where half an hour of a session has
  /// no bar; a time without trades has none either.
  static func slots(_ starts: [Double], dates: [String], gaps: [ClosedRange<Double>], length: Double) -> [Slot] {
    var slots: [Slot] = []
    for (place, start) in starts.enumerated() {
      if place > 0 {
        let end = starts[place - 1] + length
        let isKnown = end < start && gaps.contains { $0.lowerBound < start && end < $0.upperBound }
        let isLong = dates[place] == dates[place - 1] && start - end >= max(1_800_000, length)
        if isKnown || isLong { slots += Array(repeating: .gap, count: min(6, max(1, Int((start - end) / length)))) }
      }
      slots.append(.bar(place))
    }
    return slots
  }

  var contents: [Panel.Content] {
    guard let figure else { return [] }
    let revised = bars.count { $0.double("revision") > 0 }
    var words = ["\(bars.count) bars, times in UTC, a line where a session begins."]
    if revised > 0 { words.append("\(revised) were revised since they were first sent: they are hollow.") }
    if slots.contains(.gap) { words.append("Shaded: nothing is known of that time, or half an hour has no bar.") }
    return [figure, .words(words), .table(table)]
  }

  private var figure: Panel.Content? {
    let drawn = slots.enumerated().compactMap { place, slot -> (x: Double, bar: DataValue)? in
      guard case .bar(let bar) = slot, bars[bar].double("close").isFinite else { return nil }
      return (Double(place), bars[bar])
    }
    guard let prices = Plot.range(drawn.flatMap { [$0.bar.value("high"), $0.bar.value("low")] }) else { return nil }
    let x = -0.5...Double(slots.count) - 0.5
    let step = max(1, slots.count / 6)
    var labels: [(x: Double, text: String)] = []
    for (place, slot) in slots.enumerated() {
      guard case .bar(let bar) = slot, let start = bars[bar].text("start") else { continue }
      guard labels.last.map({ Double(place) - $0.x >= Double(step) }) ?? true else { continue }
      labels.append((Double(place), isDaily ? String(start.prefix(10)) : String(start.dropFirst(5).prefix(11))))
    }
    var plot = Plot(x: x, y: prices, height: 280, isTime: false)
    var volumes = Plot(
      x: x, y: 0...max(1, drawn.map { $0.bar.double("volume") }.filter(\.isFinite).max() ?? 1), height: 110,
      isTime: false, unit: "Volume")
    (plot.labels, volumes.labels) = (labels, labels)
    for (place, slot) in slots.enumerated() where slot == .gap {
      plot.shade(Double(place) - 0.5...Double(place) + 0.5, "bad", title: "nothing is known of this time")
    }
    for session in isDaily ? [] : sessions {
      plot.shade(Double(session.slot) - 0.55...Double(session.slot) - 0.45, "", title: "session of \(session.date)")
    }
    var styles: [Int: String] = [:]
    for (place, each) in drawn.enumerated() where each.bar.double("revision") > 0 { styles[place] = "flagged" }
    plot.candles(
      drawn.map { each in
        Plot.Candle(
          each.x, open: each.bar.value("open"), high: each.bar.value("high"), low: each.bar.value("low"),
          close: each.bar.double("close"))
      }, wide: 0.7, styles: styles, titles: drawn.map { Self.title($0.bar) })
    volumes.bars(drawn.map { .init($0.x, $0.bar.double("volume")) }, wide: 0.7, "s6")
    return .figure(
      .all([plot.svg("Candles of the bars by their begins"), volumes.svg("Volume of the bars")]), name: "bars",
      .list(bars))
  }

  private static func title(_ bar: DataValue) -> String {
    let values = ["open", "high", "low", "close", "volume"].compactMap { name in
      bar.text(name).map { "\(name) \($0)" }
    }
    let revision = bar.double("revision") > 0 ? ", revision \(bar.text("revision") ?? "")" : ""
    return "\(bar.text("start") ?? ""): \(values.joined(separator: ", "))\(revision)"
  }

  /// The newest first.
  private var table: Table {
    var table = Table([
      .text("start", "Begins, UTC"), .number("open", "Open"), .number("high", "High"), .number("low", "Low"),
      .number("close", "Close"), .number("volume", "Volume"), .number("trades", "Trades"), .text("source", "Of"),
      .number("revision", "Revision"), .text("known_at", "Known, UTC"),
    ], name: "rows")
    for bar in bars.reversed().prefix(100) {
      table.append([
        .time(bar, "start"), .of(bar, "open"), .of(bar, "high"), .of(bar, "low"), .of(bar, "close"),
        .of(bar, "volume"), .of(bar, "trades"), .of(bar, "source"), .of(bar, "revision"), .time(bar, "known_at"),
      ], bar.double("revision") > 0 ? .warning : .plain)
    }
    return table
  }
}

extension DataValue {
  /// Of a bar that lacks it, its close: hot-writer may be told to leave others out.
  fileprivate func value(_ name: String) -> Double {
    let value = double(name)
    return value.isFinite ? value : double("close")
  }
}
