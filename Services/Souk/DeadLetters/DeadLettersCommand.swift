import ArgumentParser
import Catalogue
import Core
import Kafka
import Messages
import Operations
import ServiceKit
import Synchronization

/// `souk dlq`
struct DeadLettersCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dlq", abstract: "Look at dead letters, send them back, dismiss them.",
    discussion: """
      A record that can never be processed goes to the topic of its name with '.dlq', with the reason. An operator \
      sends it back when the reason is gone, or dismisses it; both are recorded in souk.alerts.

      Examples:
        souk dlq                                            # all topics with dead letters
        souk dlq ls gogobe.files.downloaded --code truncated
        souk dlq show gogobe.files.downloaded 3@17
        souk dlq redrive gogobe.files.downloaded --code truncated --dry-run
      """,
    subcommands: [Overview.self, List.self, Show.self, Redrive.self, Dismiss.self], defaultSubcommand: Overview.self)

  /// The topic of a letter, without `.dlq`.
  static func origin(_ topic: String) -> String {
    let suffix = Topic.deadLetterName(of: "")
    return topic.hasSuffix(suffix) ? String(topic.dropLast(suffix.count)) : topic
  }

  static func ids(_ texts: [String]) throws -> [RecordID] {
    try texts.map { text in
      guard let id = RecordID(text) else {
        throw ValidationError("'\(text)' is no place such as 3@17: partition@offset, as `souk dlq ls` prints it")
      }
      return id
    }
  }

  /// `souk dlq overview`
  struct Overview: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "overview", abstract: "All topics with dead letters, how many are open, and why.",
      discussion: """
        Examples:
          souk dlq
          souk dlq overview -o json | jq '.topics[] | select(.open > 0)'
        """)
    @OptionGroup var output: OutputOptions
    @OptionGroup(title: "Kafka") var kafka: ClusterOptions

    func run() async throws {
      let book = LetterBook(cluster: try Cluster(kafka))
      var topics: [(String, LetterCounts)] = []
      for origin in try await book.origins() {
        let counts = Mutex(LetterCounts())
        try await book.letters(of: origin) { letter in counts.withLock { $0.add(letter) } }
        topics.append((origin, counts.withLock { $0 }))
      }
      output.print(LetterCounts.report(topics))
    }
  }

  /// `souk dlq ls`
  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "ls", abstract: "The dead letters of a topic: when, why, where from.",
      discussion: """
        Reads the dead-letter topic from its beginning to its present end, and commits nothing. Letters that were \
        redriven or dismissed are left out without --all.

        Examples:
          souk dlq ls gogobe.files.downloaded
          souk dlq ls market-ticks --since 2h --code bad_timestamp -o json
        """, aliases: ["list"])
    @Argument(help: "The topic, with or without '.dlq'.") var topic: String
    @Option(help: "The most letters to print, the newest; the rest is counted.") var limit = 100
    @Flag(help: "Also those that were redriven or dismissed.") var all = false
    @OptionGroup(title: "Which") var filter: LetterFilter
    @OptionGroup var output: OutputOptions
    @OptionGroup(title: "Kafka") var kafka: ClusterOptions

    func validate() throws {
      if limit < 1 { throw ValidationError("--limit must be at least 1") }
    }

    func run() async throws {
      let book = LetterBook(cluster: try Cluster(kafka))
      let letters = try await book.letters(of: DeadLettersCommand.origin(topic), where: filter)
      output.print(LetterReport(letters: letters, limit: limit, all: all).report)
    }
  }

  /// `souk dlq show`
  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "show", abstract: "A dead letter with everything that is known of it.",
      discussion: """
        Examples:
          souk dlq show gogobe.files.downloaded 3@17
          souk dlq show gogobe.files.downloaded 3@17 -o yaml
        """)
    @Argument(help: "The topic, with or without '.dlq'.") var topic: String
    @Argument(help: "Where the letter lies, as `souk dlq ls` prints it.") var letter: String
    @OptionGroup var output: OutputOptions
    @OptionGroup(title: "Kafka") var kafka: ClusterOptions

    func validate() throws { _ = try DeadLettersCommand.ids([letter]) }

    func run() async throws {
      let book = LetterBook(cluster: try Cluster(kafka))
      let found = try await book.letters(
        of: DeadLettersCommand.origin(topic), where: LetterFilter.parse([]), DeadLettersCommand.ids([letter]))
      for letter in found {
        let detail = LetterDetail(letter)
        switch output.output {
        case .table: print(detail.lines(Terminal.standardOutput.isWide(output.wide)).joined(separator: "\n"))
        case .json: print(detail.data.prettyJSON)
        case .yaml: print(detail.data.yaml)
        }
      }
    }
  }
}

/// The letters of one topic in numbers.
struct LetterCounts: Hashable, Sendable {
  private(set) var open = 0
  private(set) var redriven = 0
  private(set) var dismissed = 0
  private(set) var newest: Int64?
  private(set) var codes: [String: Int] = [:]

  mutating func add(_ letter: Letter) {
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
  var reasons: String {
    codes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \(grouped($0.value))" }
      .joined(separator: ", ")
  }

  static func report(_ topics: [(origin: String, counts: LetterCounts)]) -> Report {
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
struct LetterReport {
  let letters: [Letter]
  let limit: Int
  var all = false

  var report: Report {
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
struct LetterDetail {
  let letter: Letter
  init(_ letter: Letter) { self.letter = letter }

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

  var data: DataValue {
    var fields = fields.map { DataValue.Field($0.name, DataValue($0.text)) }
    fields.append(.init("headers", .object(letter.record.headers.map { .init($0.name, .text($0.text)) })))
    let value = letter.record.value
    fields.append(.init("bytes", DataValue(value?.count)))
    fields.append(.init("value", value.map { Masked.value($0) } ?? .null))
    return .object(fields)
  }

  func lines(_ terminal: Terminal) -> [String] {
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
  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
