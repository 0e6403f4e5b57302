import ArgumentParser
import Catalogue
import Core
import Kafka
import KafkaFlags
import Operations

extension TopicsCommand {
  /// `souk topics asyncapi`
  struct AsyncAPICommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "asyncapi", abstract: "All topics, their records and who uses them as AsyncAPI 3.0; works offline.",
      discussion: """
        Examples:
          souk topics asyncapi > souk.asyncapi.json
          souk topics asyncapi --system prices -o yaml
        """)
    @Option(help: "Only the topics and services of this system.") var system: FleetSystem?
    @OptionGroup var fleet: FleetNameOptions
    @Option(name: .shortAndLong, help: "json or yaml.") var output = OutputFormat.json

    func validate() throws {
      if output == .table { throw ValidationError("AsyncAPI has no table: -o json or -o yaml") }
    }

    func run() {
      let document = AsyncAPIDocument(
        topics: TopicsCommand.chosen(system), services: system?.services ?? ServiceCatalogue.all,
        names: fleet.names)
      print(output == .yaml ? document.data.yaml : document.data.prettyJSON)
    }
  }
}

/// The catalogue as AsyncAPI 3.0 (asyncapi.com/docs/reference/specification/v3.0.0), with its Kafka bindings 0.5.0.
struct AsyncAPIDocument {
  let topics: [Topic]
  let services: [ServiceEntry]
  /// What the cluster calls topics: the addresses of the channels.
  var names = ClusterNames()

  var data: DataValue {
    .object([
      .init("asyncapi", .text("3.0.0")),
      .init("info", .object([.init("title", .text("Souk")), .init("version", .text(Souk.version))])),
      .init("defaultContentType", .text("application/json")),
      .init("channels", .object(topics.map { .init($0.name, channel($0)) })),
      .init("operations", .object(services.flatMap { operations(of: $0) })),
      .init("components", .object([.init("messages", .object(topics.map { .init($0.name, message($0)) }))])),
    ])
  }

  private func reference(_ path: String) -> DataValue { .object([.init("$ref", .text("#/\(path)"))]) }

  private func channel(_ topic: Topic) -> DataValue {
    let settings = topic.configuration.map { setting in
      DataValue.Field(
        setting.name, setting.name == "cleanup.policy" ? .list([.text(setting.value)])
          : Int64(setting.value).map { .integer($0) } ?? .text(setting.value))
    }
    return .object([
      .init("address", .text(names.onCluster(topic.name))), .init("description", .text(topic.summary)),
      .init("messages", .object([.init("record", reference("components/messages/\(topic.name)"))])),
      .init("bindings", .object([.init("kafka", .object([
        .init("topic", .text(names.onCluster(topic.name))), .init("partitions", .integer(Int64(topic.partitions))),
        .init("topicConfiguration", .object(settings)), .init("bindingVersion", .text("0.5.0")),
      ]))])),
    ])
  }

  private func message(_ topic: Topic) -> DataValue {
    .object([
      .init("name", .text(topic.schema.description)), .init("contentType", .text("application/json")),
      .init("payload", RecordShape(topic).jsonSchema),
      .init("bindings", .object([.init("kafka", .object([
        .init("key", .object([.init("type", .text("string")), .init("description", .text(topic.key))])),
        .init("bindingVersion", .text("0.5.0")),
      ]))])),
    ])
  }

  private func operations(of service: ServiceEntry) -> [DataValue.Field] {
    func operation(_ action: String, _ topic: Topic) -> DataValue.Field {
      .init("\(service.name).\(action).\(topic.name)", .object([
        .init("action", .text(action)), .init("channel", reference("channels/\(topic.name)")),
        .init("summary", .text(service.summary)),
      ]))
    }
    let (reads, writes) = (service.inputs + service.tables, service.outputs + service.inputs.map(\.deadLetters))
    return topics.filter { reads.contains($0) }.map { operation("receive", $0) }
      + topics.filter { writes.contains($0) }.map { operation("send", $0) }
  }
}
