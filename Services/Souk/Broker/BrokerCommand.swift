import ArgumentParser
import Catalogue
import Core
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Operations

/// `souk broker`
struct BrokerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "broker",
    abstract: "Run the embedded Kafka broker with all topics of the catalogue, until stopped.",
    discussion: """
      For local runs and tests, never for data that matters. \(EmbeddedBroker.limits) It listens on 127.0.0.1, on \
      ports of its own choice. Against it, set KAFKA_PROPERTIES=session.timeout.ms=6000: it does not see members \
      leave their group.

      Examples:
        souk broker --bootstrap-file /tmp/broker
      """)

  @Option(help: ArgumentHelp("Write the bootstrap servers here once listening.", valueName: "path"))
  var bootstrapFile: String?

  @Option(help: "How many brokers the cluster pretends to have.")
  var brokers = 1

  @OptionGroup var fleet: FleetNameOptions

  func validate() throws {
    guard (1...9).contains(brokers) else { throw ValidationError("--brokers must be from 1 to 9") }
  }

  func run() async throws {
    let stopping = stopSignals()
    let file = try bootstrapFile.map { try AddressFile($0) }
    let topics = Topics.allWithDeadLetters.map { topic in
      (name: fleet.names.onCluster(topic.name), partitions: Int(topic.partitions))
    }
    let broker = try EmbeddedBroker(brokers: brokers, topics: topics)
    print("listening on \(broker.bootstrapServers) with \(topics.count) topics")
    fflush(nil)
    try file?.write(broker.bootstrapServers)
    await stopping.wait()
    file?.remove(broker.bootstrapServers)
    withExtendedLifetime(broker) {}
  }
}
