import Foundation
import Kafka
import Logging
import Runtime
import Schemas
import ServiceKit

/// Assembles what every consuming service is made of (consumer, producer, loop) from its options, and runs it.
package struct ConsumerService: Sendable {
  package var identity: ServiceIdentity
  package var inputs: [Topic]
  package var kafka: KafkaOptions
  package var pipeline: PipelineOptions
  package var context: ServiceContext

  package init(
    entry: ServiceEntry, kafka: KafkaOptions, pipeline: PipelineOptions, context: ServiceContext
  ) {
    identity = ServiceIdentity(name: entry.name)
    inputs = entry.inputs
    self.kafka = kafka
    self.pipeline = pipeline
    self.context = context
  }

  /// Runs `handler` over every record of the inputs until drained.
  ///
  /// - Parameter concurrency: jobs at the same time.
  /// - Throws: a `ClassifiedError` of class `configuration` or `fatal`.
  package func run(concurrency: Int, _ handler: some JobHandler) async throws {
    guard try await isLetIn() else { return }
    let consumer = try makeConsumer(externalOffsets: false)
    let producer = try makeProducer(transactionalID: transactionalID)
    do {
      if kafka.delivery == .exactlyOnce {
        try await initializeTransactions(of: producer)
        try await TransactionalJobs(
          service: identity, consumer: consumer, producer: producer, handler: handler, concurrency: concurrency,
          options: pipeline, context: context
        ).run()
      } else {
        try await JobPipeline(
          service: identity, consumer: consumer, producer: producer, handler: handler, concurrency: concurrency,
          options: pipeline, context: context
        ).run()
      }
    } catch {
      consumer.close()
      await producer.close(within: .seconds(5))
      throw error
    }
    await producer.close()
  }

  /// Fills the sink with every record of the inputs until drained.
  ///
  /// - Parameters:
  ///   - externalOffsets: the sink keeps the offsets and is asked for them at every assignment.
  ///   - adoptsCommits: a partition that such a sink does not know starts where the group has committed.
  ///   - makeSink: given the id of the Kafka cluster and the consumer group, which offsets kept elsewhere belong to.
  package func run<Destination: Sink>(
    policy: FlushPolicy, externalOffsets: Bool, adoptsCommits: Bool = false,
    makeSink: (_ clusterID: String, _ group: String) async throws -> Destination
  ) async throws {
    guard try await isLetIn() else { return }
    let consumer = try makeConsumer(externalOffsets: externalOffsets, adoptsCommits: adoptsCommits)
    // Dead letters need no transactions: a repeated one only repeats.
    let producer = try makeProducer()
    do {
      let clusterID = try await retryingOutages("cluster id") { try await consumer.clusterID }
      if let clusterID {
        let sink = try await makeSink(clusterID, consumer.configuration.groupID)
        try await SinkPipeline(
          service: identity, consumer: consumer, producer: producer, sink: sink, policy: policy, options: pipeline,
          context: context
        ).run()
      } else {
        consumer.close()
      }
    } catch {
      consumer.close()
      await producer.close(within: .seconds(5))
      throw error
    }
    await producer.close()
  }

  /// Fills a sink that itself writes to Kafka, and is asked for each partition before anything of it is read.
  ///
  /// - Parameter makeSink: given the consumer, whose group may take part in transactions, and the producer to write
  ///   through; with `--delivery exactly-once` its transactions are initialised.
  package func run<Destination: Sink>(
    policy: FlushPolicy, output makeSink: (_ consumer: Consumer, _ output: Producer) throws -> Destination
  ) async throws {
    guard try await isLetIn() else { return }
    let consumer = try makeConsumer(externalOffsets: true, adoptsCommits: true)
    // Dead letters need no transactions: a repeated one only repeats.
    let letters = try makeProducer()
    let isTransactional = kafka.delivery == .exactlyOnce
    let output = isTransactional
      ? try makeProducer(transactionalID: transactionalID)
      : letters
    do {
      if isTransactional { try await initializeTransactions(of: output) }
      try await SinkPipeline(
        service: identity, consumer: consumer, producer: letters, sink: try makeSink(consumer, output),
        policy: policy, options: pipeline, context: context
      ).run()
    } catch {
      consumer.close()
      if isTransactional { await output.close(within: .seconds(5)) }
      await letters.close(within: .seconds(5))
      throw error
    }
    if isTransactional { await output.close() }
    await letters.close()
  }

  /// Collects every record of the inputs into generations until drained.
  package func run<Destination: GenerationSink>(
    generations policy: GenerationPolicy, into sink: Destination
  ) async throws {
    guard try await isLetIn() else { return }
    let consumer = try makeConsumer(externalOffsets: true)
    let producer = try makeProducer()
    do {
      try await GenerationPipeline(
        service: identity, consumer: consumer, producer: producer, sink: sink, policy: policy, options: pipeline,
        context: context
      ).run()
    } catch {
      consumer.close()
      await producer.close(within: .seconds(5))
      throw error
    }
    await producer.close()
  }

  /// Waits until Kafka lets the service in; a refusal is thrown before any work.
  /// - Returns: false when the service was asked to drain first.
  private func isLetIn() async throws -> Bool {
    let readiness = context.health.readiness("kafka")
    return try await kafka.waitUntilLetIn(
      clientID: identity.name, topics: inputs.map(\.name), drain: context.drain, logger: context.logger
    ) { readiness.set(ready: $0 == nil, reason: $0 ?? "") }
  }

  private func makeConsumer(externalOffsets: Bool, adoptsCommits: Bool = false) throws -> Consumer {
    var configuration = try kafka.consumerConfiguration(
      clientID: identity.name, topics: inputs.map(\.name), externalOffsets: externalOffsets,
      // The worker's own share of the drain: the rest is for leaving the group and flushing.
      drainDeadline: context.drainTimeout * 0.8, logger: context.logger)
    configuration.adoptsCommits = adoptsCommits
    let readiness = context.health.readiness("kafka")
    configuration.onAccessProblem = { readiness.set(ready: $0 == nil, reason: $0?.refusal?.advice ?? $0?.name ?? "") }
    return try Consumer(configuration)
  }

  private func makeProducer(transactionalID: String? = nil) throws -> Producer {
    var configuration = try kafka.producerConfiguration(
      clientID: identity.name, transactionalID: transactionalID, logger: context.logger)
    let health = context.health
    // Named once there is something to say: a producer of dead letters may never have anything to do.
    configuration.onAccessProblem = {
      health.readiness("kafka producer").set(ready: $0 == nil, reason: $0?.refusal?.advice ?? $0?.name ?? "")
    }
    return try Producer(configuration)
  }

  /// One that no other running process has: two with the same id fence each other. The group's metadata in each
  /// transaction keeps out a process that lost its partitions, so the id need not outlive the process. A name given to
  /// the instance is kept: then the next process ends what this one left open, instead of the broker's time-out.
  var transactionalID: String {
    "\(identity.name)-\(kafka.groupInstanceId ?? "\(ProcessInfo.processInfo.hostName)-\(UUID().uuidString)")"
  }

  private func initializeTransactions(of producer: Producer) async throws {
    _ = try await retryingOutages("transactions") { try await producer.initTransactions() }
  }

  /// - Returns: nil when the service was asked to drain before it succeeded.
  private func retryingOutages<Value>(_ what: String, _ operation: () async throws -> Value) async throws -> Value? {
    var backoff = pipeline.backoff
    let readiness = context.health.readiness("kafka")
    while true {
      do {
        let value = try await operation()
        readiness.set(ready: true)
        return value
      } catch let error where ErrorClass(of: error) == .transient {
        readiness.failed(error, at: what)
        context.logger.warning("waiting for Kafka", metadata: ["step": "\(what)", "reason": "\(error)"])
        if await context.drain.sleep(for: backoff.next()) { return nil }
      }
    }
  }
}
