import Catalogue
import Core
import Kafka
import KafkaFlags
import Logging
import Messages
import Operations
import Pipeline

/// Sends decisions about masters, and waits until the brokers have them.
struct DecisionSender: Sendable {
  private let cluster: Cluster
  private let options: KafkaOptions

  init(_ options: ClusterOptions) throws {
    cluster = try Cluster(options)
    self.options = try options.kafkaOptions()
  }

  /// - Parameter masters: what the decisions refer to and is new; sent ahead of them.
  /// - Throws: `KafkaError` when the brokers do not answer; `Failure` of class configuration without the topics.
  func send(_ decisions: [MasterDecision], masters: [ProductMaster] = []) async throws {
    let topics = try await cluster.admin.topics()
    for topic in [Topics.masterDecisions, Topics.productsMasters] where topics[topic.name] == nil {
      throw Failure(
        .configuration, code: "no_such_topic", "the cluster has no topic \(topic.name); see `souk topics apply`")
    }
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
