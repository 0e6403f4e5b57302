import Core
import ServiceKit
import Values

/// The last price of each symbol as the recording, the time series database and the object store have it.
struct MarketAnswers: ComparedAnswers {
  let recorded: RecordedBars
  let points: MarketSide
  let stored: StoreSide.Reading
  /// Both ends held nothing before the run, so that numbers have to be equal, not only large enough.
  let isExact: Bool

  var differences: [String] {
    recorded.series.keys.sorted().compactMap { symbol in
      guard let truth = recorded.series[symbol] else { return nil }
      let (point, line) = (points.series[symbol], stored.side.series[symbol])
      let counts = [point?.bars ?? 0, line?.bars ?? 0]
      let isComplete = isExact ? counts == [truth.bars, truth.bars] : counts.allSatisfy { $0 >= truth.bars }
      if isComplete, point?.last == truth.last, line?.last == truth.last, point?.time == line?.time { return nil }
      return "\(symbol): \(truth.bars) bars, last \(truth.last), were recorded; InfluxDB has \(counts[0]), last "
        + "\(Self.text(point)); the object store \(counts[1]), last \(Self.text(line))"
    }
  }

  var lines: [String] {
    var table = TextTable([
      "SYMBOL", "OPENED (UTC)", .right("RECORDED"), .right("INFLUXDB"), .right("OBJECT STORE"), .right("BARS"),
      .right("POINTS"), .right("IN OBJECTS"),
    ])
    for symbol in recorded.series.keys.sorted().prefix(Self.mostShown) {
      guard let truth = recorded.series[symbol] else { continue }
      let (point, line) = (points.series[symbol], stored.side.series[symbol])
      table.append([
        symbol, line.flatMap { LocalDateTime(microseconds: $0.time) }.map { "\($0)" } ?? "-", "\(truth.last)",
        Self.text(point), Self.text(line), grouped(truth.bars), grouped(point?.bars ?? 0), grouped(line?.bars ?? 0),
      ])
    }
    var lines = ["", "What is the last price? (asked of each end itself)", ""] + table.lines
    let left = recorded.series.count - table.rows.count
    if left > 0 { lines.append("(and \(left) more)") }
    lines += [
      "",
      "\(recorded.series.count) symbols: \(grouped(recorded.bars)) bars recorded, \(grouped(points.bars)) points in "
        + "InfluxDB, \(grouped(stored.side.bars)) bars in \(grouped(stored.objects)) objects of "
        + "\(grouped(stored.lines)) lines.",
    ]
    if differences.isEmpty { lines.append("All three agree on the last price of every symbol.") }
    return lines + [""]
  }

  private static let mostShown = 40

  private static func text(_ series: MarketSide.Series?) -> String { series.map { "\($0.last)" } ?? "-" }
}
