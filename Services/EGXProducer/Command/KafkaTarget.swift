import ArgumentParser
import KafkaFlags

/// Where bars go.
package struct KafkaTarget: ParsableArguments {
  @Option(help: ArgumentHelp("The same as --kafka-bootstrap-servers.", valueName: "host:port,..."))
  package var bootstrap: String?

  @Option(help: ArgumentHelp("Topic of the bars.", valueName: "name"))
  package var topic = "egx_market_data"

  package init() {}

  package func validate() throws {
    if topic.isEmpty { throw ValidationError("--topic is empty") }
    if bootstrap?.isEmpty == true { throw ValidationError("--bootstrap is empty") }
  }

  package func apply(to kafka: KafkaOptions) -> KafkaOptions {
    var kafka = kafka
    if let bootstrap { kafka.kafkaBootstrapServers = bootstrap }
    return kafka
  }
}
