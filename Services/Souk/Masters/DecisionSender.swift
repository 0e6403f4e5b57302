import Catalogue
import Core
import Kafka
import KafkaFlags
import Logging
import Messages
import Pipeline

/// Sends decisions about masters, and waits until the brokers have them.
struct DecisionSender: Sendable {
  private let options: KafkaOptions

  /// - Parameter servers: replaces those of the options.
  init(_ options: ClusterOptions, servers: String? = nil) throws {
    self.options = try options.kafkaOptions(servers: servers)
  }

  /// - Parameter masters: what the decisions refer to and is new; sent ahead of them.
  func send(_ decisions: [MasterDecision], masters: [ProductMaster] = []) async throws {
    var logger = Logger(label: "souk")
    logger.logLevel = .critical
    let identity = ServiceIdentity(name: "souk")
    let producer = try Producer(options.producerConfiguration(clientID: identity.name, logger: logger))
    do {
      try await producer.send(batch(masters, identity))
      try await producer.send(batch(decisions, identity))
    } catch {
      await producer.close()
      throw error
    }
    await producer.close()
  }

  private func batch<Record: Message>(_ records: [Record], _ identity: ServiceIdentity) -> OutgoingBatch {
    var batch = OutgoingBatch()
    let headers = identity.headers(schema: Record.topic.schema)
    for record in records {
      batch.append(topic: Record.topic.name, key: record.key, value: record.encoded(), headers: headers)
    }
    return batch
  }
}
