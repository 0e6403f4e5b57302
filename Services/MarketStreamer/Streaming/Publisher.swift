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
  private let finished = Interruption()
  /// What Kafka has not acknowledged, in the order it was sent, with the time of the newest event behind it.
  private var outstanding: [(id: Int, watermark: Int64)] = []
  private var nextID = 0
  /// Every event up to this time that the feed gave is in Kafka.
  private(set) var watermark: Int64 = 0
  private var lastMark: Int64 = 0
  /// Events are gathered for this long and handed over together: a request to Kafka is about one partition, so the
  /// fewer, the less each event costs. The library then only has to wait until the whole batch is with it.
  private static let gathering = Duration.milliseconds(5)
  static let linger = Duration.milliseconds(1)

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

  /// Nothing more will come: `run` ends when what is left is acknowledged.
  nonisolated func finish() { finished.raise() }

  /// Waits until everything that was in the outlet at the call is acknowledged.
  func settle() async throws {
    let target = nextID
    while (nextID == target && outlet.pendingBytes > 0) || outstanding.contains(where: { $0.id <= target }) {
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  /// Works until `finish`. Not cancelled before: what is on its way would be sent twice.
  func run() async throws {
    try await withThrowingDiscardingTaskGroup { group in
      while true {
        let isLast = finished.isRaised
        try await sendOnce(&group)
        gauges.backlog.record(backlog)
        gauges.newest.record(Double(outlet.watermark) / 1e9)
        if isLast { break }
        try await Task.sleep(for: Self.gathering)
      }
    }
  }

  private func sendOnce(_ group: inout ThrowingDiscardingTaskGroup<any Error>) async throws {
    // Before the batch: what comes in between is in the next one.
    let mark = outlet.watermark
    let (batch, since) = outlet.takeBatch()
    guard !batch.isEmpty else { return }
    let id = nextID
    nextID += 1
    outstanding.append((id, mark))
    unacknowledged.withLock { $0 += batch.byteCount }
    let acks = try await enqueue(batch)
    group.addTask {
      do {
        try await acks.value
        self.ready(true, "")
      } catch {
        try await self.sendAgain(batch, after: error)
      }
      StreamerMetrics.publishing.record(Double(max(0, WallClock.microseconds() * 1_000 - since)) / 1e9)
      self.unacknowledged.withLock { $0 -= batch.byteCount }
      await self.acknowledged(id)
    }
  }

  private func acknowledged(_ id: Int) {
    guard let place = outstanding.firstIndex(where: { $0.id == id }) else { return }
    let mark = outstanding.remove(at: place).watermark
    // Behind one that is still on its way the mark says nothing.
    if place == 0 { watermark = max(watermark, mark) }
    if outstanding.isEmpty { watermark = max(watermark, lastMark) }
    lastMark = max(lastMark, mark)
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
