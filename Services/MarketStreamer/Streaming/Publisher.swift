import Core
import CoreMetrics
import Kafka
import Logging
import Synchronization

/// Sends what the outlet holds, every few milliseconds, and again what Kafka did not take.
actor Publisher {
  private let outlet: Outlet
  private let producer: Producer
  private let drain: Interruption
  private let logger: Logger
  private let ready: @Sendable (Bool, String) -> Void
  private let gauges: StreamerMetrics.Connection
  private let unacknowledged = Mutex(0)

  init(
    _ outlet: Outlet, _ producer: Producer, _ number: Int, drain: Interruption, logger: Logger,
    ready: @escaping @Sendable (Bool, String) -> Void
  ) {
    self.outlet = outlet
    self.producer = producer
    self.drain = drain
    gauges = StreamerMetrics.Connection(number)
    self.logger = logger
    self.ready = ready
  }

  /// Bytes that Kafka has not acknowledged.
  nonisolated var backlog: Int { outlet.pendingBytes + unacknowledged.withLock { $0 } }

  /// Works until cancelled; then sends what is left.
  func run() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      while true {
        let isLast = Task.isCancelled
        try await sendOnce(&group)
        gauges.backlog.record(backlog)
        gauges.newest.record(Double(outlet.watermark) / 1e9)
        if isLast { break }
        try? await Task.sleep(for: .milliseconds(3))
      }
      try await group.waitForAll()
    }
  }

  private func sendOnce(_ group: inout ThrowingTaskGroup<Void, any Error>) async throws {
    let batch = outlet.takeBatch()
    guard !batch.isEmpty else { return }
    unacknowledged.withLock { $0 += batch.byteCount }
    let acks = try await enqueue(batch)
    group.addTask {
      do {
        try await acks.value
        self.ready(true, "")
      } catch {
        try await self.sendAgain(batch, after: error)
      }
      self.unacknowledged.withLock { $0 -= batch.byteCount }
    }
  }

  private func enqueue(_ batch: OutgoingBatch) async throws -> PendingAcks {
    try await Backoff(base: .milliseconds(100), cap: .seconds(15)).retry { @concurrent in
      try await self.producer.enqueue(batch)
    } pause: { @concurrent in try await self.pause($0) }
  }

  /// Readers cope with repeats: the messages say which event they are.
  private func sendAgain(_ batch: OutgoingBatch, after error: any Error) async throws {
    guard ErrorClass(of: error) == .transient else { throw error }
    try await Backoff(base: .milliseconds(100), cap: .seconds(15)).retry { @concurrent in
      StreamerMetrics.resent.increment()
      try await self.producer.send(batch)
    } pause: { @concurrent in try await self.pause($0) }
  }

  private func pause(_ failed: FailedAttempt) async throws {
    ready(false, "\(failed.error)")
    logger.warning("Kafka does not take events", metadata: ["error": "\(failed.error)"])
    if await drain.sleep(for: failed.delay) { throw failed.error }
  }
}
