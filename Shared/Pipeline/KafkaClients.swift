import Catalogue
import Core
import Foundation
import Kafka
import KafkaFlags
import Logging
import ServiceKit
import Values

extension Needs {
  /// Kafka, for a service that reads or writes topics of its own choice.
  ///
  /// - Parameter consumes: whether it joins a group (`--group-id`, or else its name).
  package func kafka(
    _ name: String, _ options: KafkaOptions, topics: [String], consumes: Bool = true, condition: String = "kafka"
  ) -> KafkaClients {
    kafka(name, options, consumes: consumes, condition: condition) { KafkaTopics(inputs: topics, all: topics) }
  }

  /// Kafka, for a service that works through the topics of its entry and dead-letters what it cannot take.
  ///
  /// - Parameters:
  ///   - inputs: where settings choose among those of the entry.
  ///   - outputs: the same of its outputs.
  package func consumer(
    _ entry: ServiceEntry, _ options: KafkaOptions, _ pipeline: PipelineOptions, outputs: [Topic]? = nil,
    consumes: Bool = true, inputs: (@Sendable () throws -> [Topic])? = nil
  ) -> ConsumerService {
    backoff = pipeline.backoff
    let clients = kafka(entry.name, options, consumes: consumes) {
      let inputs = try inputs?() ?? entry.inputs
      let all = inputs + inputs.map(\.deadLetters) + (outputs ?? entry.outputs)
      return KafkaTopics(inputs: inputs.map(\.name), all: all.map(\.name))
    }
    return ConsumerService(clients: clients, pipeline: pipeline)
  }

  private func kafka(
    _ name: String, _ options: KafkaOptions, consumes: Bool, condition: String = "kafka",
    topics: @escaping @Sendable () throws -> KafkaTopics
  ) -> KafkaClients {
    let topics = add(Need(
      "kafka", condition: condition, limit: .seconds(20), open: topics,
      check: { [logger] in
        try await options.check(clientID: name, topics: $0.all, consumes: consumes, logger: logger)
      },
      wait: { topics, wait in
        try await options.waitUntilLetIn(
          clientID: name, topics: topics.inputs, consumes: consumes, drain: wait.drain, logger: wait.logger
        ) { wait.tell($0 == nil, $0 ?? "") }
      }))
    return KafkaClients(name, options, topics, context)
  }

  /// A topic of which every instance reads the whole before it works, and follows it from then on; when it cannot be
  /// followed any more, the service drains and fails, because it would work with what is no longer so.
  ///
  /// - Parameters:
  ///   - condition: of `/readyz`.
  ///   - isTrimmed: whether the topic is meant to lose its oldest records.
  ///   - found: what `/readyz` says of a table that is current.
  ///   - apply: called for every batch, on the reader's thread.
  package func table(
    _ condition: String, _ name: String, _ options: KafkaOptions, topic: Topic, isTrimmed: Bool = false,
    found: @escaping @Sendable () -> String = { "" }, apply: @escaping @Sendable (RecordBatch) -> Void
  ) {
    let reader = add(Need(
      condition, condition: condition,
      open: { [logger] in
        var configuration = try options.tableConfiguration(clientID: name, topic: topic.name, logger: logger)
        configuration.isTrimmed = isTrimmed
        return try TableReader(configuration, apply: apply)
      },
      wait: { reader, wait in
        wait.tell(false, "reading \(topic.name)")
        guard try await reader.waitUntilCurrent(orUntil: wait.drain) else { return false }
        wait.tell(true, found())
        return true
      },
      close: { await $0.closeAndWait() }))
    beside {
      try await reader.value.waitUntilEnded()
      if case .failed(let error) = try reader.value.state { throw error }
    }
  }
}

/// The topics of one service.
struct KafkaTopics: Sendable {
  /// A start looks at these, and at the group with the first.
  var inputs: [String]
  /// `--check` looks for these.
  var all: [String]
}

/// Makes the clients of one service, as its options say, and lets `/readyz` know of their trouble.
package struct KafkaClients: Sendable {
  package let identity: ServiceIdentity
  package let options: KafkaOptions
  package internal(set) var context: ServiceContext
  let topics: Opened<KafkaTopics>

  init(_ name: String, _ options: KafkaOptions, _ topics: Opened<KafkaTopics>, _ context: ServiceContext) {
    identity = ServiceIdentity(name: name, tracer: context.tracer)
    self.options = options
    self.topics = topics
    self.context = context
  }

  /// Work that polls or streams outward, and produces. The producer is closed behind it, on every path.
  ///
  /// - Parameters:
  ///   - conditions: of `/readyz`, which it sets.
  ///   - linger: how long a record waits for others of its partition; short for work that gathers them itself.
  package func source(
    _ conditions: String..., linger: Duration = .milliseconds(10),
    body: @escaping @Sendable (Producer) async throws -> Void
  ) -> Work {
    context.expect(conditions)
    return Work {
      do {
        try await withProducer(linger: linger, failureLimit: context.drainTimeout, body)
      } catch where context.drain.isRaised && ErrorClass(of: error) == .transient {
        // What Kafka did not take before the end of a drain is asked for again by the next process.
        context.logger.warning("not everything was acknowledged", metadata: ["error": "\(error)"])
      }
    }
  }

  package func consumer(
    of topics: [String], change: (inout Consumer.Configuration) -> Void = { _ in }
  ) throws -> Consumer {
    var configuration = try options.consumerConfiguration(
      clientID: identity.name, topics: topics,
      // The worker's own share of the drain: the rest is for leaving the group and flushing.
      drainDeadline: context.drainTimeout * 0.8, logger: context.logger)
    let readiness = context.health.readiness("kafka")
    configuration.onAccessProblem = { readiness.set(ready: $0 == nil, reason: $0?.refusal?.advice ?? $0?.name ?? "") }
    change(&configuration)
    return try Consumer(configuration)
  }

  /// - Parameters:
  ///   - isTransactional: begins the producer's transactions, with `--delivery exactly-once`.
  ///   - failureLimit: how long what was produced may take to be acknowledged after `body` has thrown.
  func withProducer(
    isTransactional: Bool = false, linger: Duration = .milliseconds(10), failureLimit: Duration = .seconds(5),
    backoff: Backoff = Backoff(), _ body: (Producer) async throws -> Void
  ) async throws {
    var configuration = try options.producerConfiguration(
      clientID: identity.name, transactionalID: isTransactional ? transactionalID : nil, linger: linger,
      logger: context.logger)
    let health = context.health
    // Named once there is something to say: a producer of dead letters may never have anything to do.
    configuration.onAccessProblem = {
      health.readiness("kafka producer").set(ready: $0 == nil, reason: $0?.refusal?.advice ?? $0?.name ?? "")
    }
    let producer = try Producer(configuration)
    do {
      if isTransactional {
        _ = try await context.wait(for: "Kafka", context.health.readiness("kafka"), backoff) {
          try await producer.initTransactions()
        }
      }
      try await body(producer)
    } catch {
      await producer.close(within: failureLimit)
      throw error
    }
    await producer.close(within: context.drainTimeout)
  }

  /// One that no other running process has: two with the same id fence each other. The group's metadata in each
  /// transaction keeps out a process that lost its partitions, so the id need not outlive the process. A name given to
  /// the instance is kept: then the next process ends what this one left open, instead of the broker's time-out.
  var transactionalID: String {
    "\(identity.name)-\(options.groupInstanceId ?? "\(ProcessInfo.processInfo.hostName)-\(UUID().uuidString)")"
  }
}

/// Who is at work: goes into headers, dead letters and client ids.
package struct ServiceIdentity: Sendable {
  package var name: String
  package var version: String
  private let tracer: Tracer?

  package init(name: String, version: String = Souk.version, tracer: Tracer? = nil) {
    self.name = name
    self.version = version
    self.tracer = tracer
  }

  /// The value of the header `souk-produced-by`.
  package var producedBy: String { "\(name)/\(version)" }

  /// The headers of a message with this schema. The trace goes on from `parent` (the consumed record's
  /// `traceparent`, if it had a readable one), else it begins here.
  package func headers(schema: SchemaID, parent: [UInt8]? = nil) -> [Header] {
    [
      Header(HeaderName.schema, schema.name),
      Header(HeaderName.schemaVersion, "\(schema.version)"),
      Header(HeaderName.traceparent, trace(of: schema, continuing: parent).bytes),
      Header(HeaderName.producedBy, producedBy),
    ]
  }

  private func trace(of schema: SchemaID, continuing parent: [UInt8]?) -> TraceParent {
    let parent = parent.flatMap { TraceParent(parsing: $0.span.bytes) }
    return tracer?.create(schema.name, parent: parent) ?? parent?.child() ?? TraceParent.root()
  }
}
