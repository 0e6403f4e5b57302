import Logging

/// Produces batches, idempotently and acknowledged by all in-sync replicas.
///
/// Batches are taken in the order of the calls and never interleave; records of one partition keep that order,
/// also through the library's own retries. Only a batch that failed and is produced again by its caller can end
/// up behind later ones: a caller that needs strict order awaits each batch before the next, and readers have to
/// cope with repeats, which is why ids inside messages are deterministic.
///
/// An outage shorter than `message.timeout.ms` (5 minutes unless set) only delays acknowledgements; past it they
/// fail with class `transient` and nothing is dropped silently.
package final class Producer: Sendable {
  let core: ProducerCore
  package let configuration: Configuration

  /// Connects in the background.
  /// - Throws: `Failure(.configuration)` for a property librdkafka refuses.
  package init(_ configuration: Configuration) throws {
    self.configuration = configuration
    core = try ProducerCore(configuration)
    core.startPolling()
  }

  deinit { core.abandon() }

  /// Waits for every acknowledgement.
  ///
  /// - Throws: the worst of the failures, in the order fatal, configuration, transient, data. A transient one says
  ///   nothing about the records: produce the whole batch again.
  package func send(_ batch: OutgoingBatch) async throws(KafkaError) {
    try await enqueue(batch).value
  }

  /// Hands the batch to the library and returns before it is acknowledged. Waits while `maxInFlightBytes` are
  /// on their way.
  /// - Throws: when nothing of the batch was taken. Records refused one by one are told by the acknowledgements.
  package func enqueue(_ batch: OutgoingBatch) async throws(KafkaError) -> PendingAcks {
    PendingAcks(ticket: try await core.enqueue(batch))
  }

  /// Bytes that wait for acknowledgement.
  package var inFlightBytes: Int { core.admission.inFlightBytes }

  /// The partition `partitionBy` bytes lead to.
  package func partition(for bytes: [UInt8], topic: String) async throws(KafkaError) -> Int32 {
    Murmur2.partition(of: bytes, count: try await core.partitionCount(of: topic))
  }

  /// Takes nothing more, flushes, and frees the client. What is not acknowledged by then fails with class
  /// `transient`.
  package func close(within limit: Duration = .seconds(30)) async {
    await core.close(within: limit)
  }
}

extension Producer {
  package struct Configuration: Sendable {
    /// Everything librdkafka is told, from `ClientProperties`.
    package var properties: [String: String]
    /// Turns transactions on. Never the same in two running processes: each would fence the other.
    package var transactionalID: String?
    /// Bytes that may wait for acknowledgement before `enqueue` waits; a larger batch goes alone.
    package var maxInFlightBytes = 64 << 20
    /// How long a topic may be unknown before that is a configuration error.
    package var missingTopicGrace: Duration = .seconds(30)
    /// How old the number of partitions of a topic may be before it is asked for again.
    package var partitionCountAge: Duration = .seconds(300)
    /// Called on the client's thread with the reason why the cluster does not let this client in, as soon as that is
    /// known, and with nil once it does again.
    package var onAccessProblem: @Sendable (KafkaError?) -> Void = { _ in }
    package var logger: Logger

    /// The longest record that the library takes, in bytes.
    package var largestRecord: Int { properties["message.max.bytes"].flatMap { Int($0) } ?? 1_000_000 }

    package init(properties: [String: String], transactionalID: String? = nil, logger: Logger) {
      self.properties = properties
      self.transactionalID = transactionalID
      self.logger = logger
    }
  }
}
