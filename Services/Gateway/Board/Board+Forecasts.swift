import Core
import Operations

/// Forecasts beside what came: which coverage was promised, and which was reached.
extension Board {
  private static let kind = Parameter("kind", .choice(["price", "demand"], standard: "price"), "Of what.")

  var forecastPages: [Page] {
    guard gateway.database != nil else { return [] }
    return [
      Page(
        ["forecasts"], .forecasts, "Forecasts", "Which series are forecast, and how good the models were.",
        [
          Parameter("pattern", .text(most: 200), "As routes are written: * is one word, # any number: eu.*.polymer.#"),
          Self.kind, Gateway.limit(50, 500), Gateway.cursor,
        ]
      ) { view in
        PageContent([
          panel(
            "accuracy", "How good the models were", of: "accuracy", [("kind", view.optional("kind"))],
            nothing: "No model has made a forecast.", Self.accuracy),
          panel(
            "series", "Series", of: "series", ["pattern", "kind", "limit", "cursor"].map { ($0, view.given[$0]) },
            nothing: "No series matches. inference-worker makes forecasts, and db-writer keeps them."
          ) { Self.series($0, view) },
        ])
      },
      Page(
        ["forecasts", "{series}"], .forecasts, "Forecasts of a series",
        "The last forecast as a fan over the values that came, and what earlier ones promised.",
        [
          Parameter("series", .word(most: 200), in: .path, "region.country.category.material."), Self.kind,
          Parameter("model", .word(most: 200), "Of this model only."),
          Parameter("as_of", .time, "The forecast that was the last one then; default now."),
          Parameter("days", .count(standard: 180, most: 3_660), "How far back the charts reach."),
          Parameter("step", .count(standard: 1, most: 1_000), "How many steps ahead the outcomes were said."),
        ]
      ) { view in try await series(view) },
    ]
  }

  // MARK: - all series

  private static func series(_ answer: DataValue, _ view: PageRequest) -> [Panel.Content] {
    var table = Table([
      .text("series", "Series"), .number("observations", "Values"), .text("observed_at", "Last value, UTC"),
      .number("steps", "Forecast steps"), .number("withheld", "Withheld"), .text("issued_at", "Last forecast, UTC"),
      .text("models", "Models"), .text("unit", "Unit"),
    ], name: "series")
    for row in answer.items("series") {
      let unit = [row.text("currency"), row.text("unit")].compactMap { $0 }.joined(separator: "/")
      table.append([
        .of(row, "series"), .of(row, "observations"), .time(row, "observed_at"), .of(row, "steps"),
        .of(row, "withheld"), .time(row, "issued_at"),
        Report.Cell(row["models"] ?? .null, row.items("models").compactMap(\.text).joined(separator: ", ")),
        .text(unit),
      ], links: ["series": Link(["forecasts", row.text("series") ?? ""], [("kind", view.given["kind"])])])
    }
    table.next = answer.text("next_cursor").map { view.link(["cursor": $0]) }
    guard !table.report.rows.isEmpty else { return [] }
    return [.words(["\(answer.text("count") ?? "0") series match \(answer.text("pattern") ?? "#")."]), .table(table)]
  }

  /// Points that the reached coverage may be off the promise before it is marked.
  private static let tolerance = 10.0
  /// Fewer values than this say little.
  private static let fewest = 20

  private static func accuracy(_ answer: DataValue) -> [Panel.Content] {
    var table = Table([
      .text("model", "Model"), .text("model_version", "Version"), .text("model_kind", "Kind"),
      .number("compared", "Compared"), .number("mae", "MAE"), .number("mape", "MAPE %"),
      .number("relative_error", "MAE / naive"), .number("promised", "Promised %"), .number("coverage", "Reached %"),
      .text("verdict", "Intervals"), .number("steps", "Steps"), .text("withheld_by_reason", "Withheld"),
    ], name: "versions")
    for row in answer.items("versions") {
      let (verdict, tone) = verdict(
        promised: row.double("promised"), reached: row.double("coverage"), of: Int(row.text("intervals") ?? "") ?? 0)
      var reasons: [String] = []
      if case .object(let fields)? = row["withheld_by_reason"] {
        reasons = fields.map { "\($0.value.text ?? "0") × \($0.name)" }
      }
      table.append([
        .of(row, "model"), .of(row, "model_version"), .of(row, "model_kind"), .of(row, "compared"),
        .of(row, "mae"), .of(row, "mape"), .of(row, "relative_error"), .of(row, "promised"), .of(row, "coverage"),
        .text(verdict), .of(row, "steps"),
        Report.Cell(row["withheld_by_reason"] ?? .null, reasons.isEmpty ? "-" : reasons.joined(separator: ", ")),
      ], tone)
    }
    guard !table.report.rows.isEmpty else { return [] }
    return [
      .table(table),
      .words(["""
        MAE is the mean absolute error; "MAE / naive" divides it by that of the last value known at the issue: below 1 \
        is better than "it stays as it is".
        """]),
    ]
  }

  /// What the reached coverage says of the promised one, both in percent.
  static func verdict(promised: Double, reached: Double, of count: Int) -> (text: String, tone: Tone) {
    guard count > 0, promised.isFinite, reached.isFinite else { return ("no intervals", .plain) }
    let off = reached - promised
    guard count >= fewest else { return ("only \(count) values", .faint) }
    guard abs(off) > tolerance else { return ("hold", .good) }
    return ("too \(off < 0 ? "narrow" : "wide"): \(Plot.decimal(abs(off), 1)) points off", .bad)
  }

  // MARK: - one series

  private func series(_ view: PageRequest) async throws -> PageContent {
    let (name, kind) = (view.text("series"), view.text("kind"))
    let asked: [(String, String?)] = [("series", name), ("kind", kind)]
    // The charts reach back from the last value, not from now: a demo, or a series that ended, has old ones only.
    let known = try? await ask("series", [("pattern", name), ("kind", kind)]).items("series").first
    let last = known.flatMap { [$0.time("observed_at"), $0.time("issued_at")].compactMap { $0 }.max() }
    let from = Swift.max(0, Int64(last ?? Double(gateway.now())) - Int64(view.count("days")) * 86_400_000)
    let start = RFC3339.text(ns: from * 1_000_000, digits: 0)
    return PageContent(title: name, trail: [("Forecasts", Link(["forecasts"], [("kind", view.given["kind"])]))], [
      fanPanel(view, asked, start),
      outcomesPanel(view, asked, start),
      panel(
        "accuracy", "How good the models were for it", of: "accuracy", asked,
        nothing: "No forecast of this series came true yet.", Self.accuracy),
    ])
  }

  private func fanPanel(_ view: PageRequest, _ asked: [(String, String?)], _ start: String) -> Panel {
    let forecast = asked + [("as_of", view.given["as_of"])]
    return Panel("fan", "Forecast", Question("forecasts", forecast, of: gateway).map { .api($0.address) }) {
      async let steps = ask("forecasts", forecast)
      async let values = ask("observations", asked + [("start", start), ("limit", "10000")])
      let (answer, observed) = (try await steps, try await values)
      let models = answer.items("forecasts").compactMap { $0.text("model") }.unique
      let model = view.optional("model") ?? models.first
      let rows = answer.items("forecasts").filter { $0.text("model") == model }
      var contents: [Panel.Content] = []
      if models.count > 1 {
        contents.append(Self.choices("Model", models.map { ($0, view.link(["model": $0]), $0 == model) }))
      }
      contents += Fan(rows, observed.items("observations")).contents
      if let issued = rows.first?.text("issued_at"), let time = rows.first?.time("issued_at") {
        let earlier = RFC3339.text(ns: (Int64(time) - 1) * 1_000_000)
        contents.insert(Self.choices("Issued \(issued.prefix(16).replacing("T", with: " ")) UTC", [
          ("earlier", view.link(["as_of": earlier]), false),
          ("the last one", view.link(["as_of": nil]), view.given["as_of"] == nil),
        ]), at: 0)
      }
      return Panel.Filling(
        rows.isEmpty && observed.items("observations").isEmpty ? [] : contents + answer.warnings,
        nothing: "There is neither a value nor a forecast of it: inference-worker forecasts what routes lead to it.")
    }
  }

  private func outcomesPanel(_ view: PageRequest, _ asked: [(String, String?)], _ start: String) -> Panel {
    panel(
      "outcomes", "What was said, and what came", of: "outcomes", asked + [("start", start), ("limit", "10000")],
      nothing: "No time that was forecast has come with a value."
    ) { answer in
      let wanted = (model: view.optional("model"), step: view.count("step"))
      let models = answer.items("outcomes").compactMap { $0.text("model") }.unique
      let model = wanted.model ?? models.first
      let all = answer.items("outcomes").filter { $0.text("model") == model }
      let steps = Set(all.compactMap { $0.text("step").flatMap { Int($0) } }).sorted()
      // The step that was asked for; where that has nothing, the first that there is.
      let step = steps.contains(wanted.step) ? wanted.step : steps.first ?? wanted.step
      let rows = all.filter { $0.text("step") == "\(step)" }
      guard !rows.isEmpty else { return [] }
      let links = steps.prefix(12).map { ("\($0)", view.link(["step": "\($0)"]), $0 == step) }
      return [Self.choices("Steps ahead", links)] + Outcomes(rows).contents
    }
  }
}
