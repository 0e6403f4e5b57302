import Core
import Operations

/// One forecast as intervals over its steps, and the values that came before and meanwhile.
struct Fan: Sendable {
  /// Of the outermost interval on: what it promises, 0 to 1, and its bounds by step.
  struct Band: Hashable, Sendable {
    var promised: Double
    var lower: [Double]
    var upper: [Double]
  }
  private let rows: [DataValue]
  private let observed: [DataValue]
  /// The rows that say a value, in the order of their steps.
  private let steps: [DataValue]

  /// - Parameters:
  ///   - rows: of one model, as the API tells forecasts.
  ///   - observed: ascending, as it tells observations.
  init(_ rows: [DataValue], _ observed: [DataValue]) {
    (self.rows, self.observed) = (rows, observed)
    steps = rows.filter { $0.time("target_at") != nil && $0.double("mean").isFinite }
      .sorted { ($0.time("target_at") ?? 0) < ($1.time("target_at") ?? 0) }
  }

  /// Intervals are pairs of quantiles about the middle; every step has to have the same ones.
  static func bands(_ steps: [[(probability: Double, value: Double)]]) -> [Band] {
    guard let first = steps.first, steps.allSatisfy({ $0.map(\.probability) == first.map(\.probability) }) else {
      return []
    }
    return (0..<first.count / 2).map { place in
      Band(
        promised: first[first.count - 1 - place].probability - first[place].probability,
        lower: steps.map { $0[place].value }, upper: steps.map { $0[$0.count - 1 - place].value })
    }
  }

  private static func quantiles(_ row: DataValue) -> [(probability: Double, value: Double)] {
    row.items("quantiles").compactMap { pair in
      pair.items.count == 2 ? (pair.items[0].double, pair.items[1].double) : nil
    }
  }

  private var unit: String {
    let named = steps.first ?? observed.last ?? .null
    return [named.text("currency"), named.text("unit")].compactMap { $0 }.joined(separator: "/")
  }

  var contents: [Panel.Content] {
    var contents: [Panel.Content] = rows.filter { $0.text("withheld") != nil }.prefix(1).map { row in
      .words(["""
        \(row.text("model") ?? "The model") withheld its forecast: \(row.text("withheld") ?? ""). It does not guess.
        """], .warning)
    }
    if let figure { contents.append(figure) }
    if !steps.isEmpty { contents.append(.table(table)) }
    return contents
  }

  private var figure: Panel.Content? {
    let past = observed.compactMap { row in row.time("observed_at").map { Plot.Point($0, row.double("value")) } }
    let times = steps.compactMap { $0.time("target_at") }
    let bands = Self.bands(steps.map(Self.quantiles))
    let means = zip(times, steps).map { Plot.Point($0, $1.double("mean")) }
    let values = past.map(\.y) + means.map(\.y) + bands.flatMap { $0.lower + $0.upper }
    let ends = past.map(\.x) + times
    guard let least = ends.min(), let most = ends.max(), let range = Plot.range(values) else { return nil }
    var plot = Plot(x: least...most, y: range, height: 300, unit: unit)
    // A fan opens at the last value that was known when it was issued.
    let issued = steps.first?.time("issued_at") ?? .infinity
    let root = past.last { $0.x <= issued }
    for (place, band) in bands.enumerated() {
      let lower = zip(times, band.lower).map { Plot.Point($0, $1) }
      let upper = zip(times, band.upper).map { Plot.Point($0, $1) }
      let percent = Plot.number(band.promised * 100)
      plot.band(
        lower: (root.map { [$0] } ?? []) + lower, upper: (root.map { [$0] } ?? []) + upper,
        place == 0 && bands.count > 1 ? "s2 outer" : "s2", title: "\(percent) % interval")
    }
    plot.line((root.map { [$0] } ?? []) + means, "s2", title: "forecast")
    plot.line(past, "s1", title: "values that came")
    // What came since it was issued.
    plot.dots(past.filter { $0.x > issued }, "s1")
    let promises = bands.map { "\(Plot.number($0.promised * 100)) %" }.joined(separator: ", ")
    let legend = Board.legend([("s1", "values that came")] + (steps.isEmpty ? [] : [
      ("s2", "forecast" + (bands.isEmpty ? "" : " with its intervals of \(promises)")),
    ]))
    let data = DataValue.object([.init("forecast", .list(steps)), .init("observations", .list(observed))])
    let svg = plot.svg("The forecast with its intervals, and the values that came")
    return .figure(.all([svg, legend]), name: "fan", data)
  }

  private var table: Table {
    let probabilities = steps.first.map { Self.quantiles($0).map(\.probability) } ?? []
    var table = Table(
      [.number("step", "Step"), .text("target_at", "About, UTC"), .number("mean", "Mean \(unit)")]
        + probabilities.map { .number("q\(Plot.number($0 * 100))", "\(Plot.number($0 * 100)) %") }
        + [.text("model_version", "Version"), .text("flags", "Flags")], name: "steps")
    for row in steps {
      let quantiles = row.items("quantiles").map { $0.items.count == 2 ? $0.items[1] : .null }
      let cells = probabilities.indices.map { place -> Report.Cell in
        let value = place < quantiles.count ? quantiles[place] : .null
        return Report.Cell(value, value.text ?? "-")
      }
      table.append(
        [.of(row, "step"), .time(row, "target_at"), .of(row, "mean")] + cells + [
          .of(row, "model_version"),
          Report.Cell(row["flags"] ?? .null, row.items("flags").compactMap(\.text).joined(separator: ", ")),
        ])
    }
    return table
  }
}

/// What forecasts of one step ahead said, beside the values that came.
struct Outcomes: Sendable {
  private let rows: [DataValue]

  init(_ rows: [DataValue]) { self.rows = rows }

  var contents: [Panel.Content] {
    let judged = rows.filter { $0["is_inside"] == .bool(true) || $0["is_inside"] == .bool(false) }
    let inside = judged.count { $0["is_inside"] == .bool(true) }
    let promised = judged.isEmpty ? .nan : judged.reduce(0) { $0 + $1.double("promised") } / Double(judged.count) * 100
    let reached = judged.isEmpty ? .nan : Double(inside) / Double(judged.count) * 100
    let (verdict, tone) = Board.verdict(promised: promised, reached: reached, of: judged.count)
    func percent(_ value: Double) -> Report.Cell {
      value.isFinite ? Report.Cell(.number(value), "\(Plot.decimal(value, 1)) %") : .text(nil)
    }
    var contents: [Panel.Content] = [.facts([
      .init("values", "Values that came", .count(rows.count)), .init("promised", "Promised inside", percent(promised)),
      .init("reached", "Came inside", percent(reached), tone), .init("verdict", "Intervals", .text(verdict), tone),
    ])]
    if let figure { contents.append(figure) }
    contents.append(.table(table))
    return contents
  }

  private var figure: Panel.Content? {
    let points = rows.compactMap { row in row.time("target_at").map { ($0, row) } }
    guard let first = points.first?.0, let last = points.last?.0, let range = Plot.range(
      points.flatMap { [$0.1.double("actual"), $0.1.double("lower"), $0.1.double("upper"), $0.1.double("mean")] })
    else { return nil }
    var plot = Plot(x: first...last, y: range)
    let banded = points.filter { $0.1.double("lower").isFinite && $0.1.double("upper").isFinite }
    plot.band(
      lower: banded.map { .init($0.0, $0.1.double("lower")) }, upper: banded.map { .init($0.0, $0.1.double("upper")) },
      "s2", title: "the interval that was promised")
    plot.line(points.map { .init($0.0, $0.1.double("mean")) }, "s2 thin", title: "what was said")
    for (isMiss, style) in [(false, "s1"), (true, "s5")] {
      let shown = points.filter { ($0.1["is_inside"] == .bool(false)) == isMiss }
      plot.dots(
        shown.map { .init($0.0, $0.1.double("actual")) }, style,
        titles: shown.map { "\($0.1.text("actual") ?? "") at \($0.1.text("observed_at") ?? "")" })
    }
    let legend = Board.legend([
      ("s2", "what was said, and its interval"), ("s1", "came inside"), ("s5", "came outside"),
    ])
    return .figure(
      .all([plot.svg("Values that came, beside the intervals that were promised for them"), legend]), name: "outcomes",
      .list(rows))
  }

  /// The newest first.
  private var table: Table {
    var table = Table([
      .text("target_at", "About, UTC"), .number("mean", "Said"), .number("lower", "From"), .number("upper", "To"),
      .number("actual", "Came"), .number("absolute_error", "Off by"), .text("inside", "Inside"),
      .text("issued_at", "Said at, UTC"), .text("model_version", "Version"),
    ], name: "rows")
    for row in rows.reversed().prefix(50) {
      let isMiss = row["is_inside"] == .bool(false)
      table.append([
        .time(row, "target_at"), .of(row, "mean"), .of(row, "lower"), .of(row, "upper"), .of(row, "actual"),
        .of(row, "absolute_error"), .text(row["is_inside"] == .bool(true) ? "yes" : isMiss ? "no" : nil),
        .time(row, "issued_at"), .of(row, "model_version"),
      ], isMiss ? .warning : .plain)
    }
    return table
  }
}
