import Catalogue
import Kafka
import ServiceKit

/// The letters of one topic in numbers.
package struct LetterCounts: Hashable, Sendable {
  package private(set) var open = 0
  package private(set) var redriven = 0
  package private(set) var dismissed = 0
  package private(set) var newest: Int64?
  package private(set) var codes: [String: Int] = [:]

  package init() {}

  package mutating func add(_ letter: Letter) {
    switch letter.handled?.act {
    case .redriven: redriven += 1
    case .dismissed: dismissed += 1
    case nil:
      open += 1
      codes[letter.code, default: 0] += 1
      newest = max(newest ?? .min, letter.time ?? .min)
    }
  }

  /// `truncated 3, malformed_json 1`
  package var reasons: String {
    codes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \(grouped($0.value))" }
      .joined(separator: ", ")
  }

  package static func report(_ topics: [(origin: String, counts: LetterCounts)]) -> Report {
    var report = Report("topics", [
      .text("topic", "TOPIC"), .number("open", "OPEN"), .number("redriven", "REDRIVEN", rank: 2),
      .number("dismissed", "DISMISSED", rank: 3), .text("newest", "NEWEST", rank: 1),
      .text("codes", "WHY", least: 24),
    ])
    for (origin, counts) in topics {
      let codes = counts.codes.sorted { $0.key < $1.key }.map { DataValue.Field($0.key, .integer(Int64($0.value))) }
      report.append([
        .text(origin), .count(counts.open), .count(counts.redriven), .count(counts.dismissed),
        .text(clockText(counts.newest)), .init(.object(codes), counts.reasons),
      ], counts.open > 0 ? .bad : .faint)
    }
    report.nothing = "no dead letters"
    let open = topics.reduce(0) { $0 + $1.counts.open }
    report.fields = [.init("open", .integer(Int64(open)))]
    if !topics.isEmpty {
      report.notes = ["\(counted(open, "open dead letter")); `souk dlq ls TOPIC` prints those of one topic"]
    }
    return report
  }
}

/// Letters of one topic as a table and as data.
package struct LetterReport {
  package let letters: [Letter]
  package let limit: Int
  package var all = false

  package init(letters: [Letter], limit: Int, all: Bool = false) {
    (self.letters, self.limit, self.all) = (letters, limit, all)
  }

  package var report: Report {
    var report = Report("letters", [
      .text("id", "ID"), .text("time", "TIME", rank: 4), .text("code", "CODE"), .text("service", "SERVICE", rank: 2),
      .hidden("stage"), .text("key", "KEY", least: 10, rank: 3), .text("origin", "WHERE FROM", least: 14, rank: 5),
      .text("reason", "REASON", least: 16), .hidden("handled"), .hidden("redriven_times"),
    ])
    let wanted = letters.filter { all || $0.handled == nil }
    for letter in wanted.suffix(limit) {
      let handled = letter.handled.map { "\($0.act.word) by \($0.by)" }
      report.append([
        .text("\(letter.id.partition)@\(letter.id.offset)"), .text(clockText(letter.time)), .text(letter.code),
        .text(letter.service), .text(letter.stage), .text(letter.key), .text(letter.origin),
        .init(.text(letter.reason), handled.map { "(\($0)) \(letter.reason)" } ?? letter.reason),
        .text(handled), .count(letter.redrives),
      ], letter.handled == nil ? .plain : .faint)
    }
    var counts = LetterCounts()
    for letter in letters { counts.add(letter) }
    let hidden = wanted.count > limit ? ", \(grouped(wanted.count - limit)) not shown" : ""
    let done = counts.redriven + counts.dismissed
    let handled = done > 0 ? "; \(grouped(counts.redriven)) redriven, \(grouped(counts.dismissed)) dismissed" : ""
    report.nothing = "no dead letters\(handled)"
    report.fields = [
      .init("open", .integer(Int64(counts.open))), .init("redriven", .integer(Int64(counts.redriven))),
      .init("dismissed", .integer(Int64(counts.dismissed))),
    ]
    if !wanted.isEmpty {
      let reasons = counts.codes.isEmpty ? "" : ": \(counts.reasons)"
      report.notes = ["\(counted(counts.open, "dead letter"))\(hidden)\(reasons)\(handled)"]
    }
    return report
  }
}

/// Everything that is known of one letter.
package struct LetterDetail {
  package let letter: Letter
  package init(_ letter: Letter) { self.letter = letter }

  private var today: String {
    RedrivePlan([letter], mostRedrives: .max, again: true).items[0].fate.words
  }

  private var fields: [(name: String, title: String, text: String?)] {
    [
      ("id", "letter", "\(letter.id.partition)@\(letter.id.offset) of \(letter.record.place.topic)"),
      ("time", "time", clockText(letter.time)),
      ("origin", "original", letter.origin), ("origin_time", "produced", clockText(letter.originTime)),
      ("service", "service", letter.service), ("stage", "stage", letter.stage), ("code", "code", letter.code),
      ("reason", "reason", letter.reason), ("field", "field", letter.field),
      ("byte", "byte", letter.byte.map { "\($0)\(around($0).map { ": \($0)" } ?? "")" }),
      ("trace", "trace", letter.trace), ("key", "key", letter.key), ("cut", "cut", letter.cut),
      ("redriven_times", "sent back", letter.redrives > 0 ? counted(letter.redrives, "time") : nil),
      ("handled", "handled", letter.handled.map { "\($0.act.word) by \($0.by) at \(clockText($0.at) ?? "?")" }),
      ("today", "today", today),
    ]
  }

  /// The value's text about a byte of it.
  private func around(_ byte: Int) -> String? {
    guard let value = letter.record.value, byte < value.count else { return nil }
    let (start, end) = (max(0, byte - 24), min(value.count, byte + 24))
    return (start > 0 ? "…" : "") + String(decoding: value[start..<end], as: UTF8.self) + (end < value.count ? "…" : "")
  }

  package var data: DataValue {
    var fields = fields.map { DataValue.Field($0.name, DataValue($0.text)) }
    fields.append(.init("headers", .object(letter.record.headers.map { .init($0.name, .text($0.text)) })))
    let value = letter.record.value
    fields.append(.init("bytes", DataValue(value?.count)))
    fields.append(.init("value", value.map { Masked.value($0) } ?? .null))
    return .object(fields)
  }

  package func lines(_ terminal: Terminal) -> [String] {
    var lines = fields.compactMap { field in
      field.text.map { field.title.padded(to: 10) + $0.split(whereSeparator: \.isNewline).joined(separator: " ") }
    }
    lines.append("headers")
    lines += letter.record.headers.map { "  \($0.name): \($0.text)" }
    guard let value = letter.record.value else { return lines + ["value     none (a tombstone)"] }
    lines.append("value     \(counted(value.count, "byte"))")
    if let json = DataValue(parsing: value) {
      lines += Masked.fields(json).prettyJSON.split(separator: "\n").map { "  \($0)" }
    } else {
      lines += HexDump.lines(value, most: 512).map { "  \($0)" }
    }
    return lines
  }
}

extension String {
  package func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
