import Catalogue
import Kafka
import KafkaFlags
import ServiceKit

/// The work of a service that consumes: assembles its clients and the loop of its kind, and runs them until drained.
package struct ConsumerService: Sendable {
  package private(set) var clients: KafkaClients
  let pipeline: PipelineOptions

  package var identity: ServiceIdentity { clients.identity }
  /// Of consumers: `--group-id`, or else the service's name.
  package var group: String { clients.options.groupId ?? identity.name }
  private var context: ServiceContext { clients.context }
  private var isTransactional: Bool { clients.options.delivery == .exactlyOnce }

  /// The same, without a say on `/readyz`: for work beside what the service is there for.
  package func aside() -> ConsumerService {
    var other = self
    let context = clients.context
    other.clients.context = ServiceContext(
      name: context.name, logger: context.logger, drain: context.drain, drainTimeout: context.drainTimeout,
      tracer: context.tracer)
    return other
  }

  /// Hands every record of the inputs to a handler.
  /// - Parameter concurrency: jobs at the same time.
  package func jobs<Handler: JobHandler>(
    concurrency: Int, _ makeHandler: @escaping @Sendable () throws -> Handler
  ) -> Work {
    work("work") {
      let handler = try makeHandler()
      try await run(isTransactional: isTransactional) { consumer, producer in
        if isTransactional {
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
      }
    }
  }

  /// Fills a sink with every record of the inputs.
  ///
  /// - Parameters:
  ///   - keepsOffsets: the sink keeps the offsets and is asked for them at every assignment.
  ///   - adoptsCommits: a partition that such a sink does not know starts where the group has committed.
  ///   - makeSink: given the id of the Kafka cluster and the consumer group, which offsets kept elsewhere belong to.
  package func sink<Destination: Sink>(
    _ policy: FlushPolicy, keepsOffsets: Bool = false, adoptsCommits: Bool = false,
    _ makeSink: @escaping @Sendable (_ clusterID: String, _ group: String) throws -> Destination
  ) -> Work {
    work("sink") {
      // Dead letters need no transactions: a repeated one only repeats.
      try await run(externalOffsets: keepsOffsets, adoptsCommits: adoptsCommits) { consumer, producer in
        let clusterID = try await context.wait(for: "Kafka", context.health.readiness("kafka"), pipeline.backoff) {
          try await consumer.clusterID
        }
        guard let clusterID else { return consumer.close() }
        let sink = try makeSink(clusterID, consumer.configuration.groupID)
        try await SinkPipeline(
          service: identity, consumer: consumer, producer: producer, sink: sink, policy: policy, options: pipeline,
          context: context
        ).run()
      }
    }
  }

  /// Fills a sink that itself writes to Kafka, and is asked for each partition before anything of it is read.
  ///
  /// - Parameters:
  ///   - isCoPartitioned: a member owns the same partitions of all inputs, and is offered them together. The inputs
  ///     have the same number of partitions.
  ///   - makeSink: given what it writes through: in transactions with `--delivery exactly-once`.
  package func sink<Destination: Sink>(
    _ policy: FlushPolicy, isCoPartitioned: Bool = false,
    output makeSink: @escaping @Sendable (_ output: any SinkOutput) throws -> Destination
  ) -> Work {
    work("sink") {
      // Dead letters need no transactions: a repeated one only repeats.
      try await run(
        externalOffsets: true, adoptsCommits: true, isCoPartitioned: isCoPartitioned
      ) { consumer, letters in
        func fill(_ output: any SinkOutput) async throws {
          try await SinkPipeline(
            service: identity, consumer: consumer, producer: letters, sink: try makeSink(output), policy: policy,
            options: pipeline, context: context
          ).run()
        }
        guard isTransactional else { return try await fill(AcknowledgedOutput(producer: letters)) }
        try await clients.withProducer(isTransactional: true, backoff: pipeline.backoff) { producer in
          try await fill(TransactionalOutput(producer: producer, consumer: consumer))
        }
      }
    }
  }

  /// Collects every record of the inputs into generations.
  package func generations<Destination: GenerationSink>(
    _ policy: GenerationPolicy, into makeSink: @escaping @Sendable () throws -> Destination
  ) -> Work {
    work("offsets", "sink") {
      let sink = try makeSink()
      try await run(externalOffsets: true) { consumer, producer in
        try await GenerationPipeline(
          service: identity, consumer: consumer, producer: producer, sink: sink, policy: policy, options: pipeline,
          context: context
        ).run()
      }
    }
  }

  /// - Throws: a configuration `Failure` for settings of Kafka that are wrong.
  package func changelog(_ topic: Topic) throws -> ChangelogReader {
    ChangelogReader(try clients.options.tableConfiguration(
      clientID: identity.name, topic: topic.name, logger: context.logger))
  }

  /// Work that is not ready before its loop has partitions, and sets these conditions besides.
  private func work(_ conditions: String..., body: @escaping @Sendable () async throws -> Void) -> Work {
    context.expect(conditions + ["assignment"])
    return Work(body)
  }

  /// Opens the clients around a loop. The consumer is closed first, so that its group goes on without it.
  private func run(
    externalOffsets: Bool = false, adoptsCommits: Bool = false, isCoPartitioned: Bool = false,
    isTransactional: Bool = false, _ loop: (Consumer, Producer) async throws -> Void
  ) async throws {
    let consumer = try clients.consumer(of: clients.topics.value.inputs) {
      $0.externalOffsets = externalOffsets
      $0.adoptsCommits = adoptsCommits
      // The only strategy that gives out the topics of a group alike.
      if isCoPartitioned { $0.properties["partition.assignment.strategy"] = "range" }
    }
    defer { consumer.close() }
    try await clients.withProducer(isTransactional: isTransactional, backoff: pipeline.backoff) { producer in
      defer { consumer.close() }
      try await loop(consumer, producer)
    }
  }
}
