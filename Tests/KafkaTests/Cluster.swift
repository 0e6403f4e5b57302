import ArgumentParser
@testable import KafkaFlags
import Logging
import Synchronization
import Testing
import TestSupport

import Glibc

@testable import Kafka

/// The Kafka a test talks to: an embedded broker of its own, or the real one named by `SOUK_TEST_KAFKA`.
final class Cluster: Sendable {
  /// nil on a real cluster, where faults cannot be staged.
  let broker: EmbeddedBroker?
  let bootstrapServers: String
  let admin: Admin
  /// The prefix of the fleet; empty without one.
  let prefix: String

  static var external: String? { getenv("SOUK_TEST_KAFKA").map { String(cString: $0) } }

  init() throws {
    if let external = Self.external {
      broker = nil
      bootstrapServers = external
    } else {
      let broker = try EmbeddedBroker()
      self.broker = broker
      bootstrapServers = broker.bootstrapServers
    }
    admin = try Admin(properties: ["bootstrap.servers": bootstrapServers], logger: Self.logger)
    prefix = ""
  }

  /// The same cluster as a fleet with a prefix sees it.
  init(_ other: Cluster, prefix: String) throws {
    (broker, bootstrapServers, self.prefix) = (other.broker, other.bootstrapServers, prefix)
    admin = try Admin(
      properties: ["bootstrap.servers": bootstrapServers, ClusterNames.property: prefix], logger: Self.logger)
  }

  static let logger: Logger = {
    var logger = Logger(label: "test")
    logger.logLevel = getenv("SOUK_TEST_LOG") == nil ? .critical : .debug
    return logger
  }()

  static func unique(_ name: String) -> String { "\(name)-\(getpid())-\(UInt32.random(in: 0 ... .max))" }

  /// A new topic with a name of its own.
  func topic(_ partitions: Int = 1) async throws -> String {
    let name = Self.unique("test")
    if let broker {
      try broker.createTopic(prefix + name, partitions: partitions)
    } else {
      try await admin.createTopics([TopicSpecification(name: name, partitions: partitions, replicationFactor: 1)])
      // Each broker hears of it a little later.
      try await eventually("topic") { try await admin.topics()[name]?.count == partitions }
    }
    return name
  }

  func options(_ change: (inout KafkaOptions) -> Void = { _ in }) throws -> KafkaOptions {
    var options = try KafkaOptions.parse(prefix.isEmpty ? [] : ["--topic-prefix", prefix])
    options.kafkaBootstrapServers = bootstrapServers
    // The embedded broker does not see members leave; it only misses their heartbeats.
    options.kafkaProperty = ["session.timeout.ms=6000", "heartbeat.interval.ms=300"]
    if let debug = getenv("SOUK_TEST_KAFKA_DEBUG") { options.kafkaProperty.append("debug=\(String(cString: debug))") }
    change(&options)
    return options
  }

  func producer(
    transactionalID: String? = nil, _ change: (inout KafkaOptions) -> Void = { _ in }
  ) throws -> Producer {
    let configuration = try options(change).producerConfiguration(
      clientID: "test", transactionalID: transactionalID, logger: Self.logger)
    return try Producer(configuration)
  }

  func consumer(
    _ topic: String, group: String, externalOffsets: Bool = false, drain: Duration = .seconds(20),
    start: Duration = .seconds(60), _ change: (inout KafkaOptions) -> Void = { _ in },
    configure: (inout Consumer.Configuration) -> Void = { _ in }
  ) throws -> Consumer {
    let options = try options {
      $0.groupId = group
      change(&$0)
    }
    var configuration = try options.consumerConfiguration(
      clientID: "test", topics: [topic], externalOffsets: externalOffsets, drainDeadline: drain, logger: Self.logger)
    configuration.startDeadline = start
    configure(&configuration)
    return try Consumer(configuration)
  }

  /// Produces `values` as UTF-8, record i to partition i mod `partitions`.
  func fill(_ topic: String, _ values: [String], partitions: Int = 1) async throws {
    let producer = try producer()
    let routes = try await Self.routes(producer, topic, partitions)
    var batch = OutgoingBatch()
    for (index, value) in values.enumerated() {
      batch.append(
        topic: topic, key: nil, value: Array(value.utf8), partitionBy: routes[index % partitions])
    }
    try await producer.send(batch)
    await producer.close()
  }

  /// Appends offsets without a record for consumers of committed records: a marker on the embedded broker, an aborted
  /// record and its marker on a real one.
  /// - Returns: how many.
  func passOffsets(_ topic: String, _ partition: Int32 = 0, of partitions: Int = 1) async throws -> Int64 {
    guard broker == nil else {
      try TransactionMarker.append(to: topic, partition: partition, at: bootstrapServers)
      return 1
    }
    let before = try await admin.watermarks([TopicPartition(topic, partition)]).values.first?.high ?? 0
    let producer = try producer(transactionalID: Self.unique("tx")) { $0.delivery = .exactlyOnce }
    try await producer.initTransactions()
    try await producer.beginTransaction()
    var batch = OutgoingBatch()
    let routes = try await Self.routes(producer, topic, partitions)
    batch.append(topic: topic, key: nil, value: Array("aborted".utf8), partitionBy: routes[Int(partition)])
    try await producer.send(batch)
    try await producer.abortTransaction()
    await producer.close()
    // Markers are written after the answer. Until then, readers of committed records see the old end.
    let place = TopicPartition(topic, partition)
    try await eventually("marker") { try await admin.watermarks([place])[place]!.high == before + 2 }
    return 2
  }

  /// For each partition, a key that is assigned to it.
  static func routes(_ producer: Producer, _ topic: String, _ partitions: Int) async throws -> [[UInt8]] {
    var routes: [Int32: [UInt8]] = [:]
    var number = 0
    while routes.count < partitions {
      let bytes = Array("route-\(number)".utf8)
      routes[try await producer.partition(for: bytes, topic: topic)] = bytes
      number += 1
    }
    return (0..<Int32(partitions)).map { routes[$0]! }
  }
}

struct Stuck: Error, CustomStringConvertible {
  var description: String
}

/// A record copied out of its batch.
struct Seen: Hashable, Sendable {
  var partition: Int32
  var offset: Int64
  var value: String
}

extension RecordBatch {
  var seen: [Seen] {
    var list: [Seen] = []
    forEach { record in
      list.append(Seen(
        partition: record.partition, offset: record.offset, value: String(decoding: record.valueBytes, as: UTF8.self)))
    }
    return list
  }
}

extension Consumer {
  /// The next element other than `.idle`, within a deadline.
  func element(within limit: Duration = .seconds(120)) async throws -> Element? {
    try await next(before: .now + limit)
  }

  /// Reads without acknowledging until `count` records came.
  func records(_ count: Int) async throws -> [Seen] {
    var list: [Seen] = []
    while list.count < count {
      switch try await element() {
      case .batch(let batch): list += batch.seen
      case .idle: throw Stuck(description: "only \(list.count) of \(count) records came")
      case nil: throw Stuck(description: "closed after \(list.count) of \(count) records")
      default: break
      }
    }
    return list
  }

  /// Reads until a position after offsets without records comes.
  func passed() async throws -> [Lease: Int64] {
    while let element = try await element() {
      switch element {
      case .passed(let ends): return ends
      case .idle: throw Stuck(description: "no position came")
      default: break
      }
    }
    throw Stuck(description: "closed")
  }

  /// Closes and reads to the end, committing `positions` when asked.
  func drain(committing positions: [TopicPartition: Int64] = [:]) async throws {
    close()
    while let element = try await element() {
      switch element {
      case .revoking(_, let answer): answer.done(committing: positions)
      case .idle: throw Stuck(description: "the consumer did not close")
      default: break
      }
    }
  }
}
