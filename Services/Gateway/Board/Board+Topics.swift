import ArgumentParser
import Catalogue
import Core
import Kafka
import KafkaFlags
import Operations
import ServiceKit

/// Topics of the catalogue, and the records in them.
extension Board {
  var topicPages: [Page] {
    guard let sources else { return [] }
    let systems = [""] + FleetSystem.allCases.map(\.rawValue)
    var tap = Page(
      ["topics", "{topic}"], .topics, "Topic", "Its records, the newest first, with secrets hidden.",
      [
        Parameter("topic", .word(most: 249), in: .path, "The topic."),
        Parameter("from", .text(most: 40), "From then on: 10m (so long ago), an RFC 3339 time, or earliest."),
        Parameter("at", .text(most: 32), "From this place on: partition@offset."),
        Parameter("where", .text(most: 200), "Only records whose value has this: chain=shufersal, items.price>10."),
        Parameter("key", .text(most: 512), "Only records with this key."),
        Parameter("partition", .text(most: 6), "Only this partition."),
        Parameter("count", .count(standard: 50, most: 10_000), "Most records."),
        Parameter("live", .flag, "Whether new records are shown as they come (needs JavaScript)."),
      ]
    ) { view in
      let reader = try Self.reader(view, sources)
      let isLive = view.flag("live")
      return PageContent(
        title: view.text("topic"), trail: [("Topics", Link(["topics"]))],
        (isLive ? [] : [aboutTopic(view.text("topic"), sources)]) + [records(reader, view, sources)])
    }
    tap.lines = { view in
      let found = try await Self.reader(view, sources).read()
      var answer = ServerAnswer(
        type: "application/x-ndjson", Array(found.records.reversed().map { $0.data.json + "\n" }.joined().utf8))
      answer.headers.append(("content-disposition", "attachment; filename=\"\(view.text("topic")).ndjson\""))
      return answer
    }
    tap.stream = { view, writer in
      guard view.flag("live") else { throw Problem(404, "not_live", "Only the live view changes by itself.") }
      try await Self.reader(view, sources).follow { records, skipped in
        var events = records.map { record in
          let html = HTML.all(Self.table([record]).rows).markup
          return ServerEvent(Array(DataValue.object([
            .init("id", .text("records")), .init("html", .text(html)),
          ]).json.utf8), event: "row")
        }
        if skipped > 0 {
          events.append(ServerEvent(Array(DataValue.object([
            .init("id", .text("records")), .init("text", .text("\(counted(skipped, "record")) skipped")),
          ]).json.utf8), event: "note"))
        }
        try await writer.send(events)
      }
    }
    return [
      Page(
        ["topics"], .topics, "Topics", "What each topic is for, and what it holds.",
        [Parameter("system", .choice(systems, standard: ""), "Only topics of this system.")]
      ) { view in PageContent([topics(FleetSystem(rawValue: view.text("system")), sources)]) },
      tap,
      Page(
        ["record"], .topics, "Record", "One record, and those about it in its partition.",
        [
          Parameter("topic", .word(most: 249), isRequired: true, "The topic."),
          Parameter("at", .text(most: 32), isRequired: true, "Its place: partition@offset."),
        ], hasForm: false
      ) { view in
        let topic = view.text("topic")
        guard let id = RecordID(view.text("at")) else {
          throw Problem.badParameter("at", "is no place such as 3@17: partition@offset")
        }
        return PageContent(
          title: "\(topic) \(id.partition)@\(id.offset)",
          trail: [("Topics", Link(["topics"])), (topic, Link(["topics", topic]))],
          [record(topic, id, sources), neighbours(topic, id, sources)])
      },
    ]
  }

  /// - Throws: `Problem` 400 for a filter that is not understood.
  private static func reader(_ view: PageRequest, _ sources: BoardSources) throws -> TopicReader {
    var reader = TopicReader(
      cluster: sources.cluster, topic: view.text("topic"),
      most: view.form == .html ? min(500, view.count("count")) : view.count("count"))
    if let text = view.optional("from") {
      guard let from = TapStart(argument: text) else {
        throw Problem.badParameter("from", "is neither 10m, an RFC 3339 time nor earliest")
      }
      reader.from = from
    }
    if let text = view.optional("at") {
      guard let at = RecordID(text) else { throw Problem.badParameter("at", "is no place such as 3@17") }
      reader.at = at
    }
    if let text = view.optional("where") {
      guard let condition = Condition(argument: text) else {
        throw Problem.badParameter("where", "is no condition such as chain=shufersal")
      }
      reader.conditions = [condition]
    }
    if let text = view.optional("partition") {
      guard let partition = Int32(text), partition >= 0 else {
        throw Problem.badParameter("partition", "is no number of a partition")
      }
      reader.partition = partition
    }
    reader.key = view.optional("key")
    return reader
  }

  private func topics(_ system: FleetSystem?, _ sources: BoardSources) -> Panel {
    Panel("topics", "Topics", .command("souk topics list\(system.map { " --system \($0.rawValue)" } ?? "")")) {
      let known = try await sources.cluster.admin.topics()
      let wanted = system?.topics ?? Topics.allWithDeadLetters
      let places = Set(wanted.flatMap { topic in
        (known[topic.name] ?? []).map { TopicPartition(topic.name, $0) }
      })
      let marks = try await sources.cluster.admin.watermarks(places)
      var table = Table([
        .text("topic", "Topic"), .number("records", "Records kept"), .number("partitions", "Partitions"),
        .text("key", "Key"), .text("summary", "A record says"),
      ], name: "topics")
      let letters = Set(Topics.all.map(\.deadLetterName))
      for topic in wanted {
        let partitions = known[topic.name] ?? []
        let records = partitions.reduce(Int64(0)) { sum, partition in
          sum + (marks[TopicPartition(topic.name, partition)].map { $0.high - $0.low } ?? 0)
        }
        let isLetters = letters.contains(topic.name)
        if isLetters, records == 0 { continue }
        table.append([
          .text(topic.name), .count(partitions.isEmpty ? nil : records),
          .count(partitions.isEmpty ? nil : partitions.count), .text(topic.key),
          .text(partitions.isEmpty ? "not there: souk topics apply creates it" : topic.summary),
        ], partitions.isEmpty ? .faint : isLetters ? .warning : .plain,
          links: partitions.isEmpty ? [:] : ["topic": Link(["topics", topic.name])])
      }
      return Panel.Filling([.table(table)], nothing: "This system has no topics.")
    }
  }

  private func aboutTopic(_ name: String, _ sources: BoardSources) -> Panel {
    Panel("about", "What it is", .command("souk topics describe \(name)")) {
      let origin = name.hasSuffix(".dlq") ? String(name.dropLast(4)) : name
      let topic = Topics.named(origin)
      func services(_ holds: (ServiceEntry) -> Bool) -> Report.Cell {
        let names = ServiceCatalogue.all.filter(holds).map(\.name)
        return .text(names.isEmpty ? nil : names.joined(separator: ", "))
      }
      let summary = topic.map { $0.summary.prefix(1).uppercased() + $0.summary.dropFirst() + "." }
      return Panel.Filling([
        .words([
          origin == name ? summary ?? "This topic is not of the catalogue."
            : "Dead letters of \(origin). The page Dead letters has them with their reasons.",
        ]),
        .facts([
          .init("key", "Key", .text(topic?.key)), .init("ordered_by", "In order by", .text(topic?.orderedBy)),
          .init("kept", "Kept", .text(topic.map { topic in
            topic.cleanup == .compact ? "the last of each key" : short(topic.retention)
          })),
          .init("written_by", "Written by", services { $0.outputs.contains { $0.name == name } }),
          .init("read_by", "Read by", services { ($0.inputs + $0.tables).contains { $0.name == name } }),
        ]),
      ], nothing: "")
    }
  }

  // MARK: - records

  private func records(_ reader: TopicReader, _ view: PageRequest, _ sources: BoardSources) -> Panel {
    Panel("records", "Records", .command(Self.command(view))) {
      if view.flag("live") {
        return Panel.Filling(
          [.table(Self.table([])), .words(["New records appear here as they come."], .faint)], nothing: "")
      }
      let found = try await reader.read()
      var table = Self.table(found.records)
      if found.isCut, let last = found.records.last, reader.from == nil, reader.at == nil {
        table.report.notes.append("There are older records than \(last.id): From or At shows them.")
      } else if found.isCut {
        table.report.notes.append("There may be more: the newest shown is where to go on from.")
      }
      return Panel.Filling([.table(table)], nothing: "No record matches, or the topic is empty.")
    }
  }

  /// The same as `souk` prints it.
  private static func command(_ view: PageRequest) -> String {
    var words = ["souk tap", view.text("topic")]
    if let from = view.optional("from") { words.append("--from \(from)") } else { words.append("--from earliest") }
    if let condition = view.optional("where") { words.append("--where '\(condition.replacing("'", with: "'\\''"))'") }
    if let key = view.optional("key") { words.append("--key '\(key.replacing("'", with: "'\\''"))'") }
    if let partition = view.optional("partition") { words.append("--partition \(partition)") }
    return (words + ["--no-follow -n \(view.count("count"))"]).joined(separator: " ")
  }

  static func table(_ records: [ReadRecord]) -> Table {
    var table = Table([
      .text("time", "Time"), .text("place", "Place"), .text("key", "Key"), .text("value", "Value"),
    ], name: "records")
    for record in records {
      let value = record.value.map { Masked.value($0) } ?? .null
      let text = record.value == nil ? "(tombstone)" : value.json
      let shown = text.count > 260 ? text.prefix(259) + "…" : text
      table.append([
        .text(clockText(record.timestamp)), .text(record.id), .text(record.keyText), .init(value, String(shown)),
      ], record.value == nil ? .faint : .plain, links: [
        "place": Link(["record"], [("topic", record.place.topic), ("at", record.id)]),
      ])
    }
    return table
  }

  private func record(_ topic: String, _ id: RecordID, _ sources: BoardSources) -> Panel {
    Panel("record", "The record", .command("souk trace \(topic) \(id.partition)@\(id.offset)")) {
      let reader = TopicReader(
        cluster: sources.cluster, topic: topic, at: id, partition: id.partition, most: 1)
      guard let record = try await reader.read().records.first, record.offset == id.offset else {
        return Panel.Filling([], nothing: """
          There is no record at this place: it was deleted by the retention, or it is the marker of a transaction.
          """)
      }
      return Panel.Filling(Self.whole(record), nothing: "")
    }
  }

  /// Everything of a record: its place, key, headers, and its value as JSON or as bytes.
  static func whole(_ record: ReadRecord) -> [Panel.Content] {
    var headers = Table([.text("name", "Header"), .text("value", "Value")], name: "headers")
    for header in record.headers { headers.append([.text(header.name), .text(header.text)]) }
    let lines: String, value: DataValue
    if let bytes = record.value {
      value = Masked.value(bytes)
      lines = DataValue(parsing: bytes) == nil
        ? HexDump.lines(bytes, most: 4_096).joined(separator: "\n") : value.prettyJSON
    } else {
      (value, lines) = (.null, "(tombstone)")
    }
    return [
      .facts([
        .init("time", "Time", .text(clockText(record.timestamp))), .init("key", "Key", .text(record.keyText)),
        .init("bytes", "Bytes", .count(record.value?.count)),
      ]),
      .table(headers),
      .other(.tag("pre", [.named("tabindex", "0"), .named("dir", "auto")], .text(lines)), name: "value", value),
    ]
  }

  func neighbours(_ topic: String, _ id: RecordID, _ sources: BoardSources) -> Panel {
    let first = max(0, id.offset - 3)
    return Panel(
      "neighbours", "Around it in its partition",
      .command("souk tap \(topic) --partition \(id.partition) --from earliest --no-follow")
    ) {
      let reader = TopicReader(
        cluster: sources.cluster, topic: topic, at: RecordID(partition: id.partition, offset: first),
        partition: id.partition, most: 7)
      let records = try await reader.read().records.filter { abs($0.offset - id.offset) <= 3 }
      return Panel.Filling([.table(Self.table(records))], nothing: "The records about it are not kept any more.")
    }
  }
}
