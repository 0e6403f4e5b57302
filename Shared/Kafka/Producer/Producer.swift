import Logging
import Runtime

/// Produces batches, idempotently and acknowledged by all in-sync replicas.
///
/// Batches are taken in the order of the calls and never interleave; records of one partition keep that order,
/// also through the library's own retries. Only a batch that failed and is produced again by its caller can end
/// up behind later ones: whoever needs strict order awaits a batch before the next, and whoever reads has to
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
  package func send(_ batch: OutgoingBatch) async throws(ProduceError) {
    try await enqueue(batch).value
  }

  /// Hands the batch to the library and returns before it is acknowledged. Waits while `maxInFlightBytes` are
  /// on their way.
  /// - Throws: when nothing of the batch was taken. Records refused one by one are told by the acknowledgements.
  package func enqueue(_ batch: OutgoingBatch) async throws(ProduceError) -> PendingAcks {
    PendingAcks(ticket: try await core.enqueue(batch))
  }

  /// Bytes that wait for acknowledgement.
  package var inFlightBytes: Int { core.admission.inFlightBytes }

  /// The partition `partitionBy` bytes lead to.
  package func partition(for bytes: [UInt8], topic: String) async throws(KafkaError) -> Int32 {
    Murmur2.partition(of: bytes, count: try await core.partitionCount(of: topic))
  }

  /// Sends what lingers and waits until all is acknowledged or refused.
  package func flush(within limit: Duration) async throws(KafkaError) {
    try await core.control.flush(core.client, within: limit)
  }

  /// Takes nothing more, flushes, and frees the client. What is not acknowledged by then fails with class
  /// `transient`.
  package func close(within limit: Duration = .seconds(30)) async {
    await core.close(within: limit)
  }
}
