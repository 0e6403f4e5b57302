import ArgumentParser
import Foundation
import Kafka
import Runtime
import Schemas

/// `souk broker`
struct BrokerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "broker",
    abstract: "Run the embedded Kafka broker with all topics of the catalogue, until stopped.",
    discussion: """
      For local runs and tests, never for data that matters. \(EmbeddedBroker.limits) It listens on 127.0.0.1, on \
      ports of its own choice. Against it, set KAFKA_PROPERTIES=session.timeout.ms=6000: it does not see members \
      leave their group.
      """)

  @Option(help: ArgumentHelp("Write the bootstrap servers here once listening.", valueName: "path"))
  var bootstrapFile: String?

  @Option(help: "How many brokers the cluster pretends to have.")
  var brokers = 1

  func validate() throws {
    guard (1...9).contains(brokers) else { throw ValidationError("--brokers must be from 1 to 9") }
  }

  func run() async throws {
    let signals = StopSignals {}
    let topics = Topics.allWithDeadLetters.map { (name: $0.name, partitions: Int($0.partitions)) }
    let broker = try EmbeddedBroker(brokers: brokers, topics: topics)
    print("listening on \(broker.bootstrapServers) with \(topics.count) topics")
    fflush(nil)
    if let bootstrapFile {
      do {
        // Written beside and renamed: whoever waits for the file never reads half of it.
        try Data("\(broker.bootstrapServers)\n".utf8).write(to: URL(fileURLWithPath: bootstrapFile), options: .atomic)
      } catch {
        throw Failure(
          .configuration, code: "bootstrap_file", "cannot write --bootstrap-file: \(error.localizedDescription)")
      }
    }
    await signals.requested.wait()
    if let bootstrapFile { try? FileManager.default.removeItem(atPath: bootstrapFile) }
    withExtendedLifetime(broker) {}
  }
}
