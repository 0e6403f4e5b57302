import Catalogue
import Core
import Messages
import Operations
import ServiceKit
import Values

/// Gaps of market feeds, by day.
extension Board {
  var gapPages: [Page] {
    guard let topics = gateway.topics else { return [] }
    return [
      Page(
        ["gaps"], .gaps, "Gaps", "When feeds were not listened to, and what became of it.",
        [
          Parameter("symbol", .word(most: 40, others: Parameter.wordBytes + "*"), "Only gaps of this symbol."),
          Parameter("days", .count(standard: 14, most: 60), "So many days back."), Gateway.limit(200, 2_000),
        ], refresh: .seconds(15)
      ) { view in
        PageContent([
          Panel("calendar", "Calendar", .api("GET /api/v1/gaps/{symbol}")) { try calendar(view, topics) },
          Panel("gaps", "Gaps, the newest first", .command("souk tap \(Topics.marketGaps.name) --from earliest")) {
            try gaps(view, topics)
          },
        ])
      },
    ]
  }

  private func known(_ view: PageRequest, _ topics: LiveTopics) throws -> [FeedGap] {
    guard topics.hasRead(Topics.marketGaps) else {
      throw Problem.away("kafka", "Kafka does not answer, and the topic of gaps has not been read yet.")
    }
    let first = (today - Int64(view.count("days")) + 1) * 86_400
    return gateway.live.allGaps.filter { gap in
      view.optional("symbol").map { $0 == gap.symbol } ?? true && (gap.toNs ?? .max) / 1_000_000_000 >= first
    }
  }

  private var today: Int64 { (gateway.now() / 1_000).flooredDivision(by: 86_400).quotient }

  /// Rows are feeds with their symbols, columns days of UTC.
  private func calendar(_ view: PageRequest, _ topics: LiveTopics) throws -> Panel.Filling {
    let gaps = try known(view, topics)
    let days = (today - Int64(view.count("days")) + 1)...today
    let rows = Dictionary(grouping: gaps) { [$0.feed, $0.symbol] }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    let now = gateway.now() / 1_000
    func date(_ day: Int64) -> String { String(RFC3339.text(ns: day * 86_400_000_000_000).prefix(10)) }
    var data: [DataValue] = []
    var lines: [HTML] = []
    for (name, gaps) in rows.prefix(200) {
      let cells = days.map { day -> HTML in
        let span = day * 86_400..<(day + 1) * 86_400
        let own = gaps.filter { gap in
          gap.fromNs / 1_000_000_000 < span.upperBound && (gap.toNs ?? .max) / 1_000_000_000 >= span.lowerBound
        }
        let seconds = own.reduce(Int64(0)) { sum, gap in
          let end = gap.toNs.map { $0 / 1_000_000_000 } ?? now
          return sum + max(0, min(end, span.upperBound) - max(gap.fromNs / 1_000_000_000, span.lowerBound))
        }
        let style = own.contains { $0.state != .filled } ? "missing" : !own.isEmpty ? "late"
          : gateway.calendar.session(on: day) == nil ? "closed" : "full"
        if !own.isEmpty {
          data.append(.object([
            .init("feed", .text(name[0])), .init("symbol", .text(name[1])), .init("day", .text(date(day))),
            .init("gaps", .integer(Int64(own.count))), .init("seconds", .integer(seconds)),
            .init("state", .text(style)),
          ]))
        }
        let words = own.isEmpty ? (style == "closed" ? "closed" : "no gap")
          : "\(counted(own.count, "gap")), \(short(.seconds(seconds)))"
        return .tag(
          "td", [.class(style), .named("title", "\(date(day)): \(words)")],
          .text(own.isEmpty ? style == "closed" ? "·" : "" : short(.seconds(seconds))))
      }
      lines.append(.tag("tr", [], all: [
        .tag("th", [.named("scope", "row")], view.link(["symbol": name[1]]).html(.name("\(name[0]) \(name[1])"))),
      ] + cells))
    }
    if rows.isEmpty { return Panel.Filling([], nothing: "No feed had a gap in these days.") }
    let head = HTML.tag("tr", [], all: [.tag("th", [.named("scope", "col")], "Feed, symbol")] + days.map { day in
      .tag("th", [.named("scope", "col")], .text(String(date(day).dropFirst(5))))
    })
    return Panel.Filling([
      .other(.tag(
        "div", [
          .class("table"), .named("role", "region"), .named("aria-label", "Calendar of gaps"),
          .named("tabindex", "0"),
        ],
        .tag("table", [.class("calendar")], .tag("thead", [], head), .tag("tbody", [], all: lines))),
        name: "days", .list(data)),
      .words([
        "Red: a gap that is open or cannot be filled. Amber: gaps that were filled. Grey: New York is closed. Days are "
          + "of UTC.",
      ], .faint),
    ], nothing: "")
  }

  private func gaps(_ view: PageRequest, _ topics: LiveTopics) throws -> Panel.Filling {
    var table = Table([
      .text("from", "From"), .text("to", "To"), .text("feed", "Feed"), .text("symbol", "Symbol"), .text("why", "Why"),
      .text("state", "State"), .text("reason", "Reason"), .number("added", "Added"),
    ], name: "gaps")
    let known = try known(view, topics).sorted { ($1.fromNs, $0.id) < ($0.fromNs, $1.id) }
    for gap in known.prefix(view.count("limit")) {
      table.append([
        .text(RFC3339.text(ns: gap.fromNs, digits: 0)),
        .text(gap.toNs.map { RFC3339.text(ns: $0, digits: 0) } ?? "open"), .text(gap.feed), .text(gap.symbol),
        .text(gap.why.rawValue.replacing("_", with: " ")), .text(gap.state.rawValue), .text(gap.reason),
        .count(gap.added),
      ], gap.state == .filled ? .plain : gap.state == .open ? .bad : .warning,
        links: ["symbol": view.link(["symbol": gap.symbol])])
    }
    return Panel.Filling([.table(table)], nothing: "No feed had a gap in these days.")
  }
}
