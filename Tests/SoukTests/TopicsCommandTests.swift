import ArgumentParser
import Catalogue
import Foundation
import Kafka
import Messages
import ServiceKit
import TestSupport
import Testing
import Values

@testable import Operations
@testable import SoukService

@Suite struct TopicsCommandTests {
  @Test func theCatalogueFitsEightyColumns() throws {
    for arguments in [[], ["--system", "prices"], ["--no-dead-letters"]] {
      let report = try TopicsCommand.ListCommand.parse(arguments).report
      let lines = report.lines(Terminal(width: 80, hasColour: false))
      #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines.max { $0.count < $1.count } ?? "")")
      #expect(lines[0].hasPrefix("TOPIC") && lines[0].contains("A RECORD SAYS"))
    }
    #expect(try TopicsCommand.ListCommand.parse(["--no-dead-letters"]).report.rows.count == Topics.all.count)
  }

  @Test func aTopicIsDescribed() throws {
    let topic = Topics.filesDiscovered
    let description = TopicDescription(topic: topic, shape: RecordShape(topic))
    let text = description.lines(Terminal(width: 80, hasColour: false)).joined(separator: "\n")
    #expect(text.contains("written by  crawler") && text.contains("read by     downloader"))
    #expect(text.contains("file_time") && text.contains("time or null"))
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(text)")
    let fields = try #require(description.data["fields"])
    guard case .list(let rows) = fields else { return #expect(Bool(false)) }
    #expect(rows.first?["name"] == .text("chain") && rows.first?["required"] == .bool(true))
  }

  /// The schema of every topic is a JSON Schema, and what the code writes is valid by it.
  @Test func schemasDescribeWhatIsWritten() throws {
    for topic in Topics.all {
      let schema = try #require(
        try JSONSerialization.jsonObject(with: Data(RecordShape(topic).jsonSchema.prettyJSON.utf8)) as? [String: Any])
      #expect(schema["type"] as? String == "object" && (schema["title"] as? String) == topic.name)
    }
    let file = FileDiscovered(chain: "c", url: "https://h/P1.gz", timestamp: .epoch, fileName: "P1.gz")
    let written = try #require(try JSONSerialization.jsonObject(with: Data(file.encoded())) as? [String: Any])
    let schema = RecordShape(Topics.filesDiscovered).jsonSchema
    guard case .object(let properties)? = schema["properties"], case .list(let required)? = schema["required"] else {
      return #expect(Bool(false))
    }
    #expect(Set(written.keys) == Set(properties.map(\.name)))
    #expect(required == ["chain", "url", "timestamp"].map { .text($0) })
    #expect(schema["properties"]?["size"]?["type"] == .list([.text("integer"), .text("null")]))
    #expect(schema["properties"]?["timestamp"]?["format"] == .text("date-time"))
    // Enumerations and decimals, nested lists.
    let job = RecordShape(Topics.batchJobs).jsonSchema
    #expect(job["properties"]?["kind"]?["enum"] != nil)
    #expect(RecordShape(Topics.storesIngest).rows.contains { $0.type.hasPrefix("list of ") })
  }

  /// Every field of every record says what it means, also those within lists.
  @Test(arguments: Topics.allWithDeadLetters.map(\.name)) func everyFieldIsDescribed(_ name: String) throws {
    let topic = try #require(Topics.named(name))
    let rows = RecordShape(topic).rows
    // Leases are topics without records.
    if topic.key == "-" { return #expect(rows.isEmpty) }
    #expect(!rows.isEmpty)
    for row in rows {
      #expect(!row.doc.isEmpty, "\(name): \(row.name)")
      #expect(!row.doc.hasSuffix(".") && !row.doc.contains("["), "\(name): \(row.name): \(row.doc)")
      #expect(row.doc.first.map { $0.isUppercase || $0.isNumber || $0 == "`" } == true, "\(row.name): \(row.doc)")
      // A time in nanoseconds, a number of bytes and the like name their unit.
      let words = row.name.split { ".[]{}".contains($0) }.last?.split(separator: "_").map(String.init) ?? []
      if ["ns", "ms", "bytes"].contains(words.last) { #expect(row.unit != nil, "\(name): \(row.name)") }
    }
    let lines = TopicDescription(topic: topic, shape: RecordShape(topic)).lines(Terminal(width: 80, hasColour: false))
    #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines.filter { $0.count > 80 })")
  }

  @Test func listsOfTicksBarsAndItemsAreDescribed() throws {
    func row(_ topic: Topic, _ name: String) throws -> RecordShape.Row {
      try #require(RecordShape(topic).rows.first { $0.name == name })
    }
    let event = try row(Topics.marketTicks, "event_ns")
    #expect(event.unit == "ns since 1970" && event.type == "integer" && event.isRequired)
    #expect(try row(Topics.marketBars, "close").unit == "USD")
    #expect(try row(Topics.marketBars, "vwap").type == "number or null")
    #expect(try row(Topics.productsIngest, "items[].price").unit == "ILS")
    #expect(try row(Topics.productsIngest, "items[].price").type == "decimal")
    #expect(try row(Topics.promotionsIngest, "promotions[].items[].ean").isRequired)
    let schema = RecordShape(Topics.productsIngest).jsonSchema
    let price = schema["properties"]?["items"]?["items"]?["properties"]?["price"]
    #expect(price?["x-unit"] == .text("ILS") && price?["type"] == .text("string") && price?["pattern"] != nil)
    #expect(try row(Topics.technicalSignals, "values").type == "number by name")
    let document = AsyncAPIDocument(topics: [Topics.marketBars], services: [], names: ClusterNames(prefix: "x.")).data
    #expect(document["channels"]?["market-bars"]?["address"] == .text("x.market-bars"))
  }

  @Test func aPrefixIsInTheRightsOfAService() throws {
    let rules = ServiceAccess(ServiceCatalogue.parser, names: ClusterNames(prefix: "x.")).rules
    #expect(rules.filter { $0.resource != .cluster }.allSatisfy { $0.name.hasPrefix("x.") })
    let plan = TopicPlan(catalogue: [Topics.alerts], existing: [:], names: ClusterNames(prefix: "x."))
    #expect(plan.report().lines(Terminal(width: 80, hasColour: false)).contains { $0.contains("x.souk.alerts") })
  }

  /// Every reference leads somewhere, and each service sends and receives what its entry says.
  @Test(arguments: [nil] + FleetSystem.allCases.map { Optional($0) })
  func asyncAPIHasNoReferenceIntoNothing(_ system: FleetSystem?) throws {
    let topics = TopicsCommand.chosen(system)
    let services = system?.services ?? ServiceCatalogue.all
    let text = AsyncAPIDocument(topics: topics, services: services).data.prettyJSON
    let root = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(root["asyncapi"] as? String == "3.0.0")
    let channels = try #require(root["channels"] as? [String: Any])
    #expect(channels.count == topics.count)
    func follow(_ value: Any) {
      if let list = value as? [Any] { list.forEach(follow) }
      guard let object = value as? [String: Any] else { return }
      if let path = object["$ref"] as? String {
        let found = path.dropFirst(2).split(separator: "/").reduce(root as Any?) { ($0 as? [String: Any])?[String($1)] }
        #expect(found != nil, "\(path)")
      }
      object.values.forEach(follow)
    }
    follow(root)
    let operations = try #require(root["operations"] as? [String: [String: Any]])
    for service in services {
      for topic in service.inputs {
        #expect(operations["\(service.name).receive.\(topic.name)"]?["action"] as? String == "receive")
      }
    }
    #expect(throws: (any Error).self) { _ = try TopicsCommand.parseAsRoot(["asyncapi", "-o", "table"]) }
  }

  @Test func everyServiceMayDoWhatItsEntrySays() throws {
    for entry in ServiceCatalogue.all {
      let access = ServiceAccess(entry)
      func operations(_ topic: Topic) -> [String] {
        access.rules.first { $0.resource == .topic && $0.name == topic.name }?.operations ?? []
      }
      for topic in entry.inputs + entry.tables {
        #expect(operations(topic).contains("Read"), "\(entry.name) \(topic.name)")
      }
      for topic in entry.outputs + entry.inputs.map(\.deadLetters) { #expect(operations(topic).contains("Write")) }
      for group in entry.groups { #expect(access.rules.contains { $0.resource == .group && $0.name == group.name }) }
      #expect(!access.rules.contains { $0.operations.contains("All") || $0.name == "*" })
    }
    let commands = ServiceAccess(ServiceCatalogue.influxConsumer).commands(principal: "User:x")
    #expect(commands[0] == """
      kafka-acls --bootstrap-server "$BROKERS" --add --allow-principal 'User:x' --operation Read --operation Describe \
      --topic 'egx_market_data'
      """)
    let report = TopicsCommand.AccessCommand.report(ServiceCatalogue.all.map { ServiceAccess($0) })
    #expect(report.lines(Terminal(width: 80, hasColour: false)).allSatisfy { $0.count <= 80 })
  }

  @Test(arguments: [
    (["describe", "gogobe.files.discoverd"], "did you mean 'gogobe.files.discovered'?"),
    (["acls", "db-writr"], "did you mean 'db-writer'?"),
  ])
  func wrongNamesAreFoundFirst(_ arguments: [String], _ hint: String) {
    let error = #expect(throws: (any Error).self) { _ = try TopicsCommand.parseAsRoot(arguments) }
    #expect(TopicsCommand.message(for: error!).contains(hint))
  }
}

/// Every command that people type shows how it is used.
@Suite struct HelpTests {
  private static func commands(
    _ type: any ParsableCommand.Type, _ path: [String] = []
  ) -> [(path: String, type: any ParsableCommand.Type)] {
    let path = path + [type._commandName]
    return [(path.joined(separator: " "), type)]
      + type.configuration.subcommands.flatMap { commands($0, path) }
  }

  @Test func everyHelpPageHasAnExampleOfItself() {
    for (path, type) in Self.commands(SoukCommand.self).dropFirst() {
      let text = type.configuration.discussion
      #expect(text.contains("Examples:"), "\(path) shows no example")
      // A group of commands shows some of its commands.
      #expect(text.contains("  \(path)"), "the examples of \(path) do not run it")
    }
  }

  /// What an example types is understood by the parser.
  @Test func examplesAreCommandsThatExist() throws {
    for (path, type) in Self.commands(SoukCommand.self).dropFirst() {
      let lines = type.configuration.discussion.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
      for line in lines where line.hasPrefix("souk ") && !line.contains("`") {
        var words: [String] = []
        for word in line.split(separator: " ").dropFirst() {
          if ["|", "||", "&&", ">", "#", "<"].contains(String(word)) || word.hasPrefix("#") { break }
          words.append(String(word).trimmingCharacters(in: CharacterSet(charactersIn: "'\"")))
        }
        var command: any ParsableCommand.Type = SoukCommand.self
        var rest = words[...]
        while let word = rest.first, let next = command.configuration.subcommands.first(where: {
          $0._commandName == word || $0.configuration.aliases.contains(word)
        }) {
          command = next
          rest = rest.dropFirst()
        }
        let known = command.helpMessage()
        for flag in rest where flag.hasPrefix("--") {
          let name = flag.prefix { $0 != "=" }
          #expect(known.contains(String(name)), "\(path): '\(line)' has \(name)")
        }
      }
    }
  }

  /// Every command that answers with data prints it as a table, as JSON and as YAML.
  @Test func everyAnswerHasAFormForPrograms() throws {
    // What runs until it is stopped, prints a file or a document, or moves data and says how far it is.
    let others: Set = [
      "souk up", "souk broker", "souk init", "souk replay", "souk subscribe", "souk models train",
      "souk features compute", "souk features export", "souk splits fetch", "souk splits load", "souk batch cancel",
    ]
    let commands = Self.commands(SoukCommand.self).filter { $0.type.configuration.subcommands.isEmpty }
    #expect(Set(commands.map(\.path)).isSuperset(of: others))
    for (path, type) in commands where !others.contains(path) {
      let options = try CommandShape(of: type).options
      let output = try #require(options.first { $0.name == "output" }, "\(path) has no -o")
      #expect(Set(output.allValues).isSuperset(of: ["json", "yaml"]), "\(path)")
    }
  }

  @Test func everyHelpPageFitsEightyColumns() {
    for (path, type) in Self.commands(SoukCommand.self) {
      for line in type.helpMessage(columns: 80).split(separator: "\n") {
        // ArgumentParser breaks the text of options, but not the usage and not examples.
        if line.contains("souk ") || line.hasPrefix("USAGE") || line.hasPrefix(" ") && line.contains("--") { continue }
        #expect(line.count <= 80, "\(path): \(line)")
      }
    }
  }
}
