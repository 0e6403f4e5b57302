import ArgumentParser
import KafkaFlags

/// How to reach a cluster: a service's Kafka options without those for consuming and producing.
struct ClusterOptions: ParsableArguments {
  @Option(name: .customLong("kafka-bootstrap-servers"), help: ArgumentHelp(
    "Brokers to connect to first.", valueName: "host:port,…"))
  var bootstrapServers: String?

  @Option(
    name: .customLong("kafka-property"), parsing: .singleValue,
    help: ArgumentHelp("Any librdkafka property, such as TLS and SASL settings; repeatable.", valueName: "name=value"))
  var property: [String] = []

  @Option(name: .customLong("kafka-properties"), help: ArgumentHelp(
    "librdkafka properties in one text.", valueName: "name=value,…"))
  var properties: String?

  @Option(name: .customLong("kafka-properties-file"), help: ArgumentHelp(
    "File of librdkafka properties, one name=value per line.", valueName: "path"))
  var propertiesFile: String?

  @OptionGroup var fleet: FleetNameOptions

  /// These options as the services' environment.
  var environment: [String: String?] {
    let escaped = property.map { $0.replacing(",", with: "\\,") }
    let all = (properties.map { [$0] } ?? []) + escaped
    return [
      "KAFKA_BOOTSTRAP_SERVERS": bootstrapServers, "KAFKA_PROPERTIES": all.isEmpty ? nil : all.joined(separator: ","),
      "KAFKA_PROPERTIES_FILE": propertiesFile, "KAFKA_PROPERTY": nil, "TOPIC_PREFIX": fleet.topicPrefix,
    ]
  }

  /// These options as `KafkaOptions`.
  /// - Parameters:
  ///   - servers: replaces the given servers.
  ///   - extra: more arguments of `KafkaOptions`.
  func kafkaOptions(servers: String? = nil, extra: [String] = []) throws -> KafkaOptions {
    var arguments: [String] = []
    if let servers = servers ?? bootstrapServers { arguments += ["--kafka-bootstrap-servers", servers] }
    for property in property { arguments += ["--kafka-property", property] }
    if let properties { arguments += ["--kafka-properties", properties] }
    if let propertiesFile { arguments += ["--kafka-properties-file", propertiesFile] }
    if let prefix = fleet.topicPrefix { arguments += ["--topic-prefix", prefix] }
    return try KafkaOptions.parse(arguments + extra)
  }
}
