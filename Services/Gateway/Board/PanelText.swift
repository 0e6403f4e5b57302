import Core
import Operations

/// Panels as HTML and as JSON.
extension Panel {
  func html(_ state: State) -> HTML {
    let (name, body, time): (String, [HTML], Int64?) = switch state {
    case .data(let filling): ("data", filling.contents.map(\.html), filling.asOf)
    case .empty(let filling): ("empty", [.tag("p", [.class("nothing")], .text(filling.nothing))], filling.asOf)
    case .away(let reason): ("away", [.tag("p", [.class("reason")], .tag("strong", [], "Away: "), .text(reason))], nil)
    }
    return .tag(
      "section",
      [.class("panel"), .id("panel-\(id)"), .named("data-state", name), .named("aria-labelledby", "title-\(id)")],
      .tag("header", [], .tag("h2", [.id("title-\(id)")], .text(title)), Self.age(time)),
      .tag("div", [.class("body")], all: body), sourceHTML)
  }

  /// `as of 21:41:07 UTC`, which the script keeps as `as of 3 s ago`.
  static func age(_ time: Int64?) -> HTML {
    guard let time else { return .nothing }
    let text = RFC3339.text(ns: time * 1_000_000)
    return .tag("time", [.class("age"), .named("datetime", text)], "as of \(clock(time)) UTC")
  }

  /// `21:41:07`, UTC.
  static func clock(_ milliseconds: Int64) -> String {
    String(RFC3339.text(ns: milliseconds * 1_000_000, digits: 0).dropFirst(11).prefix(8))
  }

  private var sourceHTML: HTML {
    guard let source else { return .nothing }
    return .tag(
      "details", [.class("source")], .tag("summary", [], .text(source.kind)),
      .tag("pre", [.named("tabindex", "0")], .tag("code", [], .text(source.text))))
  }

  func data(_ state: State) -> DataValue {
    var fields: [DataValue.Field] = [.init("id", .text(id)), .init("title", .text(title))]
    switch state {
    case .data(let filling):
      fields += [.init("state", .text("data")), .init("as_of", .text(RFC3339.text(ns: filling.asOf * 1_000_000)))]
      fields += Self.fields(filling.contents)
    case .empty(let filling):
      fields += [.init("state", .text("empty")), .init("as_of", .text(RFC3339.text(ns: filling.asOf * 1_000_000)))]
      fields.append(.init("reason", .text(filling.nothing)))
      fields += Self.fields(filling.contents)
    case .away(let reason): fields += [.init("state", .text("away")), .init("reason", .text(reason))]
    }
    if let source {
      fields.append(.init("source", .object([
        .init("kind", .text(source.kind)), .init("text", .text(source.text)),
      ])))
    }
    return .object(fields)
  }
}

extension Panel {
  /// Sentences of several contents are one list.
  private static func fields(_ contents: [Content]) -> [DataValue.Field] {
    let lines = contents.flatMap { content -> [String] in
      if case .words(let lines, _) = content { lines } else { [] }
    }
    let others = contents.flatMap(\.fields)
    return (lines.isEmpty ? [] : [.init("words", .list(lines.map { .text($0) }))]) + others
  }
}

extension Panel.Content {
  fileprivate var html: HTML {
    switch self {
    case .table(let table): table.html
    case .facts(let facts):
      .tag("dl", [.class("facts")], all: facts.map { fact in
        let text = HTML.name(fact.cell.text)
        return .tag(
          "div", [.class("fact \(fact.tone)")], .tag("dt", [], .text(fact.title)),
          .tag("dd", [], fact.link?.html(text) ?? text))
      })
    case .figure(let figure, let name, _): .tag("div", [.class("figure")] + Self.scrolls(name), figure)
    case .words(let lines, let tone): .all(lines.map { .tag("p", [.class("words \(tone)")], .text($0)) })
    case .other(let html, _, _): html
    }
  }

  /// A region that may be wider than the screen is scrolled by keys too.
  fileprivate static func scrolls(_ name: String) -> [HTML.Attribute?] {
    [.named("role", "region"), .named("aria-label", name), .named("tabindex", "0")]
  }

  fileprivate var fields: [DataValue.Field] {
    switch self {
    case .table(let table):
      (table.report.data.fields) + (table.next.map { [.init("next", .text($0.address))] } ?? [])
    case .facts(let facts): [.init("facts", .object(facts.map { .init($0.name, $0.cell.value) }))]
    case .figure(_, let name, let data), .other(_, let name, let data): [.init(name, data)]
    case .words: []
    }
  }
}

extension DataValue {
  fileprivate var fields: [Field] { if case .object(let fields) = self { fields } else { [] } }
}

extension Table {
  private var columns: [(offset: Int, element: Report.Column)] {
    report.columns.enumerated().filter { $0.element.rank != .max }
  }

  /// The rows of its body.
  var rows: [HTML] {
    let columns = columns
    return report.rows.enumerated().map { number, row in
      .tag("tr", [.class("\(row.tone)")], all: columns.map { index, column in
        let text = HTML.name(row.cells[index].text)
        return .tag(
          "td", [column.isRight ? .class("number") : nil], link(row: number, column: index)?.html(text) ?? text)
      })
    }
  }

  fileprivate var html: HTML {
    let head = HTML.tag("tr", [], all: columns.map { _, column in
      .tag("th", [.named("scope", "col"), column.isRight ? .class("number") : nil], .text(column.title))
    })
    var parts: [HTML] = [
      .tag(
        "div", [.class("table")] + Panel.Content.scrolls(report.name),
        .tag("table", [], .tag("thead", [], head), .tag("tbody", [], all: rows))),
    ]
    parts += report.notes.map { .tag("p", [.class("note")], .text($0)) }
    let pages = [(previous, "Newer" as HTML, "prev"), (next, "More", "next")].compactMap { link, text, relation in
      link?.html(text, .named("rel", relation))
    }
    if !pages.isEmpty { parts.append(.tag("nav", [.class("pages"), .named("aria-label", "Pages")], all: pages)) }
    return .all(parts)
  }
}
