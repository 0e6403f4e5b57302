import Catalogue
import Core
import Kafka
import KafkaFlags
import Logging
import Messages
import Operations
import Pipeline
import Synchronization

/// The splits that `market-splits` has.
struct SplitBook: Sendable {
  private let cluster: Cluster
  private let options: KafkaOptions

  init(_ kafka: ClusterOptions) throws {
    cluster = try Cluster(kafka)
    options = try kafka.kafkaOptions()
  }

  /// - Returns: by symbol and date.
  func splits(stop: Interruption = Interruption()) async throws -> [StockSplit] {
    try await cluster.require([Topics.marketSplits])
    let known = Mutex<[String: StockSplit]>([:])
    try await Cluster.read(Topics.marketSplits, options, stop: stop) { (split: StockSplit?, key) in
      known.withLock { $0[key] = split }
    }
    return known.withLock { $0.values.sorted { ($0.symbol, $0.executionDate) < ($1.symbol, $1.executionDate) } }
  }

  /// - Parameter gone: those that are taken back.
  func send(_ splits: [StockSplit], gone: [StockSplit] = []) async throws {
    try await cluster.require([Topics.marketSplits])
    var logger = Logger(label: "souk")
    logger.logLevel = .critical
    var batch = OutgoingBatch()
    let headers = ServiceIdentity(name: "souk").headers(schema: StockSplit.topic.schema)
    for split in splits {
      batch.append(topic: StockSplit.topic.name, key: split.key, value: split.encoded(), headers: headers)
    }
    for split in gone { batch.append(topic: StockSplit.topic.name, key: split.key, value: nil, headers: headers) }
    let producer = try Producer(options.producerConfiguration(clientID: "souk", logger: logger))
    do {
      try await producer.send(batch)
    } catch {
      await producer.close()
      throw error
    }
    await producer.close()
  }
}
