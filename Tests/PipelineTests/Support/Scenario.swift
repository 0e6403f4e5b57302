import ArgumentParser
import Core
import Kafka
import KafkaFlags
import Logging
import Options
import ServiceKit
import Testing
import TestSupport

import Glibc

@testable import Pipeline

/// An input topic, its dead-letter topic and an output topic, one group that works on the input, and a tap that sees
/// everything that is produced to the other two. On an embedded broker of its own, or on the real one that
/// `SOUK_TEST_KAFKA` names.
final class Scenario: Sendable {
  /// nil on a real broker, where faults cannot be staged.
  let broker: EmbeddedBroker?
  let bootstrapServers: String
  let input: String
  let output: String
  var dead: String { input + ".dlq" }
  var place: TopicPartition { TopicPartition(input, 0) }
  /// Of the members that do the work.
  let group: String
  let partitions: Int
  let feeder: Producer
  let tap: Tap
  let admin: Admin
  private let routes: [[UInt8]]

  static let logger: Logger = {
    var logger = Logger(label: "test")
    logger.logLevel = TestEnvironment.isLoud ? .debug : .critical
    return logger
  }()

  /// Whether faults can be staged.
  static var isEmbedded: Bool { external == nil }
  private static var external: String? { getenv("SOUK_TEST_KAFKA").map { String(cString: $0) } }

  init(partitions: Int = 1) async throws {
    self.partitions = partitions
    let name = "\(getpid())-\(UInt32.random(in: 0 ... .max))"
    (input, output, group) = ("input-\(name)", "output-\(name)", "group-\(name)")
    let topics = [(input, partitions), (output, 1), (input + ".dlq", 1)]
    if let external = Self.external {
      broker = nil
      bootstrapServers = external
    } else {
      let broker = try EmbeddedBroker(topics: topics)
      self.broker = broker
      bootstrapServers = broker.bootstrapServers
    }
    let admin = try Admin(properties: ["bootstrap.servers": bootstrapServers], logger: Self.logger)
    self.admin = admin
    if broker == nil {
      try await admin.createTopics(
        topics.map { TopicSpecification(name: $0.0, partitions: $0.1, replicationFactor: 1) })
      // Each broker hears of them a little later.
      let names = Set(topics.map(\.0))
      try await eventually("topics") { names.isSubset(of: try await admin.topics().keys) }
    }
    let options = try Self.options(bootstrapServers, group: "tap-\(name)")
    feeder = try Producer(options.producerConfiguration(clientID: "feeder", logger: Self.logger))
    tap = try Tap(
      Consumer(
        options.consumerConfiguration(
          clientID: "tap", topics: [output, input + ".dlq"], logger: Self.logger)))
    var routes: [Int32: [UInt8]] = [:]
    var number = 0
    while routes.count < partitions {
      let bytes = Array("route-\(number)".utf8)
      routes[try await feeder.partition(for: bytes, topic: input)] = bytes
      number += 1
    }
    self.routes = routes.sorted { $0.key < $1.key }.map(\.value)
  }

  private static func options(_ bootstrapServers: String, group: String) throws -> KafkaOptions {
    var options = try KafkaOptions.parse([])
    options.kafkaBootstrapServers = bootstrapServers
    options.groupId = group
    // The embedded broker does not see members leave; it only misses their heartbeats.
    options.kafkaProperty = ["session.timeout.ms=6000", "heartbeat.interval.ms=300"]
    return options
  }

  static func pipelineOptions(_ change: (inout PipelineOptions) -> Void = { _ in }) throws -> PipelineOptions {
    var options = try PipelineOptions.parse([])
    options.commitInterval = DurationSetting(.milliseconds(50))
    options.retryBase = DurationSetting(.milliseconds(10))
    options.retryCap = DurationSetting(.milliseconds(50))
    change(&options)
    return options
  }

  // MARK: Feeding and looking

  /// What is fed; the key is `key`, or the value.
  struct Input: Sendable, ExpressibleByStringLiteral {
    var value: String?
    var key: String?
    var partition = 0
    var headers: [Header] = []
    var timestamp: Int64?

    init(_ value: String?, key: String? = nil, partition: Int = 0, headers: [Header] = [], timestamp: Int64? = nil) {
      self.value = value
      self.key = key
      self.partition = partition
      self.headers = headers
      self.timestamp = timestamp
    }
    init(stringLiteral value: String) { self.init(value) }
  }

  func feed(_ inputs: [Input]) async throws {
    var batch = OutgoingBatch()
    for input in inputs {
      batch.append(
        topic: self.input, key: (input.key ?? input.value).map { Array($0.utf8) },
        value: input.value.map { Array($0.utf8) }, headers: input.headers, timestamp: input.timestamp,
        partitionBy: routes[input.partition])
    }
    try await feeder.send(batch)
  }

  /// Next offset that the group has committed; 0 when it has none.
  func committed(_ partition: Int = 0, group: String? = nil) async throws -> Int64 {
    let place = TopicPartition(input, Int32(partition))
    return try await admin.committed(group: group ?? self.group, [place])[place]?.offset ?? 0
  }

  /// Puts offsets without records behind the last record: a marker on the embedded broker, an aborted record and its
  /// marker on a real one.
  /// - Returns: the offset the next record will have.
  func passOffsets() async throws -> Int64 {
    let before = try await admin.watermarks([place])[place]?.high ?? 0
    guard broker == nil else {
      try TransactionMarker.append(to: input, at: bootstrapServers)
      return before + 1
    }
    let producer = try producer(transactionalID: "marker-\(group)")
    try await producer.initTransactions()
    try await producer.beginTransaction()
    var batch = OutgoingBatch()
    batch.append(topic: input, key: nil, value: Array("aborted".utf8), partitionBy: routes[0])
    try await producer.send(batch)
    try await producer.abortTransaction()
    await producer.close()
    // Markers are written after the answer. Until then, readers of committed records see the old end.
    try await eventually("marker") { try await admin.watermarks([place])[place]!.high == before + 2 }
    return before + 2
  }

  /// How far the group is behind, over all partitions.
  func lag() async throws -> Int64 {
    try await admin.lag(group: group, topics: [input]).reduce(0) { $0 + $1.lag }
  }

  func eventuallyCommitted(
    _ offset: Int64, _ partition: Int = 0, group: String? = nil, file: String = #fileID, line: Int = #line
  ) async throws {
    try await eventually("commit of \(offset) in partition \(partition)", file: file, line: line) {
      try await committed(partition, group: group) == offset
    }
  }

  // MARK: Members of the group

  func consumer(
    group: String? = nil, externalOffsets: Bool = false, drainDeadline: Duration = .seconds(20),
    maxBatchRecords: Int = 5_000, _ change: (inout KafkaOptions) -> Void = { _ in }
  ) throws -> Consumer {
    var options = try Self.options(bootstrapServers, group: group ?? self.group)
    options.maxBatchRecords = maxBatchRecords
    change(&options)
    return try Consumer(
      options.consumerConfiguration(
        clientID: "test", topics: [input], externalOffsets: externalOffsets, drainDeadline: drainDeadline,
        logger: Self.logger))
  }

  func producer(
    transactionalID: String? = nil, _ change: (inout KafkaOptions) -> Void = { _ in }
  ) throws -> Producer {
    var options = try Self.options(bootstrapServers, group: group)
    change(&options)
    if transactionalID != nil { options.delivery = .exactlyOnce }
    return try Producer(
      options.producerConfiguration(clientID: "test", transactionalID: transactionalID, logger: Self.logger))
  }

  func jobs(
    _ handler: ScriptedHandler, concurrency: Int = 4, drainTimeout: Duration = .seconds(20),
    options: PipelineOptions? = nil, tick: Duration? = nil, tracer: Tracer? = nil,
    _ change: (inout KafkaOptions) -> Void = { _ in }
  ) throws -> Running {
    let context = ServiceContext(name: "test", logger: Self.logger, drainTimeout: drainTimeout, tracer: tracer)
    let (consumer, producer) = (try consumer(drainDeadline: drainTimeout, change), try producer())
    var jobs = JobPipeline(
      service: ServiceIdentity(name: "test", version: "1.2.3"), consumer: consumer, producer: producer,
      handler: handler, concurrency: concurrency, options: try options ?? Self.pipelineOptions(), context: context)
    if let tick { jobs.pipeline.loop.tick = tick }
    let pipeline = jobs
    return Running(
      context: context, consumer: consumer, metrics: pipeline.metrics, mayWork: { pipeline.table.mayWork($0) }
    ) {
      try await Self.closing(producer) { try await pipeline.run() }
    }
  }

  func transactions(
    _ handler: ScriptedHandler, concurrency: Int = 2, deadLetterLimit: Int = 0
  ) async throws -> Running {
    let context = ServiceContext(name: "test", logger: Self.logger, drainTimeout: .seconds(20))
    let (consumer, producer) = (try consumer(), try producer(transactionalID: "test-\(group)"))
    try await producer.initTransactions()
    let pipeline = TransactionalJobs(
      service: ServiceIdentity(name: "test", version: "1.2.3"), consumer: consumer, producer: producer,
      handler: handler, concurrency: concurrency,
      options: try Self.pipelineOptions { $0.deadLetterLimit = deadLetterLimit }, context: context)
    return Running(context: context, consumer: consumer, metrics: pipeline.metrics) {
      try await Self.closing(producer) { try await pipeline.run() }
    }
  }

  func sink(
    _ sink: FakeSink, policy: FlushPolicy = FlushPolicy(rows: 1_000, bytes: 1 << 20, linger: .milliseconds(20)),
    group: String? = nil, externalOffsets: Bool = true, maxBatchRecords: Int = 5_000,
    drainDeadline: Duration = .seconds(20), options: PipelineOptions? = nil, tracer: Tracer? = nil,
    _ change: (inout KafkaOptions) -> Void = { _ in }
  ) throws -> Running {
    let context = ServiceContext(name: "test", logger: Self.logger, drainTimeout: .seconds(20), tracer: tracer)
    let consumer = try consumer(
      group: group, externalOffsets: externalOffsets, drainDeadline: drainDeadline, maxBatchRecords: maxBatchRecords,
      change)
    let producer = try producer()
    let pipeline = SinkPipeline(
      service: ServiceIdentity(name: "test", version: "1.2.3"), consumer: consumer, producer: producer, sink: sink,
      policy: policy, options: try options ?? Self.pipelineOptions(), context: context)
    let metrics = pipeline.metrics
    let task = Task {
      do { try await pipeline.run() } catch {
        await producer.close(within: .seconds(5))
        throw error
      }
      await producer.close()
    }
    return Running(context: context, consumer: consumer, metrics: metrics, task: task)
  }

  private static func closing(_ producer: Producer, _ work: () async throws -> Void) async throws {
    do { try await work() } catch {
      await producer.close(within: .seconds(5))
      throw error
    }
    await producer.close()
  }
}

/// A running loop.
struct Running: Sendable {
  let context: ServiceContext
  let consumer: Consumer
  let metrics: PipelineMetrics
  let task: Task<Void, any Error>
  let mayWork: @Sendable (Lease) -> Bool

  /// Whether the group gave it a partition. Cooperative members have no partition at first, and are ready.
  var hasPartitions: Bool {
    let assignment = context.health.readiness("assignment").current
    return assignment.ready && !assignment.reason.hasPrefix("0 ")
  }

  init(
    context: ServiceContext, consumer: Consumer, metrics: PipelineMetrics,
    mayWork: @escaping @Sendable (Lease) -> Bool = { _ in true }, _ work: @escaping @Sendable () async throws -> Void
  ) {
    self.init(context: context, consumer: consumer, metrics: metrics, mayWork: mayWork, task: Task(operation: work))
  }

  init(
    context: ServiceContext, consumer: Consumer, metrics: PipelineMetrics,
    mayWork: @escaping @Sendable (Lease) -> Bool = { _ in true }, task: Task<Void, any Error>
  ) {
    self.context = context
    self.consumer = consumer
    self.metrics = metrics
    self.mayWork = mayWork
    self.task = task
  }

  var account: RecordAccount { metrics.account }

  func isReady(_ condition: String) -> Bool { context.health.readiness(condition).current.ready }

  /// Drains, and checks the metrics' sums.
  @discardableResult
  func drain(at location: SourceLocation = #_sourceLocation) async throws -> RecordAccount {
    context.drain.raise()
    try await task.value
    return balanced(at: location)
  }

  /// Waits for the failure that ended it, and checks the metrics' sums.
  func failure(at location: SourceLocation = #_sourceLocation) async throws -> any ClassifiedError {
    do { try await task.value } catch {
      balanced(at: location)
      return try #require(error as? any ClassifiedError, sourceLocation: location)
    }
    throw ConditionNotMet(description: "the loop ended without a failure")
  }

  @discardableResult
  private func balanced(at location: SourceLocation) -> RecordAccount {
    let account = account
    #expect(account.missing == 0, "\(account)", sourceLocation: location)
    #expect(account.inFlight == 0, "\(account)", sourceLocation: location)
    return account
  }
}
