import ArgumentParser
import Catalogue
import Core
import Kafka
import Messages
import Operations
import ServiceKit
import Synchronization
import Values

extension TopicsCommand {
  /// `souk topics describe`
  struct DescribeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "describe", abstract: "What a topic is for, who uses it, and the fields of its records.",
      discussion: """
        Works offline; with --sample it reads the newest record of the cluster. --schema prints the JSON Schema \
        (draft 2020-12) of a record.

        Examples:
          souk topics describe gogobe.files.discovered
          souk topics describe market-bars --schema > market-bars.schema.json
          souk topics describe market-bars --sample --kafka-bootstrap-servers broker:9092
        """)
    @Argument(help: "The topic.") var topic: String
    @Flag(help: "Print the JSON Schema of a record.") var schema = false
    @Flag(help: "Also the newest record of the cluster.") var sample = false
    @OptionGroup var output: OutputOptions
    @OptionGroup(title: "Kafka") var kafka: ClusterOptions

    private func known() throws -> Topic {
      if let topic = Topics.named(topic) { return topic }
      let near = nearestName(to: topic, among: Topics.allWithDeadLetters.map(\.name)).map { "did you mean '\($0)'?" }
      throw ValidationError("the catalogue has no topic '\(topic)'; \(near ?? "`souk topics list` prints them")")
    }

    func validate() throws { _ = try known() }

    func run() async throws {
      let topic = try known()
      let shape = RecordShape(topic)
      if schema { return print(shape.jsonSchema.prettyJSON) }
      var newest: ReadRecord?
      if sample {
        newest = try await Cluster(kafka).newest(of: topic.name)
        if newest == nil { throw Failure(.data, code: "no_records", "\(topic.name) has no record to show") }
      }
      let description = TopicDescription(topic: topic, shape: shape, newest: newest)
      switch output.output {
      case .table: print(description.lines(Terminal.standardOutput.isWide(output.wide)).joined(separator: "\n"))
      case .json: print(description.data.prettyJSON)
      case .yaml: print(description.data.yaml)
      }
    }
  }
}

/// The fields of a topic's records, as the code that reads and writes them declares them.
struct RecordShape {
  let topic: Topic
  private let fields: [FieldShape]

  init(_ topic: Topic) {
    self.topic = topic
    // A dead letter has the value of its original.
    let suffix = Topic.deadLetterName(of: "")
    let name = topic.name.hasSuffix(suffix) ? String(topic.name.dropLast(suffix.count)) : topic.name
    fields = MessageBook.fields(of: name)
  }

  struct Row: Hashable {
    /// `items[].price` of a field within a list.
    var name: String
    /// In words.
    var type: String
    var unit: String?
    /// Every record, or object of the list, has it.
    var isRequired: Bool
    var doc: String
  }

  /// The fields, each followed by those within it.
  var rows: [Row] { Self.rows(fields, within: "") }

  private static func rows(_ fields: [FieldShape], within outer: String) -> [Row] {
    fields.flatMap { field in
      var (type, name) = (field.type, outer + field.name)
      while let wrapping = (type as? any WrappingJSONValue.Type)?.wrapping {
        switch wrapping {
        case .optional(let wrapped): type = wrapped
        case .list(let element): (type, name) = (element, name + "[]")
        case .map(let value): (type, name) = (value, name + "{}")
        }
      }
      let row = Row(
        name: outer + field.name, type: words(schema(field.type, isNumber: field.isNumber)), unit: field.unit,
        isRequired: field.isRequired, doc: field.doc)
      guard let object = type as? any DescribedObject.Type else { return [row] }
      return [row] + rows(object.shapes, within: name + ".")
    }
  }

  /// JSON Schema, draft 2020-12. Unknown fields are allowed: a schema may only grow.
  var jsonSchema: DataValue {
    var schema: [DataValue.Field] = [
      .init("$schema", .text("https://json-schema.org/draft/2020-12/schema")),
      .init("$id", .text("urn:souk:\(topic.schema.name):\(topic.schema.version)")),
      .init("title", .text(topic.name)), .init("description", .text(topic.summary)),
    ]
    if case .object(let body) = Self.object(fields) { schema += body }
    return .object(schema)
  }

  private static func object(_ fields: [FieldShape]) -> DataValue {
    var body: [DataValue.Field] = [.init("type", .text("object"))]
    if fields.isEmpty { return .object(body) }
    body.append(.init("properties", .object(fields.map { .init($0.name, described($0)) })))
    body.append(.init("required", .list(fields.filter(\.isRequired).map { .text($0.name) })))
    return .object(body)
  }

  private static func described(_ field: FieldShape) -> DataValue {
    guard case .object(let schema) = schema(field.type, isNumber: field.isNumber) else { return .null }
    let doc = [field.doc, schema.contains { $0.name == "pattern" } ? "a decimal, exact" : ""]
      .filter { !$0.isEmpty }.joined(separator: "; ")
    let unit = field.unit.map { [DataValue.Field("x-unit", .text($0))] } ?? []
    return .object(schema + [.init("description", .text(doc))] + unit)
  }

  private static func schema(_ type: any JSONValue.Type, isNumber: Bool) -> DataValue {
    func typed(_ name: String, _ more: DataValue.Field...) -> DataValue {
      .object([.init("type", .text(name))] + more)
    }
    switch (type as? any WrappingJSONValue.Type)?.wrapping {
    case .list(let element)?: return typed("array", .init("items", schema(element, isNumber: isNumber)))
    case .map(let value)?: return typed("object", .init("additionalProperties", schema(value, isNumber: isNumber)))
    case .optional(let wrapped)?:
      let inner = schema(wrapped, isNumber: isNumber)
      guard case .object(var fields) = inner, case .text(let name)? = inner["type"] else { return inner }
      fields[0] = .init("type", .list([.text(name), .text("null")]))
      // An enumeration allows only what it lists.
      if let index = fields.firstIndex(where: { $0.name == "enum" }), case .list(let choices) = fields[index].value {
        fields[index] = .init("enum", .list(choices + [.null]))
      }
      return .object(fields)
    case nil: break
    }
    if let object = type as? any DescribedObject.Type { return Self.object(object.shapes) }
    if isNumber { return typed("number") }
    switch type {
    case is Int64.Type: return typed("integer")
    case is Bool.Type: return typed("boolean")
    case is Double.Type: return typed("number")
    case is ExactDecimal.Type:
      return typed("string", .init("pattern", .text("^-?[0-9]+([.][0-9]+)?$")))
    case is Timestamp.Type: return typed("string", .init("format", .text("date-time")))
    default: break
    }
    if let choices = type as? any CaseIterable.Type, let names = choices.names {
      return typed("string", .init("enum", .list(names.map { .text($0) })))
    }
    return typed("string")
  }

  private static func words(_ schema: DataValue) -> String {
    if case .list(let choices)? = schema["enum"] {
      return choices.map { if case .text(let text) = $0 { text } else { "null" } }.joined(separator: "|")
    }
    switch schema["type"] {
    case .list(let names)?:
      let first = names.first.map { name in if case .text(let text) = name { text } else { "" } } ?? ""
      return "\(detail(first, schema)) or null"
    case .text("array")?: return "list of \(words(schema["items"] ?? .null))"
    case .text("object")? where schema["additionalProperties"] != nil:
      return "\(words(schema["additionalProperties"] ?? .null)) by name"
    case .text(let name)?: return detail(name, schema)
    default: return "any"
    }
  }

  private static func detail(_ name: String, _ schema: DataValue) -> String {
    if schema["format"] != nil { return "time" }
    if schema["pattern"] != nil { return "decimal" }
    return name
  }
}

extension CaseIterable {
  /// The raw values of an enumeration of texts.
  fileprivate static var names: [String]? {
    let names = allCases.compactMap { ($0 as? any RawRepresentable)?.rawValue as? String }
    return names.isEmpty ? nil : names
  }
}

extension MessageBook {
  /// The fields of a topic's records; empty where the code declares none.
  static func fields(of topic: String) -> [FieldShape] {
    switch topic {
    case Topics.productsIngest.name: BatchShapes.products
    case Topics.promotionsIngest.name: BatchShapes.promotions
    default: type(of: topic)?.shapes ?? []
    }
  }
}

/// Everything that is known of a topic without asking a cluster, and its newest record.
struct TopicDescription {
  let topic: Topic
  let shape: RecordShape
  var newest: ReadRecord?

  private func services(_ uses: (ServiceEntry) -> [Topic]) -> [String] {
    ServiceCatalogue.all.filter { uses($0).contains(topic) }.map(\.name)
  }
  private var writers: [String] { services { $0.outputs + $0.inputs.map(\.deadLetters) } }
  private var readers: [String] { services(\.inputs) }
  private var followers: [String] { services(\.tables) }

  var data: DataValue {
    func names(_ names: [String]) -> DataValue { .list(names.map { .text($0) }) }
    var fields: [DataValue.Field] = [
      .init("topic", .text(topic.name)), .init("summary", .text(topic.summary)),
      .init("schema", .text(topic.schema.description)), .init("key", .text(topic.key)),
      .init("ordered_by", .text(topic.orderedBy)), .init("partitions", .integer(Int64(topic.partitions))),
      .init("configuration", .object(topic.configuration.map { .init($0.name, .text($0.value)) })),
      .init("written_by", names(writers)), .init("read_by", names(readers)), .init("followed_by", names(followers)),
      .init("fields", .list(shape.rows.map {
        .object([
          .init("name", .text($0.name)), .init("type", .text($0.type)), .init("unit", DataValue($0.unit)),
          .init("required", .bool($0.isRequired)), .init("description", .text($0.doc)),
        ])
      })),
    ]
    if let newest {
      fields.append(.init("newest", .object([
        .init("place", .text(newest.id)), .init("time", DataValue(clockText(newest.timestamp))),
        .init("key", DataValue(newest.key.map { String(decoding: $0, as: UTF8.self) })),
        .init("value", newest.value.map { Masked.value($0) } ?? .null),
      ])))
    }
    return .object(fields)
  }

  func lines(_ terminal: Terminal) -> [String] {
    func row(_ title: String, _ text: String) -> [String] {
      text.isEmpty ? [] : wrapped(title.padded(to: 12) + text, terminal.width)
    }
    var lines = row("topic", topic.name) + row("says", topic.summary)
    lines += row("key", topic.key) + (topic.orderedBy == topic.key ? [] : row("ordered by", topic.orderedBy))
    lines += row("schema", topic.schema.description)
    lines += row("partitions", "\(topic.partitions)") + row("kept", kept(topic))
    lines += row("written by", writers.joined(separator: ", ")) + row("read by", readers.joined(separator: ", "))
    lines += row("followed by", followers.joined(separator: ", "))
    if shape.rows.isEmpty {
      if topic.key != "-" { lines += ["", "The code knows no fields of these records; --sample shows one."] }
    } else {
      var report = Report("fields", [
        .text("name", "FIELD"), .text("type", "TYPE", least: 12, rank: 2), .text("unit", "UNIT", rank: 1),
        .words("doc", "WHAT IT SAYS", least: 24),
      ])
      for field in shape.rows {
        report.append([
          .text(field.name + (field.isRequired ? "*" : "")), .text(field.type), .text(field.unit ?? ""),
          .text(field.doc),
        ])
      }
      report.notes = ["* every record has it"]
      lines += [""] + report.lines(terminal)
    }
    guard let newest else { return lines }
    let key = newest.key.map { String(decoding: $0, as: UTF8.self) } ?? "-"
    lines += ["", "newest      \(newest.id), \(clockText(newest.timestamp) ?? "-"), key \(key)"]
    return lines + (newest.value.map { Masked.value($0) } ?? .null).prettyJSON.split(separator: "\n").map(String.init)
  }
}

extension Cluster {
  /// The record with the latest time among the last of each partition; nil for a topic without records.
  func newest(of topic: String) async throws -> ReadRecord? {
    let marks = try await admin.watermarks(try await partitions(of: topic))
    // Markers of transactions and compacted records may be the last offsets.
    var starts: [Int32: Int64] = [:]
    for (place, mark) in marks { starts[place.partition] = max(mark.low, mark.high - 20) }
    let found = Mutex<ReadRecord?>(nil)
    try await read(topic, from: starts, stop: Interruption()) { record in
      let record = ReadRecord(record)
      found.withLock { found in
        if record.timestamp ?? 0 >= found?.timestamp ?? 0 { found = record }
      }
    }
    return found.withLock { $0 }
  }
}
