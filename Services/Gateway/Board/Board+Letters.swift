import ArgumentParser
import Catalogue
import Core
import Kafka
import Operations
import ServiceKit
import Synchronization

/// Dead letters: how many and why, one of them whole, and what may be done with them.
extension Board {
  private static let filters = [
    Parameter("code", .word(most: 64), "Only letters with this error code."),
    Parameter("service", .word(most: 64), "Only letters of this service."),
    Parameter("key", .text(most: 512), "Only letters with this key."),
    Parameter("since", .text(most: 40), "Only letters since then: 2h (so long ago) or an RFC 3339 time."),
    Parameter("where", .text(most: 200), "Only letters whose value has this: chain=shufersal."),
  ]
  private static let topic = Parameter("topic", .word(most: 249), in: .path, "The topic whose records they were.")

  var letterPages: [Page] {
    guard let sources else { return [] }
    let book = LetterBook(cluster: sources.cluster)
    var pages = [
      Page(
        ["dead-letters"], .deadLetters, "Dead letters",
        "Records that can never be processed, with the reason of each. None goes back by itself."
      ) { _ in PageContent([overview(book)]) },
      Page(
        ["dead-letters", "{topic}"], .deadLetters, "Dead letters of a topic", "When, why, where from.",
        [Self.topic] + Self.filters + [
          Parameter("all", .flag, "Also those that were redriven or dismissed."), Gateway.limit(100, 1_000),
        ]
      ) { view in
        let filter = try Self.filter(view)
        return PageContent(
          title: "Dead letters of \(view.text("topic"))", trail: [("Dead letters", Link(["dead-letters"]))],
          [letters(view, filter, book)] + (settings.allowsWrites ? [acts(view)] : []))
      },
      Page(
        ["letter"], .deadLetters, "A dead letter", "Everything that is known of it.",
        [
          Parameter("topic", .word(most: 249), isRequired: true, "The topic whose record it was."),
          Parameter("at", .text(most: 32), isRequired: true, "Its place in the dead-letter topic."),
        ], hasForm: false
      ) { view in
        let topic = view.text("topic")
        guard let id = RecordID(view.text("at")) else {
          throw Problem.badParameter("at", "is no place such as 3@17: partition@offset")
        }
        let letter = Kept(for: .seconds(10)) { try await Self.letter(topic, id, book) }
        return PageContent(
          title: "Dead letter \(id.partition)@\(id.offset)",
          trail: [("Dead letters", Link(["dead-letters"])), (topic, Link(["dead-letters", topic]))],
          [detail(topic, id, letter), around(topic, letter, sources)])
      },
    ]
    if settings.allowsWrites {
      pages.append(Page(
        ["redrive", "{topic}"], .deadLetters, "Redrive", "What would happen; nothing is sent by looking.",
        [Self.topic] + Self.filters
      ) { view in
        let filter = try Self.filter(view)
        return PageContent(
          title: "Redrive to \(view.text("topic"))",
          trail: [
            ("Dead letters", Link(["dead-letters"])), (view.text("topic"), Link(["dead-letters", view.text("topic")])),
          ], [dryRun(view, filter, book), acts(view)])
      })
    }
    return pages
  }

  /// - Throws: `Problem` 400 for a filter that is not understood.
  static func filter(_ view: PageRequest) throws(Problem) -> LetterFilter {
    let arguments = ["code", "service", "key", "since", "where"].compactMap { name in
      view.optional(name).map { "--\(name)=\($0)" }
    }
    do { return try LetterFilter.parse(arguments) } catch {
      throw Problem(400, "bad_parameter", LetterFilter.message(for: error))
    }
  }

  /// The same view's filter as words of `souk dlq`.
  private static func words(_ view: PageRequest) -> String {
    filters.compactMap { parameter in
      view.optional(parameter.name).map { " --\(parameter.name) '\($0.replacing("'", with: "'\\''"))'" }
    }.joined()
  }

  // MARK: - looking

  private func overview(_ book: LetterBook) -> Panel {
    Panel("topics", "By topic", .command("souk dlq")) {
      var topics: [(String, LetterCounts)] = []
      for origin in try await book.origins() {
        let counts = Mutex(LetterCounts())
        try await book.letters(of: origin) { letter in counts.withLock { $0.add(letter) } }
        topics.append((origin, counts.withLock { $0 }))
      }
      var report = LetterCounts.report(topics)
      report.notes = []
      return Panel.Filling([.table(Table(report) { row, column in
        guard column == "topic", let name = row.cells.first?.text else { return nil }
        return Link(["dead-letters", name])
      })], nothing: "There are no dead letters.")
    }
  }

  private func letters(_ view: PageRequest, _ filter: LetterFilter, _ book: LetterBook) -> Panel {
    let topic = view.text("topic")
    return Panel("letters", "Letters", .command("souk dlq ls \(topic)\(Self.words(view))")) {
      let found = try await book.letters(of: topic, where: filter)
      let wanted = found.filter { view.flag("all") || $0.handled == nil }
      if wanted.isEmpty {
        return Panel.Filling([], nothing: found.isEmpty
          ? "No dead letter matches." : "All \(counted(found.count, "dead letter")) were redriven or dismissed.")
      }
      var report = LetterReport(letters: found, limit: view.count("limit"), all: view.flag("all")).report
      report.notes = wanted.count > view.count("limit")
        ? ["\(grouped(wanted.count - view.count("limit"))) older letters are not shown."] : []
      let letters = Table(report) { row, column in
        switch column {
        case "id": Link(["letter"], [("topic", topic), ("at", row.cells[0].text)])
        case "code": view.link(["code": row.cells[2].text])
        case "service": view.link(["service": row.cells[3].text])
        default: nil
        }
      }
      return Panel.Filling(
        [.table(Self.groups(wanted, view))] + (Self.chart(wanted).map { [$0] } ?? []) + [.table(letters)], nothing: "")
    }
  }

  /// By service and code, with the newest of each as a sample.
  private static func groups(_ letters: [Letter], _ view: PageRequest) -> Table {
    var table = Table([
      .number("count", "Letters"), .text("code", "Code"), .text("service", "Service"), .text("newest", "Newest"),
      .text("sample", "Sample"),
    ], name: "groups")
    let groups = Dictionary(grouping: letters) { [$0.service, $0.code] }.values
    for group in groups.sorted(by: { ($1.count, $0[0].code) < ($0.count, $1[0].code) }) {
      guard let newest = group.max(by: { ($0.time ?? 0, $0.id) < ($1.time ?? 0, $1.id) }) else { continue }
      table.append([
        .count(group.count), .text(newest.code), .text(newest.service), .text(clockText(newest.time)),
        .text(newest.reason),
      ], .bad, links: [
        "code": view.link(["code": newest.code]), "service": view.link(["service": newest.service]),
        "sample": Link(["letter"], [
          ("topic", view.text("topic")), ("at", "\(newest.id.partition)@\(newest.id.offset)"),
        ]),
      ])
    }
    return table
  }

  /// How many came when.
  private static func chart(_ letters: [Letter]) -> Panel.Content? {
    let times = letters.compactMap(\.time).map(Double.init)
    guard let first = times.min(), let last = times.max(), last > first else { return nil }
    let wide = max(60_000, (last - first) / 40)
    let counts = Dictionary(grouping: times) { (($0 - first) / wide).rounded(.down) }.mapValues(\.count)
    let points = counts.sorted { $0.key < $1.key }.map { Plot.Point(first + ($0.key + 0.5) * wide, Double($0.value)) }
    guard let range = Plot.range(points.map(\.y), withZero: true) else { return nil }
    var plot = Plot(x: first...last + wide, y: range, height: 150)
    plot.bars(points, wide: wide * 0.9, "s2", titles: points.map { "\(Int($0.y))" })
    return .figure(plot.svg("Dead letters over time"), name: "over_time", .list(points.map { point in
      .object([
        .init("from", .text(RFC3339.text(ns: Int64(point.x - wide / 2) * 1_000_000))),
        .init("letters", .integer(Int64(point.y))),
      ])
    }))
  }

  private static func letter(_ topic: String, _ id: RecordID, _ book: LetterBook) async throws -> Letter? {
    let found = Mutex<Letter?>(nil)
    try await book.letters(of: topic) { letter in if letter.id == id { found.withLock { $0 = letter } } }
    return found.withLock { $0 }
  }

  private func detail(_ topic: String, _ id: RecordID, _ kept: Kept<Letter?>) -> Panel {
    Panel("letter", "The letter", .command("souk dlq show \(topic) \(id.partition)@\(id.offset)")) {
      guard let letter = try await kept.value().value else {
        return Panel.Filling([], nothing: "There is no dead letter at this place.")
      }
      var table = Table([.text("name", "What"), .text("value", "Value")], name: "about")
      if case .object(let fields) = LetterDetail(letter).data {
        for field in fields {
          guard case .text(let text) = field.value, field.name != "value" else { continue }
          table.append([.text(field.name.replacing("_", with: " ")), .text(text)])
        }
      }
      return Panel.Filling(
        [.words([letter.reason], .bad), .table(table)] + Self.whole(letter.record), nothing: "")
    }
  }

  /// Records about the original, at its place in its topic.
  private func around(_ topic: String, _ kept: Kept<Letter?>, _ sources: BoardSources) -> Panel {
    Panel("neighbours", "The original and its neighbours", .command("souk tap \(topic)")) {
      guard let letter = try await kept.value().value,
        let partition = letter.record.header(HeaderName.partition).flatMap({ Int32($0) }),
        let offset = letter.record.header(HeaderName.offset).flatMap({ Int64($0) })
      else { return Panel.Filling([], nothing: "The letter does not say where its original lies.") }
      let id = RecordID(partition: partition, offset: offset)
      return try await neighbours(letter.topic, id, sources).make()
    }
  }

  // MARK: - acting

  private func dryRun(_ view: PageRequest, _ filter: LetterFilter, _ book: LetterBook) -> Panel {
    let topic = view.text("topic")
    return Panel("plan", "With today's code", .command("souk dlq redrive \(topic)\(Self.words(view)) --dry-run")) {
      let plan = RedrivePlan(try await book.letters(of: topic, where: filter), mostRedrives: 3)
      var report = plan.report(sent: nil, topic)
      report.notes = [
        plan.counts.map { "\(grouped($0.count)) \($0.name)" }.joined(separator: ", "),
        "Would send \(counted(plan.sent.count, "record")) to \(topic), \(Self.mostActs) at a time.",
      ]
      return Panel.Filling([.table(Table(report) { row, column in
        column == "id" ? Link(["letter"], [("topic", topic), ("at", row.cells[0].text)]) : nil
      })], nothing: "No dead letter matches.")
    }
  }

  /// Letters that one press of a button sends or dismisses.
  static let mostActs = 1_000

  /// The forms of both acts. Each asks for the token: nothing that a browser sends by itself can change anything.
  private func acts(_ view: PageRequest) -> Panel {
    let topic = view.text("topic")
    @Sendable func form(_ act: String, _ text: HTML, _ more: HTML) -> HTML {
      .tag(
        "form", [.class("act"), .named("method", "post"), .action(Link([act, topic]))],
        .all(Self.filters.map { parameter in
          .tag("input", [
            .named("type", "hidden"), .named("name", parameter.name),
            .named("value", view.given[parameter.name] ?? ""),
          ])
        }),
        .tag("label", [], .tag("span", [], "Token"), .tag("input", [
          .named("type", "password"), .named("name", "token"), .named("autocomplete", "off"), .named("required"),
        ])),
        .tag("label", [], .tag("span", [], "Why, for the record"), .tag("input", [
          .named("type", "text"), .named("name", "reason"), .named("dir", "auto"), .named("maxlength", "200"),
        ])), more, .tag("button", [.named("type", "submit")], text))
    }
    return Panel("acts", "Send back or dismiss", nil) {
      let rate = HTML.tag("label", [], .tag("span", [], "Records a second"), .tag("input", [
        .named("type", "number"), .named("name", "rate"), .named("value", "100"), .named("min", "1"),
        .named("max", "1000"),
      ]))
      let shown = Dictionary(uniqueKeysWithValues: Self.filters.map { ($0.name, view.given[$0.name]) })
      let query = Self.filters.map { (name: $0.name, value: shown[$0.name] ?? nil) }
      return Panel.Filling([
        .words([
          "Both concern the letters that match the filter above and were not handled before. An audit record in "
            + "\(Topics.alerts.name) says who did it.",
        ]),
        .other(.all([
          .tag("p", [], Link(["redrive", topic], query).html("Dry run: what would pass with today's code")),
          form("redrive", "Redrive", rate), form("dismiss", "Dismiss", .nothing),
        ]), name: "acts", .list([.text("redrive"), .text("dismiss")])),
      ], nothing: "")
    }
  }
}
