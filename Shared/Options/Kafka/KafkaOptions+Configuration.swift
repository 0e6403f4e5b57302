import Core
import Foundation
import Kafka
import Logging

extension KafkaOptions {
  /// - Parameters:
  ///   - clientID: the service's name; shows up in the brokers' logs, and is the group without `--group-id`.
  ///   - externalOffsets: the sink keeps the offsets.
  /// - Throws: `Failure(.configuration)` that says which property is wrong and why.
  package func consumerConfiguration(
    clientID: String, topics: [String], externalOffsets: Bool = false, drainDeadline: Duration = .seconds(20),
    logger: Logger
  ) throws(Failure) -> Consumer.Configuration {
    let group = groupId ?? clientID
    var properties = readerProperties(clientID: clientID, group: group)
    if let groupInstanceId { properties.setDefault("group.instance.id", groupInstanceId) }
    // How soon an added partition is noticed.
    properties.setDefault("topic.metadata.refresh.interval.ms", "10000")
    properties.setDefault("partition.assignment.strategy", Library.assignmentStrategy)
    properties.setDefault("queued.min.messages", "100000")
    if let backoff = Library.fetchQueueBackoff { properties.setDefault("fetch.queue.backoff.ms", backoff) }
    try applyOverrides(to: &properties)
    limitFetches(&properties)
    var configuration = Consumer.Configuration(
      properties: properties.values, groupID: group, topics: topics, logger: logger)
    configuration.startFrom = startFrom
    configuration.onGap = onGap
    configuration.externalOffsets = externalOffsets
    configuration.maxBatchRecords = maxBatchRecords
    configuration.maxBatchBytes = maxBatchBytes.bytes
    configuration.drainDeadline = drainDeadline
    return configuration
  }

  /// For a table that every instance reads whole.
  package func tableConfiguration(
    clientID: String, topic: String, logger: Logger
  ) throws(Failure) -> TableReader.Configuration {
    // The library requires a group name even of a client that joins none; nothing is ever committed under it.
    var properties = readerProperties(clientID: clientID, group: "\(groupId ?? clientID)-table")
    try applyOverrides(to: &properties)
    limitFetches(&properties)
    return TableReader.Configuration(properties: properties.values, topic: topic, logger: logger)
  }

  /// - Parameters:
  ///   - transactionalID: used with `--delivery exactly-once`; never the same in two running processes.
  ///   - linger: how long a record waits for others of its partition, to be sent with them.
  package func producerConfiguration(
    clientID: String, transactionalID: String? = nil, linger: Duration = .milliseconds(10), logger: Logger
  ) throws(Failure) -> Producer.Configuration {
    var properties = commonProperties(clientID: clientID)
    properties.setDefault("enable.idempotence", "true")
    properties.setDefault("acks", "all")
    properties.setDefault("compression.type", Library.compression)
    properties.setDefault("linger.ms", "\(Int(linger / .milliseconds(1)))")
    properties.setDefault("partitioner", "murmur2_random")
    properties.setDefault("queue.buffering.max.messages", "1000000")
    // Twice the budget, because the library also counts what a record costs it besides its bytes.
    properties.setDefault("queue.buffering.max.kbytes", String(max(1_024, maxInFlightBytes.bytes >> 9)))
    try applyOverrides(to: &properties)
    var configuration = Producer.Configuration(
      properties: properties.values, transactionalID: delivery == .exactlyOnce ? transactionalID : nil,
      logger: logger)
    configuration.maxInFlightBytes = maxInFlightBytes.bytes
    return configuration
  }

  package func makeAdmin(clientID: String, logger: Logger) throws -> Admin {
    try Admin(properties: adminProperties(clientID: clientID), logger: logger)
  }

  func adminProperties(clientID: String = "souk") throws(Failure) -> [String: String] {
    var properties = commonProperties(clientID: clientID)
    try applyOverrides(to: &properties)
    return properties.values
  }

  /// Bounds what is fetched ahead, where the operator's properties do not.
  ///
  /// `queued.max.messages.kbytes` counts records as they are after decompression and only decides whether to fetch
  /// once more; an answer is taken whole, whatever its size, and by default it may have as many compressed bytes as
  /// the whole budget, which is a multiple of it in memory. So one answer of a broker may bring 1/32 of the budget,
  /// but always the largest record (librdkafka insists on `message.max.bytes`).
  private func limitFetches(_ properties: inout ClientProperties) {
    if properties.values["queued.max.messages.kbytes"] == nil {
      properties.setDefault("queued.max.messages.kbytes", String(max(1, maxPrefetchBytes.bytes >> 10)))
    }
    if properties.values["fetch.max.bytes"] == nil {
      let largest = properties.values["message.max.bytes"].flatMap { Int($0) } ?? 1_000_000
      properties.setDefault("fetch.max.bytes", String(max(largest, maxPrefetchBytes.bytes >> 5)))
    }
  }

  /// Of whatever reads: the library commits nothing by itself, and starts nowhere by itself.
  private func readerProperties(clientID: String, group: String) -> ClientProperties {
    var properties = commonProperties(clientID: clientID)
    properties.setDefault("group.id", group)
    properties.setDefault("enable.auto.commit", "false")
    properties.setDefault("enable.auto.offset.store", "false")
    properties.setDefault("auto.offset.reset", "error")
    // The ends of partitions say where reading stands behind the markers of transactions.
    properties.setDefault("enable.partition.eof", "true")
    properties.setDefault("isolation.level", "read_committed")
    properties.setDefault("allow.auto.create.topics", "false")
    properties.setDefault("fetch.wait.max.ms", "100")
    return properties
  }

  private func commonProperties(clientID: String) -> ClientProperties {
    var properties = ClientProperties()
    properties.setDefault("bootstrap.servers", kafkaBootstrapServers)
    properties.setDefault("client.id", clientID)
    properties.setDefault("client.software.name", "souk")
    properties.setDefault("client.software.version", Souk.version)
    properties.setDefault("socket.nagle.disable", "true")
    properties.setDefault("socket.keepalive.enable", "true")
    properties.setDefault("statistics.interval.ms", "15000")
    properties.setDefault("reconnect.backoff.max.ms", "5000")
    if let prefix = fleet.topicPrefix { properties.setDefault(ClusterNames.property, prefix) }
    return properties
  }
}

extension KafkaOptions {
  /// The operator's properties, by rising rank: file, `--kafka-properties`, `--kafka-property`.
  package func overrides() throws(Failure) -> [(name: String, value: String, source: String)] {
    var layers: [(String, String, String)] = []
    if let path = kafkaPropertiesFile {
      let text: String
      do {
        text = try String(contentsOfFile: path, encoding: .utf8)
      } catch {
        throw Failure(
          .configuration, code: "kafka_properties_file",
          "--kafka-properties-file \(path) cannot be read as UTF-8 text: \(error.localizedDescription)")
      }
      for (name, value) in try PropertyText.file(text, source: path) { layers.append((name, value, path)) }
    }
    if let text = kafkaProperties {
      for (name, value) in try PropertyText.list(text, source: "--kafka-properties") {
        layers.append((name, value, "--kafka-properties"))
      }
    }
    for text in kafkaProperty {
      let (name, value) = try PropertyText.pair(text, source: "--kafka-property")
      layers.append((name, value, "--kafka-property"))
    }
    return layers
  }

  func applyOverrides(to properties: inout ClientProperties) throws(Failure) {
    let overrides = try overrides()
    for (name, value, source) in overrides { try properties.override(name, value, source: source) }
    // The last one counts. One of the file is followed there when it changes.
    if let path = kafkaPropertiesFile, overrides.last(where: { $0.name == "sasl.password" })?.source == path {
      properties.setDefault(ClientProperties.loginFile, path)
    }
  }
}
